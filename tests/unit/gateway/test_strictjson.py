"""JSON with one meaning: what parsers disagree about is refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casemate.gateway.errors import Refusal
from casemate.gateway.strictjson import dump, parse

REFUSED = {
    "a duplicate key": (b'{"a": 1, "a": 2}', "duplicate key 'a'"),
    "a duplicate key below": (b'{"a": [{"b": 1, "c": 2, "b": 3}]}', "duplicate key 'b'"),
    "a duplicate key in another spelling": (b'{"a": 1, "\\u0061": 2}', "duplicate key 'a'"),
    "NaN": (b'{"a": NaN}', "NaN"),
    "Infinity": (b'{"a": Infinity}', "Infinity"),
    "minus Infinity": (b'{"a": -Infinity}', "-Infinity"),
    "a float beyond range": (b'{"a": 1e999}', "too large"),
    "an integer beyond 64 bits": (b'{"a": 9223372036854775808}', "64 bits"),
    "an integer of a million digits": (b'{"a": ' + b"9" * 1_000_000 + b"}", "64 bits"),
    "invalid UTF-8": (b'{"a": "\xff"}', "UTF-8"),
    "an overlong UTF-8 slash": (b'{"a": "\xc0\xaf"}', "UTF-8"),
    "a surrogate in UTF-8": (b'{"a": "\xed\xa0\x80"}', "UTF-8"),
    "UTF-16": ('{"a": 1}'.encode("utf-16"), "UTF-8"),
    "a byte order mark": (b'\xef\xbb\xbf{"a": 1}', "BOM|Expecting value"),
    "a comment": (b'{"a": 1} // x', "Extra data"),
    "a second document": (b'{"a": 1}{"a": 2}', "Extra data"),
    "a trailing comma": (b'{"a": 1,}', "line 1"),
    "single quotes": (b"{'a': 1}", "line 1"),
    "a raw control character": (b'{"a": "\n"}', "control character"),
    "a leading zero": (b'{"a": 01}', "line 1"),
    "an array on top": (b"[1]", "must be an object"),
    "a string on top": (b'"a"', "must be an object"),
    "nothing": (b"", "Expecting value"),
    "five levels": (b'{"a": {"b": [[[1]]]}}', "more than 4"),
    "a hundred thousand brackets": (b'{"a": ' + b"[" * 100_000, "more than 4|line 1"),
    "a deep but closed tower": (b'{"a": ' + b"[" * 400 + b"]" * 400 + b"}", "more than 4"),
}


@pytest.mark.parametrize(("raw", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_ambiguous_json_is_refused_with_the_problem_named(raw: bytes, said: str) -> None:
    with pytest.raises(Refusal, match=said) as caught:
        parse(raw, max_depth=4)
    assert caught.value.status == 400


def test_the_same_forms_without_the_fault_are_accepted() -> None:
    raw = b' {"a": 1.5, "b": [9223372036854775807, {"c": "\\u00e4\\n"}], "d": 1e99, "e": null}\n'
    assert parse(raw, max_depth=4) == {
        "a": 1.5,
        "b": [9223372036854775807, {"c": "ä\n"}],
        "d": 1e99,
        "e": None,
    }


@pytest.mark.parametrize("text", ["\\ud800", "\\udfff", "a\\ud83dz"])
def test_a_lone_surrogate_is_refused_before_it_could_be_forwarded(text: str) -> None:
    document = parse(f'{{"a": "{text}"}}'.encode(), max_depth=4)
    with pytest.raises(Refusal, match="surrogate"):
        dump(document)


def test_a_surrogate_pair_is_one_character() -> None:
    assert dump(parse(b'{"a": "\\ud83d\\ude00"}', max_depth=4)) == '{"a":"😀"}'.encode()


TEXT = st.text(st.characters(codec="utf-8"))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 63) - 1) | TEXT,
        lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
        max_leaves=20,
    )
)
def test_what_is_forwarded_reads_as_what_was_checked(value: Any) -> None:
    once = parse(json.dumps({"v": value}).encode(), max_depth=64)
    written = dump(once)
    assert json.loads(written) == once
    assert dump(parse(written, max_depth=64)) == written
