"""Which requests have an acceptable shape; each refusal names the field and what is accepted."""

from typing import Any

import orjson
import pytest

from casemate.gateway.errors import Refusal
from casemate.gateway.routes import Route
from casemate.gateway.settings import Limits
from casemate.gateway.shape import FIELDS, accept

LIMITS = Limits(max_messages=3, max_choices=2)
USER = {"role": "user", "content": "hello"}
CALL = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


def chat(**fields: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [USER], **fields}


def says(message: dict[str, Any]) -> dict[str, Any]:
    return chat(messages=[message])


ACCEPTED: dict[str, tuple[Route, dict[str, Any]]] = {
    "a plain chat": (Route.CHAT, chat()),
    "all roles": (Route.CHAT, chat(messages=[{"role": "system", "content": "s"}, USER])),
    "text parts": (
        Route.CHAT,
        says({"role": "user", "content": [{"type": "text", "text": "hello"}]}),
    ),
    "a tool call and its result": (
        Route.CHAT,
        chat(
            messages=[
                {"role": "assistant", "content": None, "tool_calls": [CALL]},
                {"role": "tool", "content": "r", "tool_call_id": "1"},
            ]
        ),
    ),
    "an assistant's answer as the client sends it back": (
        Route.CHAT,
        says({"role": "assistant", "content": "a", "refusal": None, "tool_calls": None}),
    ),
    "tools": (Route.CHAT, chat(tools=[TOOL], tool_choice="auto")),
    "sampling": (Route.CHAT, chat(temperature=1, top_p=0.5, n=2, stop=["a"], seed=1)),
    "null for an option": (Route.CHAT, chat(temperature=None)),
    "a text prompt": (Route.COMPLETIONS, {"model": "m", "prompt": "p"}),
    "several prompts": (Route.COMPLETIONS, {"model": "m", "prompt": ["p", "q"]}),
    "a text to embed": (Route.EMBEDDINGS, {"model": "m", "input": "p"}),
}


@pytest.mark.parametrize(("route", "body"), ACCEPTED.values(), ids=ACCEPTED.keys())
def test_a_request_of_known_shape_is_forwarded_as_it_was_read(
    route: Route, body: dict[str, Any]
) -> None:
    accepted = accept(route, body, LIMITS)
    assert orjson.loads(accepted.payload) == {k: v for k, v in body.items() if v is not None}
    assert accepted.body == orjson.loads(accepted.payload)


REFUSED: dict[str, tuple[Route, dict[str, Any], str]] = {
    "no model": (Route.CHAT, {"messages": [USER]}, "model"),
    "no messages": (Route.CHAT, {"model": "m"}, "messages"),
    "null messages": (Route.CHAT, chat(messages=None), "messages"),
    "an unknown field": (Route.CHAT, chat(chat_template="x"), "chat_template"),
    "a field of another route": (Route.EMBEDDINGS, chat(), "messages"),
    "a prompt beside messages": (Route.CHAT, chat(prompt="x"), "prompt"),
    "a number as model": (Route.CHAT, chat(model=1), "model"),
    "an endless model": (Route.CHAT, chat(model="m" * 257), "model"),
    "messages as text": (Route.CHAT, chat(messages="x"), "messages"),
    "no message": (Route.CHAT, chat(messages=[]), "messages"),
    "too many messages": (Route.CHAT, chat(messages=[USER] * 4), "messages"),
    "a message as text": (Route.CHAT, chat(messages=["x"]), "messages[0]"),
    "an unknown role": (Route.CHAT, says({"role": "root", "content": "x"}), "messages[0].role"),
    "a role in a list": (Route.CHAT, says({"role": ["user"], "content": "x"}), "messages[0].role"),
    "a user without content": (Route.CHAT, says({"role": "user"}), "messages[0].content"),
    "a number as content": (
        Route.CHAT,
        says({"role": "user", "content": 1}),
        "messages[0].content",
    ),
    "an unknown message field": (
        Route.CHAT,
        says({"role": "user", "content": "x", "audio": {}}),
        "messages[0].audio",
    ),
    "an image": (
        Route.CHAT,
        says({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u"}}]}),
        "messages[0].content[0].type",
    ),
    "a part of unhashable type": (
        Route.CHAT,
        says({"role": "user", "content": [{"type": ["text"], "text": "x"}]}),
        "messages[0].content[0].type",
    ),
    "a text part with a stowaway": (
        Route.CHAT,
        says({"role": "user", "content": [{"type": "text", "text": "x", "more": "y"}]}),
        "messages[0].content[0].more",
    ),
    "a number as text part": (
        Route.CHAT,
        says({"role": "user", "content": [{"type": "text", "text": 1}]}),
        "messages[0].content[0].text",
    ),
    "a user's tool call": (
        Route.CHAT,
        says({"role": "user", "content": "x", "tool_calls": [CALL]}),
        "messages[0].tool_calls",
    ),
    "arguments that are no text": (
        Route.CHAT,
        says(
            {
                "role": "assistant",
                "tool_calls": [{**CALL, "function": {"name": "f", "arguments": {}}}],
            }
        ),
        "messages[0].tool_calls[0].function.arguments",
    ),
    "a tool of unknown type": (Route.CHAT, chat(tools=[{"type": "web"}]), "tools[0].type"),
    "a nameless tool": (
        Route.CHAT,
        chat(tools=[{"type": "function", "function": {}}]),
        "tools[0].function.name",
    ),
    "stream as text": (Route.CHAT, chat(stream="true"), "stream"),
    "stream as number": (Route.CHAT, chat(stream=1), "stream"),
    "true as number": (Route.CHAT, chat(temperature=True), "temperature"),
    "too many answers": (Route.CHAT, chat(n=3), "n"),
    "no answer": (Route.CHAT, chat(n=0), "n"),
    "negative tokens": (Route.CHAT, chat(max_tokens=-1), "max_tokens"),
    "a stop of numbers": (Route.CHAT, chat(stop=[1]), "stop"),
    "stream options without a stream": (
        Route.CHAT,
        chat(stream_options={"include_usage": True}),
        "stream_options",
    ),
    "unknown stream options": (
        Route.CHAT,
        chat(stream=True, stream_options={"x": True}),
        "stream_options",
    ),
    "token ids as prompt": (Route.COMPLETIONS, {"model": "m", "prompt": [1, 2]}, "prompt"),
    "nested prompts": (Route.COMPLETIONS, {"model": "m", "prompt": [["p"]]}, "prompt"),
    "token ids to embed": (Route.EMBEDDINGS, {"model": "m", "input": [[1]]}, "input"),
    "nothing to embed": (Route.EMBEDDINGS, {"model": "m", "input": []}, "input"),
}


@pytest.mark.parametrize(("route", "body", "param"), REFUSED.values(), ids=REFUSED.keys())
def test_a_request_of_another_shape_is_refused_by_field(
    route: Route, body: dict[str, Any], param: str
) -> None:
    with pytest.raises(Refusal) as caught:
        accept(route, body, LIMITS)
    assert (caught.value.status, caught.value.param) == (400, param)


@pytest.mark.parametrize("route", FIELDS)
@pytest.mark.parametrize("value", [{}, [], "", 0, -1, 1.5, True, [[]], [{}], [None], {"a": []}])
def test_no_value_in_any_field_is_more_than_accepted_or_refused(route: Route, value: Any) -> None:
    for field in FIELDS[route]:
        try:
            accept(route, {field: value}, LIMITS)
        except Refusal as refusal:
            assert refusal.status == 400  # noqa: PT017  either outcome is right, a crash is not


def test_a_stream_is_asked_for_usage_but_the_callers_wish_is_remembered() -> None:
    silent = accept(Route.CHAT, chat(stream=True), LIMITS)
    asking = accept(Route.CHAT, chat(stream=True, stream_options={"include_usage": True}), LIMITS)
    assert silent.payload == asking.payload
    assert b'"include_usage":true' in silent.payload
    assert (silent.wants_usage, asking.wants_usage) == (False, True)
