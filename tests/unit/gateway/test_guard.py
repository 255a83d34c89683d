"""The guard in the chain: what its verdicts mean for a caller, plain and streamed."""

import json
from typing import Any

import pytest
from aiohttp import web

from unit.gateway.conftest import Start
from unit.gateway.guarded import HELD, SENTENCE, Markers, delta, in_force, says
from unit.gateway.support import CHAT, DONE, FakeEngine, Running, usage_chunk
from unit.gateway.test_streaming import events

STREAM = {**CHAT, "stream": True}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
TOLD = {"messages": [{"role": "user", "content": SENTENCE}], "model": "m"}


def engine_says(engine: FakeEngine, document: dict[str, Any]) -> None:
    async def respond(_request: web.Request) -> web.Response:
        return web.json_response(document)

    engine.respond = respond


ASKED: dict[str, tuple[str, dict[str, Any], str]] = {
    "a message": ("/v1/chat/completions", TOLD, "messages"),
    "a prompt": ("/v1/completions", {"model": "m", "prompt": SENTENCE}, "prompt"),
    "a text to embed": ("/v1/embeddings", {"model": "m", "input": [SENTENCE]}, "input"),
}


@pytest.mark.parametrize(("path", "body", "param"), ASKED.values(), ids=ASKED.keys())
async def test_a_refused_request_is_400_and_names_its_line_and_nothing_else(
    path: str, body: dict[str, Any], param: str, guarded: Running, engine: FakeEngine
) -> None:
    reply = await guarded.post(body, path)
    error = reply.document["error"]
    assert (reply.status, error["code"], error["param"]) == (400, "content_filter", param)
    assert "domestic-mass-surveillance" in error["message"]
    assert "FORBIDDEN" not in reply.text
    assert "0.98" not in reply.text
    assert engine.requests == []
    assert await guarded.metric('guard_refusals_total{reason="red_line"}') == 1
    line = 'line="domestic-mass-surveillance",tier="lexicon",verdict="refuse"'
    assert await guarded.metric(f"guard_verdicts_total{{{line}}}") == 1
    assert await guarded.metric('guard_hidden_total{how="spaced"}') == 0


async def test_hidden_text_is_counted_by_how_it_was_hidden(guarded: Running) -> None:
    body = {**CHAT, "messages": [{"role": "user", "content": "f o r b i d d e n"}]}
    assert (await guarded.post(body)).status == 400
    assert await guarded.metric('guard_hidden_total{how="spaced"}') == 1


async def test_where_nobody_has_a_name_what_is_held_stays_refused(
    guarded: Running, engine: FakeEngine
) -> None:
    body = {**CHAT, "messages": [{"role": "user", "content": HELD}]}
    reply = await guarded.post(body)
    error = reply.document["error"]
    assert (reply.status, error["code"]) == (403, "human_approval_required")
    assert "use-of-force" in error["message"]
    assert "there is nobody to ask" in error["message"]
    assert "approval" not in error
    assert engine.requests == []
    assert await guarded.metric('guard_refusals_total{reason="held"}') == 1


@pytest.mark.parametrize("body", [CHAT, STREAM], ids=["whole", "streamed"])
async def test_what_is_allowed_passes_unchanged(body: dict[str, Any], guarded: Running) -> None:
    reply = await guarded.post(body)
    assert reply.status == 200
    assert ("hello back" if body is CHAT else "one ") in reply.text
    assert await guarded.metric('check_verdicts_total{check="guard",verdict="allow"}') == 2
    assert await guarded.metric('guard_refusals_total{reason="answer_withheld"}') == 0
    assert await guarded.metric("guard_held_back_bytes_count") == 1


@pytest.mark.parametrize("text", [SENTENCE, f"Well. {HELD} now."], ids=["refuse", "hold"])
async def test_an_answer_is_withheld_by_refuse_and_by_hold_alike(
    text: str, guarded: Running, engine: FakeEngine
) -> None:
    engine_says(engine, says(text))
    reply = await guarded.post(CHAT)
    choice = reply.document["choices"][0]
    assert (reply.status, choice["finish_reason"]) == (200, "content_filter")
    assert choice["message"]["content"] is None
    assert text.split()[1] not in reply.text
    assert await guarded.metric('guard_refusals_total{reason="answer_withheld"}') == 1


def token(text: str, **more: Any) -> dict[str, Any]:
    return {"token": text, "logprob": -0.5, **more}


def call(name: str, arguments: str) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"index": 0, "id": "c1", "type": "function", "function": function}


WHERE: dict[str, dict[str, Any]] = {
    "refusal": {"refusal": SENTENCE},
    "reasoning": {"reasoning_content": SENTENCE},
    "a tool's name": {"tool_calls": [call("FORBIDDEN", "{}")]},
    "a tool's arguments": {"tool_calls": [call("f", json.dumps({"x": SENTENCE}))]},
    "escaped arguments": {"tool_calls": [call("f", '{"x": "\\u0046ORBIDDEN"}')]},
    "arguments that are no JSON": {"tool_calls": [call("f", '{"x": "\\u0046ORBIDDEN')]},
    "two of its texts": {"reasoning_content": "So FORB", "content": "IDDEN it is."},
}


@pytest.mark.parametrize("part", WHERE.values(), ids=WHERE.keys())
async def test_an_answer_is_read_wherever_it_says_something(
    part: dict[str, Any], guarded: Running, engine: FakeEngine
) -> None:
    engine_says(engine, says("fine", **part))
    reply = await guarded.post(CHAT)
    assert reply.document["choices"][0]["finish_reason"] == "content_filter"
    assert "ORB" not in reply.text
    engine.respond = events(delta("fine", **part), delta(finish="stop"), DONE)
    reply = await guarded.post(STREAM)
    assert '"finish_reason":"content_filter"' in reply.text
    assert reply.text.endswith("data: [DONE]\n\n")
    assert "ORB" not in reply.text


@pytest.mark.parametrize("part", WHERE.values(), ids=WHERE.keys())
async def test_the_same_places_pass_when_they_say_something_else(
    part: dict[str, Any], guarded: Running, engine: FakeEngine
) -> None:
    harmless = json.loads(json.dumps(part).replace("FORBIDDEN", "harmless").replace("FORB", "in"))
    harmless = json.loads(json.dumps(harmless).replace("u0046ORBIDDEN", "u0046ine"))
    engine_says(engine, says("fine", **harmless))
    assert (await guarded.post(CHAT)).document["choices"][0]["finish_reason"] == "stop"
    engine.respond = events(delta("fine", **harmless), delta(finish="stop"), DONE)
    reply = await guarded.post(STREAM)
    assert "content_filter" not in reply.text
    assert '"finish_reason":"stop"' in reply.text


LOGPROBS: dict[str, dict[str, Any]] = {
    "tokens": {"content": [token("FORB"), token("IDDEN")]},
    "tokens of a refusal": {"refusal": [token("FORB"), token("IDDEN")]},
    "alternatives": {
        "content": [
            token("a", top_logprobs=[token("x"), token("FORB")]),
            token("b", top_logprobs=[token("y"), token("IDDEN")]),
        ]
    },
    "a completion's tokens": {"tokens": ["FORB", "IDDEN"]},
    "a completion's alternatives": {"top_logprobs": [{"FORB": -1}, {"IDDEN": -2}]},
}


@pytest.mark.parametrize("logprobs", LOGPROBS.values(), ids=LOGPROBS.keys())
async def test_log_probabilities_are_read_too(
    logprobs: dict[str, Any], guarded: Running, engine: FakeEngine
) -> None:
    document = says("fine")
    document["choices"][0]["logprobs"] = logprobs
    engine_says(engine, document)
    reply = await guarded.post(CHAT)
    assert reply.document["choices"][0]["finish_reason"] == "content_filter"
    assert "FORB" not in reply.text
    document["choices"][0]["logprobs"] = json.loads(json.dumps(logprobs).replace("FORB", "in"))
    reply = await guarded.post(CHAT)
    assert reply.document["choices"][0]["logprobs"]


async def test_each_choice_is_judged_apart_and_all_end_with_the_one_that_is_refused(
    guarded: Running, engine: FakeEngine
) -> None:
    engine_says(engine, says("This is FORB", "IDDEN"))
    reply = await guarded.post({**CHAT, "n": 2})
    assert [choice["finish_reason"] for choice in reply.document["choices"]] == ["stop", "stop"]
    engine_says(engine, says("fine", SENTENCE))
    reply = await guarded.post({**CHAT, "n": 2})
    ends = [(choice["index"], choice["finish_reason"]) for choice in reply.document["choices"]]
    assert ends == [(0, "content_filter"), (1, "content_filter")]
    assert "fine" not in reply.text


async def test_the_judge_gets_the_prompt_as_context_both_ends_of_a_long_one(
    start: Start, engine: FakeEngine
) -> None:
    judge = Markers()
    gateway = await start(force=in_force(judge))
    long = "first" + " word" * 2_000 + " last"
    older = {"role": "user", "content": "older"}
    body = {**CHAT, "messages": [older, {"role": "user", "content": long}]}
    assert (await gateway.post(body)).status == 200
    context, surfaces = judge.seen[0]
    assert context.startswith("first")
    assert context.endswith("last")
    assert len(context) <= 1_001
    assert [(s.name, s.kind, s.text) for s in surfaces] == [
        ("choices[0].message.content", "output", "hello back")
    ]
    prompts = {"model": "m", "prompt": ["one?", "two?"], "n": 2}
    engine_says(engine, {"choices": [{"index": n, "text": str(n)} for n in range(4)]})
    await gateway.post(prompts, "/v1/completions")
    assert [seen[0] for seen in judge.seen[1:]] == ["one?", "one?", "two?", "two?"]


async def test_usage_still_comes_when_it_was_asked_for(
    guarded: Running, engine: FakeEngine
) -> None:
    engine.respond = events(delta("fine"), delta(finish="stop"), usage_chunk(), DONE)
    reply = await guarded.post({**STREAM, "stream_options": {"include_usage": True}})
    assert '"total_tokens":7' in reply.text
