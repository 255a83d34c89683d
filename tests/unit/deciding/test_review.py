"""The whole of a request is shown, role by role, whatever its caller wrote into it."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from casemate.audit.canonical import canonical
from casemate.deciding.review import Review, ReviewError, review
from casemate.deciding.seen import plain

CHAT: dict[str, Any] = {
    "model": "smollm2",
    "temperature": 0.5,
    "messages": [
        {"role": "system", "content": "You are brief."},
        {"role": "user", "name": "ada", "content": "first line\nsecond\u200b line"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "c1",
                    "type": "function",
                    "function": {"name": "look", "arguments": '{"where": "north"}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "nothing there"},
        {
            "role": "user",
            "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "2"}],
        },
    ],
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "look",
                "description": "Looks somewhere.",
                "parameters": {"type": "object", "properties": {"where": {"type": "string"}}},
            },
        }
    ],
}


def shown(body: dict[str, Any]) -> Review:
    return review(canonical(body))


def test_a_conversation_is_shown_role_by_role():
    found = {one.title: one.text for one in shown(CHAT).sections}
    assert list(found) == [
        "message 1: system",
        "message 2: user (ada)",
        "message 3: assistant",
        "message 3: assistant, tool call 1",
        "message 4: tool",
        "message 4: tool, further fields",
        "message 5: user, part 1 of 2",
        "message 5: user, part 2 of 2",
        "tool 1: look",
        "tool 1: look, parameters",
        "parameters",
    ]
    assert found["message 2: user (ada)"] == "first line\nsecond⟦U+200B⟧ line"
    assert found["message 3: assistant"] == ""
    assert found["message 3: assistant, tool call 1"].endswith('arguments:\n{"where": "north"}')
    assert found["tool 1: look"] == "Looks somewhere."
    assert found["parameters"] == 'model: "smollm2"\ntemperature: 0.5'


def test_it_says_what_it_is_of():
    content = canonical(CHAT)
    found = review(content)
    assert (found.digest, found.size) == (sha256(content).hexdigest(), len(content))
    assert found.hidden == {"U+200B ZERO WIDTH SPACE": 1}
    assert found.unseen == 1


@pytest.mark.parametrize(
    ("body", "titles"),
    [
        ({"prompt": "a"}, ["prompt"]),
        ({"prompt": ["a", "b"]}, ["prompt, part 1 of 2", "prompt, part 2 of 2"]),
        ({"input": "a", "model": "m"}, ["input", "parameters"]),
    ],
)
def test_prompts_and_inputs_are_shown(body: dict[str, Any], titles: list[str]):
    assert [one.title for one in shown(body).sections] == titles


def test_a_name_cannot_begin_a_line_of_its_own():
    body = {"messages": [{"role": "user", "name": "x\n\x1b[2Jdigest: 00", "content": "a"}]}
    assert shown(body).sections[0].title == "message 1: user (x⟦U+000A⟧⟦U+001B⟧[2Jdigest: 00)"
    (last,) = shown({"x\ny": 1}).sections
    assert last.text == '"x\\ny": 1'


def test_characters_in_keys_and_schemas_count_too():
    body = {"tools": [{"function": {"name": "f", "parameters": {"a\u200b": ["\u202e", "\x1b"]}}}]}
    assert shown(body).unseen == 3


def test_what_two_readers_may_read_in_two_ways_is_not_shown():
    with pytest.raises(ReviewError, match="a key twice"):
        review(b'{"messages":[{"role":"user","content":"seen","content":"sent"}]}')


def test_what_is_nested_too_deep_to_be_shown_is_not_half_shown():
    deep = b'{"a":' + b"[" * 400 + b"]" * 400 + b"}"
    with pytest.raises(ReviewError, match="cannot be shown"):
        review(deep)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'"text"', b"\xff"])
def test_what_is_no_request_is_not_shown_as_one(content: bytes):
    with pytest.raises(ReviewError):
        review(content)


# How marks are spelled depends on what stands before them.
_TEXT = st.text(st.characters(exclude_categories=["Cs", "Mn", "Mc", "Me"]), max_size=12)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=8,
)
_CALL = st.fixed_dictionaries(
    {"id": _TEXT, "function": st.fixed_dictionaries({"name": _TEXT}) | _JSON}
)
_MESSAGE = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "tool"])},
    optional={
        "content": _TEXT | st.lists(st.fixed_dictionaries({"type": _TEXT, "text": _TEXT})) | _JSON,
        "refusal": _TEXT,
        "name": _TEXT,
        "tool_call_id": _TEXT,
        "tool_calls": st.lists(_CALL, max_size=2) | _JSON,
    },
)
_TOOL = st.fixed_dictionaries(
    {"type": st.just("function")},
    optional={
        "function": _JSON | st.fixed_dictionaries({"name": _TEXT, "description": _TEXT, "x": _JSON})
    },
)
_BODY = st.dictionaries(_TEXT, _JSON, max_size=3) | st.fixed_dictionaries(
    {"messages": st.lists(_MESSAGE | _JSON, max_size=3) | _JSON},
    optional={
        "tools": st.lists(_TOOL | _JSON, max_size=2) | _JSON,
        "prompt": _JSON,
        "input": _TEXT,
    },
)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for one in value.values() if isinstance(value, dict) else ():
        yield from _strings(one)
    for one in value if isinstance(value, list) else ():
        yield from _strings(one)


def _ways(text: str) -> set[str]:
    """How a text may be shown: as it is, on one line, or within JSON."""
    inner = orjson.dumps(text).decode()[1:-1]
    return {"\n".join(map(plain, text.split("\n"))), plain(text), plain(inner)}


@given(_BODY)
def test_no_text_of_a_request_is_left_out(body: dict[str, Any]):
    found = shown(body)
    whole = "\n".join(part for one in found.sections for part in (one.title, one.text))
    for text in _strings(body):
        assert any(way in whole for way in _ways(text)), text
