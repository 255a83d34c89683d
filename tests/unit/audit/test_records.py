import copy
import json
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from casemate.audit.canonical import canonical_record
from casemate.audit.records import KINDS, MOST_BYTES, RecordError, RecordId, check, encode, parse
from unit.audit.samples import DIGEST, FIELDS, sample


def test_there_is_a_sample_of_every_kind_and_the_kinds_are_those_of_the_design() -> None:
    assert FIELDS.keys() == set(KINDS)
    assert len(KINDS) == 16


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_is_read_from_its_canonical_bytes_and_written_as_the_same(kind: str) -> None:
    leaf = rfc8785.dumps(sample(kind))
    assert encode(parse(leaf)) == leaf
    check(kind, FIELDS[kind])


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value."""
    if path:
        yield path
    if isinstance(value, dict):
        for name in value:
            yield from paths(value[name], (*path, name))


def changed(kind: str, path: tuple[Any, ...], value: Any) -> bytes:
    record = copy.deepcopy(sample(kind))
    at = record
    for step in path[:-1]:
        at = at[step]
    if value is ...:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return rfc8785.dumps(record)


OPTIONAL = {
    ("intent", "supplier"),
    ("intent", "approval"),
    ("intent", "request.sealed"),
    ("outcome", "response.sealed"),
    ("kill", "scope.name"),
    ("kill", "scope.namespace"),
}
PLACES = [(kind, path) for kind in KINDS for path in paths(sample(kind))]


@pytest.mark.parametrize(("kind", "path"), PLACES, ids=str)
def test_a_value_of_another_type_is_refused_by_name(kind: str, path: tuple[Any, ...]) -> None:
    for wrong in (True, 1.5, {"x": 1}, [1]):
        if path == ("request", "stream") and wrong is True:
            continue
        with pytest.raises(RecordError) as caught:
            parse(changed(kind, path, wrong))
        named = ".".join(path)
        assert caught.value.field.startswith(named), (wrong, str(caught.value))


@pytest.mark.parametrize(("kind", "path"), PLACES, ids=str)
def test_a_missing_field_is_refused_unless_it_may_be_absent(
    kind: str, path: tuple[Any, ...]
) -> None:
    name = ".".join(path)
    if (kind, name) in OPTIONAL:
        parse(changed(kind, path, ...))
        return
    with pytest.raises(RecordError, match=r"is missing|^kind: None") as caught:
        parse(changed(kind, path, ...))
    assert caught.value.field == name


@pytest.mark.parametrize("kind", KINDS)
def test_a_field_that_is_not_known_is_refused(kind: str) -> None:
    with pytest.raises(RecordError, match=r"^extra: is not known$"):
        parse(changed(kind, ("extra",), 1))


def test_a_kind_that_is_not_known_is_refused_and_the_known_ones_are_named() -> None:
    with pytest.raises(
        RecordError, match=r"^kind: 'intents' was given; accepted: started, stopped"
    ):
        parse(changed("intent", ("kind",), "intents"))
    with pytest.raises(RecordError, match=r"^kind: None was given"):
        parse(changed("intent", ("kind",), ...))


@pytest.mark.parametrize(
    "other",
    [
        lambda leaf: leaf + b"\n",
        lambda leaf: b" " + leaf,
        lambda leaf: leaf.replace(b'":', b'": ', 1),
        lambda leaf: json.dumps(dict(reversed(orjson.loads(leaf).items()))).encode(),
        lambda leaf: leaf.replace(b"ana@", b"\\u0061na@"),
        lambda leaf: leaf[:-1] + b',"seq":3}',
        lambda leaf: leaf.replace(b'"seq":3', b'"seq":3.0'),
    ],
    ids=["newline", "blank", "blank inside", "order", "escape", "twice", "fraction"],
)
def test_no_other_spelling_is_accepted(other: Any) -> None:
    leaf = rfc8785.dumps(sample("intent"))
    assert other(leaf) != leaf
    with pytest.raises(RecordError):
        parse(other(leaf))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("time",), "2026-02-30T01:02:03.004Z"),
        (("time",), "2026-11-27T01:02:03Z"),
        (("time",), "2026-11-27T01:02:03.004+00:00"),
        (("time",), "2026-11-27T24:02:03.004Z"),
        (("time",), "\uff12026-11-27T01:02:03.004Z"),
        (("boot",), "6F1C7F0E-2F6B-4A57-9D0B-3F8C1A2B4C5D"),
        (("v",), 2),
        (("seq",), -1),
        (("seq",), 1 << 53),
        (("request", "sha256"), "A" * 64),
        (("agreement", "digest"), DIGEST + "\n"),
        (("verdict", "verdict"), "Allow"),
        (("caller", "username"), ""),
        (("deployment", "name"), "../x"),
    ],
)
def test_values_beyond_what_a_field_may_hold_are_refused_by_name(path: Any, value: Any) -> None:
    record = copy.deepcopy(sample("intent"))
    at = record
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    with pytest.raises(RecordError) as caught:
        parse(orjson.dumps(record, option=orjson.OPT_SORT_KEYS))
    assert caught.value.field == ".".join(path)


def test_a_record_that_is_too_large_is_not_even_read() -> None:
    with pytest.raises(RecordError, match="262145 bytes were given; up to 262144"):
        parse(b" " * (MOST_BYTES + 1))


def test_a_caller_of_the_log_cannot_say_what_the_log_says() -> None:
    with pytest.raises(RecordError, match=r"^seq: was given; the log itself says it$"):
        check("intent", {**FIELDS["intent"], "seq": 7})
    with pytest.raises(RecordError, match=r"^kind: 'gossip' was given"):
        check("gossip", {})


@settings(deadline=None)
@given(
    st.dictionaries(st.text("abz_", min_size=1), st.text() | st.integers(-(2**53) + 1, 2**53 - 1))
)
def test_the_fast_way_writes_what_the_standard_says(value: dict[str, Any]) -> None:
    assert canonical_record(value) == rfc8785.dumps(value)


def test_control_characters_are_escaped_as_the_standard_says() -> None:
    value = {"a": "".join(map(chr, range(0x100))) + "\u2028\U0001f600\ufeff"}
    assert canonical_record(value) == rfc8785.dumps(value)


def test_ids() -> None:
    assert RecordId.parse("casemate-warden-0/17") == RecordId("casemate-warden-0", 17)
    assert str(RecordId("casemate-warden-0", 17)) == "casemate-warden-0/17"
    for wrong in ("", "17", "/17", "w/", "w/017", "w/-1", "w/1/2", "w/\uff117", "w/1 "):
        with pytest.raises(ValueError, match="record id"):
            RecordId.parse(wrong)
