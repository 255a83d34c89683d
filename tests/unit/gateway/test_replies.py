"""What of an engine's answer may pass: nothing that no check has read."""

import json
from typing import Any

import pytest

from casemate.gateway.errors import EngineBrokenError
from casemate.gateway.parts import Names
from casemate.gateway.replies import known_part, own_words
from casemate.gateway.routes import Route
from support.attacks import Layer, attack
from unit.gateway.guarded import says
from unit.gateway.support import CHAT, FakeEngine, Running
from unit.gateway.test_guard import call, engine_says, token

TEXT = "smuggled"


def answer(**choice: Any) -> dict[str, Any]:
    document = says("fine")
    document["choices"][0].update(choice)
    return document


def passed(document: dict[str, Any]) -> dict[str, Any]:
    kept = known_part(Route.CHAT, json.loads(json.dumps(document)))
    own_words(kept, "chat.completion", "m", Names(), 1)
    return kept


SMUGGLED: dict[str, dict[str, Any]] = {
    "the id": {**answer(), "id": TEXT},
    "what kind of answer it is": {**answer(), "object": TEXT},
    "the model": {**answer(), "model": TEXT},
    "an unknown field": {**answer(), "note": TEXT},
    "an unknown field of a choice": answer(note=TEXT),
    "an unknown field of a message": answer(message={"content": "fine", "note": TEXT}),
    "a tool call's id": answer(message={"tool_calls": [{**call("f", "{}"), "id": TEXT}]}),
    "a tool call's type": answer(message={"tool_calls": [{**call("f", "{}"), "type": TEXT}]}),
    "an unknown field of a tool call": answer(
        message={"tool_calls": [{**call("f", "{}"), "note": TEXT}]}
    ),
    "an unknown field of a function": answer(
        message={"tool_calls": [{"function": {"name": "f", "note": TEXT}}]}
    ),
    "an unknown field of log probabilities": answer(logprobs={"note": TEXT}),
    "an unknown field of a token": answer(logprobs={"content": [token("a", note=TEXT)]}),
    "alternatives of alternatives": answer(
        logprobs={"content": [token("a", top_logprobs=[token("b", top_logprobs=[token(TEXT)])])]}
    ),
    "an unknown field of usage": {**answer(), "usage": {"prompt_tokens": 1, "note": TEXT}},
}


@attack("engine", "text where no text belongs: ids, kinds, unknown fields", Layer.GATEWAY)
@pytest.mark.parametrize("document", SMUGGLED.values(), ids=SMUGGLED.keys())
def test_text_where_no_text_belongs_does_not_pass(document: dict[str, Any]) -> None:
    assert TEXT not in json.dumps(passed(document))


BROKEN: dict[str, dict[str, Any]] = {
    "an unknown reason to end": answer(finish_reason=TEXT),
    "an unknown role": answer(message={"role": TEXT, "content": "fine"}),
    "a tool call that is text": answer(message={"tool_calls": [TEXT]}),
    "a tool call beyond counting": answer(
        message={"tool_calls": [{**call("f", "{}"), "index": 128}]}
    ),
    "a tool call before the first": answer(
        message={"tool_calls": [{**call("f", "{}"), "index": -1}]}
    ),
    "arguments that are an object": answer(
        message={"tool_calls": [{"function": {"arguments": {"x": TEXT}}}]}
    ),
    "log probabilities that are text": answer(logprobs={"content": [TEXT]}),
    "log probabilities of text": answer(logprobs={"token_logprobs": [TEXT]}),
    "tokens that are numbers": answer(logprobs={"tokens": [1]}),
    "alternatives in text": answer(logprobs={"top_logprobs": [TEXT]}),
    "more alternatives than there are": answer(
        logprobs={"content": [token("a", top_logprobs=[token("b")] * 21)]}
    ),
    "a choice that was not asked for": {**answer(), "choices": [{"index": 1, "text": TEXT}]},
    "a choice before the first": {**answer(), "choices": [{"index": -1, "text": TEXT}]},
}


@pytest.mark.parametrize("document", BROKEN.values(), ids=BROKEN.keys())
def test_an_answer_with_something_else_in_it_counts_as_broken(document: dict[str, Any]) -> None:
    with pytest.raises(EngineBrokenError):
        passed(document)


def test_vectors_are_numbers_or_their_base64() -> None:
    def vectors(embedding: Any) -> Any:
        document = {"object": TEXT, "data": [{"object": TEXT, "embedding": embedding}]}
        kept = known_part(Route.EMBEDDINGS, document)
        own_words(kept, "list", "m", Names(), 1)
        assert TEXT not in json.dumps(kept)
        return kept["data"][0]["embedding"]

    assert vectors([0.5, 1]) == [0.5, 1]
    assert vectors("AACAPw==") == "AACAPw=="
    for broken in ([TEXT], "not base64 at all"):
        with pytest.raises(EngineBrokenError):
            vectors(broken)


def test_bytes_of_a_token_pass_only_if_they_are_its_text() -> None:
    tokens = [token("é", bytes=list("é".encode())), token("\ufffd", bytes=[0xC3])]
    kept = passed(answer(logprobs={"content": tokens}))
    assert [item["bytes"] for item in kept["choices"][0]["logprobs"]["content"]] == [
        [0xC3, 0xA9],
        None,
    ]


async def test_an_answer_as_engines_give_it_passes_whole(
    guarded: Running, engine: FakeEngine
) -> None:
    document = answer(
        message={
            "role": "assistant",
            "content": "fine",
            "reasoning_content": "so",
            "tool_calls": [call("look", '{"q": "x"}')],
        },
        finish_reason="tool_calls",
        logprobs={"content": [token("fine", bytes=list(b"fine"), top_logprobs=[token("good")])]},
    )
    engine_says(engine, document)
    got = (await guarded.post(CHAT)).document
    assert got["choices"][0]["logprobs"] == document["choices"][0]["logprobs"]
    calls = got["choices"][0]["message"].pop("tool_calls")
    sent = document["choices"][0]["message"].pop("tool_calls")
    assert got["choices"][0]["message"] == document["choices"][0]["message"]
    assert calls[0]["function"] == sent[0]["function"]
    assert len(calls[0]["id"]) == 9
    assert got["id"].startswith("casemate-")
    assert got["usage"] == document["usage"]
