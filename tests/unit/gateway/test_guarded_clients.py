"""The real clients, unchanged: what they make of refusals, holds and withheld answers."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest
from langchain_core.messages import AIMessageChunk
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from openai import (
    BadRequestError,
    DefaultAsyncHttpxClient,
    DefaultHttpxClient,
    InternalServerError,
    OpenAI,
    PermissionDeniedError,
    RateLimitError,
)
from pydantic import SecretStr

from casemate.gateway.quotas import Limits
from unit.gateway.conftest import Start
from unit.gateway.guarded import HELD, SENTENCE, Markers, delta, in_force, says
from unit.gateway.support import DONE, FakeEngine, Running, usage_chunk
from unit.gateway.test_clients import client
from unit.gateway.test_guard import call, engine_says
from unit.gateway.test_guard_failures import raising
from unit.gateway.test_holdback import AFTER, BEFORE, TEXT
from unit.gateway.test_streaming import events

MESSAGES: Any = [{"role": "user", "content": "hello"}]
ASK: Any = {"model": "m", "messages": MESSAGES}
CUTS = [
    [TEXT],
    list(TEXT),
    [TEXT[a:b] for a, b in itertools.pairwise(range(0, len(TEXT) + 3, 3))],
    [BEFORE, "The FORB", "IDDEN", SENTENCE[13:], AFTER],
]


def blocking(gateway: Running) -> OpenAI:
    return OpenAI(
        base_url=f"{gateway.url}/v1",
        api_key="unused",
        max_retries=0,
        http_client=DefaultHttpxClient(verify=gateway.authority.client_context()),
    )


@pytest.mark.parametrize("parts", CUTS, ids=["whole", "characters", "threes", "words"])
@pytest.mark.parametrize("how", ["async", "plain"])
async def test_a_withheld_stream_ends_cleanly_and_says_why(
    parts: list[str], how: str, guarded: Running, engine: FakeEngine
) -> None:
    engine.respond = events(delta(role="assistant"), *[delta(part) for part in parts], DONE)
    if how == "async":
        async with client(guarded) as openai:
            stream = await openai.chat.completions.create(**ASK, stream=True)
            got = [event async for event in stream]
    else:

        def ask() -> list[Any]:
            with blocking(guarded) as openai:
                return list(openai.chat.completions.create(**ASK, stream=True))

        got = await asyncio.to_thread(ask)
    told = "".join(event.choices[0].delta.content or "" for event in got)
    assert BEFORE.startswith(told)
    assert [event.choices[0].finish_reason for event in got][-1] == "content_filter"
    assert len({event.id for event in got}) == 1


async def test_the_clients_own_accumulator_ends_with_content_filter(
    guarded: Running, engine: FakeEngine
) -> None:
    engine.respond = events(delta(role="assistant"), *[delta(char) for char in TEXT], DONE)
    async with client(guarded) as openai, openai.chat.completions.stream(**ASK) as stream:
        async for _ in stream:
            pass
        final = stream.current_completion_snapshot.choices[0]
    assert final.finish_reason == "content_filter"
    assert BEFORE.startswith(final.message.content or "")


async def test_a_withheld_answer_is_empty_and_says_why(
    guarded: Running, engine: FakeEngine
) -> None:
    engine_says(engine, says(TEXT))
    async with client(guarded) as openai:
        answer = await openai.chat.completions.create(**ASK)

    def ask() -> Any:
        with blocking(guarded) as openai:
            return openai.chat.completions.create(**ASK)

    plain = await asyncio.to_thread(ask)
    for each in (answer, plain):
        assert each.choices[0].finish_reason == "content_filter"
        assert each.choices[0].message.content is None


async def test_refusals_are_the_clients_own_errors(start: Start, engine: FakeEngine) -> None:
    judge = Markers()
    gateway = await start(force=in_force(judge, limits=Limits(3600.0, requests=3)))

    async def ask(text: str) -> Any:
        async with client(gateway) as openai:
            messages: Any = [{"role": "user", "content": text}]
            return await openai.chat.completions.create(model="m", messages=messages)

    with pytest.raises(BadRequestError) as refused:
        await ask(SENTENCE)
    assert (refused.value.code, refused.value.param) == ("content_filter", "messages")
    with pytest.raises(PermissionDeniedError) as held:
        await ask(HELD)
    assert held.value.code == "human_approval_required"
    judge.before = raising(ValueError("x"))
    with pytest.raises(InternalServerError) as broken:
        await ask("hello")
    assert broken.value.code == "guard_unavailable"
    with pytest.raises(RateLimitError) as many:
        await ask("hello")
    assert many.value.code == "quota_exceeded"
    assert int(many.value.response.headers["Retry-After"]) > 0
    assert engine.requests == []


async def test_a_tool_call_comes_whole_with_an_id_that_is_the_same_in_all_parts(
    guarded: Running, engine: FakeEngine
) -> None:
    head = call("look", "")
    parts = [
        {"index": 0, "id": "tell the FORBIDDEN", "function": {"arguments": char}}
        for char in '{"q": 1}'
    ]
    pieces = [delta(tool_calls=[part]) for part in (head, *parts)]
    engine.respond = events(
        delta(role="assistant"), *pieces, delta(finish="tool_calls"), usage_chunk(), DONE
    )
    async with client(guarded) as openai:
        stream = await openai.chat.completions.create(**ASK, stream=True)
        events_ = [event async for event in stream]
    calls = [item for event in events_ for item in event.choices[0].delta.tool_calls or ()]
    assert "".join(item.function.arguments or "" for item in calls if item.function) == '{"q": 1}'
    assert len({item.id for item in calls}) == 1
    assert events_[-1].choices[0].finish_reason == "tool_calls"


@pytest.fixture
async def reach(guarded: Running, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[dict[str, Any]]:
    """What LangChain's classes need to reach the gateway, and nothing else."""
    for name in ("LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2"):
        monkeypatch.setenv(name, "false")
    context = guarded.authority.client_context()
    with DefaultHttpxClient(verify=context) as plain:
        async with DefaultAsyncHttpxClient(verify=context) as async_:
            yield {
                "model": "m",
                "base_url": f"{guarded.url}/v1",
                "api_key": SecretStr("unused"),
                "max_retries": 0,
                "http_client": plain,
                "http_async_client": async_,
            }


async def test_langchain_gets_answers_and_sees_what_was_withheld(
    reach: dict[str, Any], engine: FakeEngine
) -> None:
    chat = ChatOpenAI(**reach)
    answer = await chat.ainvoke("hello")
    assert answer.content == "hello back"
    engine_says(engine, says(TEXT))
    answer = await chat.ainvoke("hello")
    assert answer.content == ""
    assert answer.response_metadata["finish_reason"] == "content_filter"
    with pytest.raises(BadRequestError):
        await chat.ainvoke(SENTENCE)


async def test_langchain_streams_and_ends_where_the_answer_was_withheld(
    reach: dict[str, Any], engine: FakeEngine
) -> None:
    chat = ChatOpenAI(**reach)

    async def stream() -> AIMessageChunk:
        whole: Any = None
        async for part in chat.astream("hello"):
            whole = part if whole is None else whole + part
        assert isinstance(whole, AIMessageChunk)
        return whole

    assert (await stream()).content == "one two"
    engine.respond = events(delta(role="assistant"), *[delta(char) for char in TEXT], DONE)
    whole = await stream()
    assert BEFORE.startswith(str(whole.content))
    assert whole.response_metadata["finish_reason"] == "content_filter"


async def test_langchains_embeddings_pass_as_text_and_are_judged(reach: dict[str, Any]) -> None:
    embeddings = OpenAIEmbeddings(**reach, check_embedding_ctx_length=False)
    assert await embeddings.aembed_query("hello") == [0.5, 1.5]
    with pytest.raises(BadRequestError):
        await embeddings.aembed_query(SENTENCE)
