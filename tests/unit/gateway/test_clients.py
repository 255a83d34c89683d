"""The real `openai` client, unchanged, through the gateway."""

import pytest
from openai import AsyncOpenAI, BadRequestError, DefaultAsyncHttpxClient

from unit.gateway.support import FakeEngine, Running


def client(gateway: Running) -> AsyncOpenAI:
    return AsyncOpenAI(
        base_url=f"{gateway.url}/v1",
        api_key="unused",
        max_retries=0,
        http_client=DefaultAsyncHttpxClient(verify=gateway.authority.client_context()),
    )


async def test_a_plain_chat_answers_with_text_and_usage(
    gateway: Running, engine: FakeEngine
) -> None:
    async with client(gateway) as openai:
        answer = await openai.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "hello"}]
        )
    assert answer.choices[0].message.content == "hello back"
    assert answer.usage is not None
    assert answer.usage.total_tokens == 7
    assert len(engine.requests) == 1


async def test_a_streamed_chat_arrives_in_pieces_and_ends(gateway: Running) -> None:
    async with client(gateway) as openai:
        stream = await openai.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "hello"}], stream=True
        )
        texts = [event.choices[0].delta.content async for event in stream]
    assert texts == ["one ", "two"]


async def test_a_stream_reports_usage_when_it_is_asked_for(gateway: Running) -> None:
    async with client(gateway) as openai:
        stream = await openai.chat.completions.create(
            model="m",
            messages=[{"role": "user", "content": "hello"}],
            stream=True,
            stream_options={"include_usage": True},
        )
        usages = [event.usage async for event in stream]
    assert usages[-1] is not None
    assert usages[-1].completion_tokens == 2


async def test_embeddings_answer_with_vectors(gateway: Running) -> None:
    async with client(gateway) as openai:
        answer = await openai.embeddings.create(model="m", input="hello", encoding_format="float")
    assert answer.data[0].embedding == [0.5, 1.5]


async def test_models_are_listed_and_found_without_what_the_engine_adds(gateway: Running) -> None:
    async with client(gateway) as openai:
        listed = [model async for model in openai.models.list()]
        found = await openai.models.retrieve("m")
    assert [model.id for model in listed] == ["m"]
    assert found.owned_by == "casemate"
    assert found.to_dict().keys() == {"id", "object", "created", "owned_by"}


async def test_a_refused_field_raises_the_clients_own_error_with_its_name(gateway: Running) -> None:
    async with client(gateway) as openai:
        with pytest.raises(BadRequestError) as caught:
            await openai.chat.completions.create(
                model="m",
                messages=[{"role": "user", "content": "hello"}],
                extra_body={"chat_template": "x"},
            )
    assert caught.value.param == "chat_template"
    assert "chat_template" in caught.value.message
