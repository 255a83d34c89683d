"""Each place where a request can carry text is read; several products missed one of these."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casemate.guard.surfaces import request_surfaces
from casemate.guard.types import Verdict
from unit.guard.marked import BAD, chat, marked

CALL = {"id": "1", "type": "function"}


def tool(**function: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "f", **function}}


def schema(**more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"a": {"type": "string", **more}}}


def assistant(**fields: Any) -> Any:
    return {"model": "m", "messages": [{"role": "assistant", "content": None, **fields}]}


PLACES = {
    "the last message": chat("hello", BAD),
    "an earlier message": chat(BAD, "hello"),
    "the system prompt": {"messages": [{"role": "system", "content": BAD}, *chat("x")["messages"]]},
    "a developer message": {"messages": [{"role": "developer", "content": BAD}]},
    "an assistant turn that the caller made up": assistant(content=BAD),
    "a refusal in the history": assistant(refusal=BAD),
    "reasoning in the history": assistant(reasoning_content=BAD),
    "a tool result": {"messages": [{"role": "tool", "tool_call_id": "1", "content": BAD}]},
    "a name of a speaker": {"messages": [{"role": "user", "name": BAD, "content": "x"}]},
    "a second content part": chat([{"type": "text", "text": "x"}, {"type": "text", "text": BAD}]),
    "a word over two content parts": chat(
        [{"type": "text", "text": "forb"}, {"type": "text", "text": "idden"}]
    ),
    "a word over two messages": chat("please forb", "idden now"),
    "a word over two messages with an answer between": {
        "messages": [
            {"role": "user", "content": "please forb"},
            {"role": "assistant", "content": "go on"},
            {"role": "user", "content": "idden now"},
        ]
    },
    "the name of a tool call": assistant(
        tool_calls=[CALL | {"function": {"name": BAD, "arguments": "{}"}}]
    ),
    "arguments of a tool call": assistant(
        tool_calls=[CALL | {"function": {"name": "f", "arguments": json.dumps({"a": BAD})}}]
    ),
    "escaped arguments of a tool call": assistant(
        tool_calls=[CALL | {"function": {"name": "f", "arguments": '{"a": "\\u0066orbidden"}'}}]
    ),
    "a tool's name": chat("x", tools=[tool() | {"function": {"name": BAD}}]),
    "a tool's description": chat("x", tools=[tool(description=f"It is {BAD} to do.")]),
    "an enum in a schema": chat("x", tools=[tool(parameters=schema(enum=["ok", BAD]))]),
    "a default in a schema": chat("x", tools=[tool(parameters=schema(default=BAD))]),
    "a key in a schema": chat("x", tools=[tool(parameters={"properties": {BAD: {}}})]),
    "tool_choice": chat("x", tool_choice={"type": "function", "function": {"name": BAD}}),
    "a response format": chat(
        "x", response_format={"type": "json_schema", "json_schema": {"description": BAD}}
    ),
    "a stop sequence": chat("x", stop=["a", BAD]),
    "the user field": chat("x", user=BAD),
    "reasoning_effort": chat("x", reasoning_effort=BAD),
    "a key of logit_bias": chat("x", logit_bias={BAD: 1}),
    "a completion's prompt": {"prompt": f"say {BAD}"},
    "one of several prompts": {"prompt": ["x", BAD]},
    "a word over two prompts": {"prompt": ["forb", "idden"]},
    "a completion's suffix": {"prompt": "x", "suffix": BAD},
    "an embedding's input": {"input": ["x", BAD]},
    "a field that nobody knows": chat("x", future={"deep": [{"er": BAD}]}),
    "a message that is no object": {"messages": [BAD]},
}


@pytest.mark.parametrize("body", PLACES.values(), ids=PLACES.keys())
def test_it_is_found_in(body: Any) -> None:
    assert marked().request(body).verdict is Verdict.REFUSE
    harmless = json.loads(json.dumps(body).replace(BAD, "allowed").replace("forb", "for"))
    clean = json.loads(json.dumps(harmless).replace("\\\\u0066orbidden", "ok"))
    assert marked().request(clean).verdict is Verdict.ALLOW, "control"


def test_a_message_is_named_by_its_place_and_its_role_is_its_kind() -> None:
    found = marked().request(chat("hello", BAD)).findings

    assert ("messages[1].content", "s01") in {(one.surface, one.sub) for one in found}
    kinds = {one.name: one.kind for one in request_surfaces(chat("x", tools=[tool()], stop="y z"))}
    assert kinds["messages[0].content"] == "user"
    assert kinds["tools[0]"] == "tool_definition"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=12,
)


def placed(value: Any, at: int) -> tuple[Any, int]:
    """Put the marker at the at-th string of a value; the number of strings left to count."""
    if isinstance(value, str):
        return (f"{value} {BAD}" if at == 0 else value), at - 1
    if isinstance(value, list):
        made = []
        for item in value:
            one, at = placed(item, at)
            made.append(one)
        return made, at
    if isinstance(value, dict):
        new = {}
        for key, item in value.items():
            new[key], at = placed(item, at)
        return new, at
    return value, at


@given(
    body=st.dictionaries(st.sampled_from(["messages", "tools", "stop", "x"]), JSON),
    at=st.integers(0, 9),
)
def test_wherever_a_string_stands_it_is_read(body: dict[str, Any], at: int) -> None:
    made, left = placed(body, at)
    if left >= 0:
        return  # fewer strings than that
    messages = made.get("messages")
    listed = messages if isinstance(messages, list) else []
    roles = [one.get("role", "") for one in listed if isinstance(one, dict)]
    if any(BAD in str(role) for role in roles):
        return  # the gateway's shape takes four words for a role, and no other

    assert marked().request(made).verdict is Verdict.REFUSE
