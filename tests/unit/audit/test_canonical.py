"""The fast way to canonical bytes gives what RFC 8785 asks for, or is not taken."""

import datetime as dt
import math
import uuid
from decimal import Decimal
from typing import Any

import orjson
import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from casemate.audit.canonical import canonical

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(TEXT, VALUES, max_size=4))
@example({"a": 1.0})
@example({"a": [1e21, -1e-7, -0.0]})
@example({"\ue000": 1, "\U00010000": 2})
@example({"a": '":1.0', "b": "[1.0"})
def test_both_ways_give_the_same_bytes(record: dict[str, Any]):
    assert canonical(record) == rfc8785.dumps(record)


def test_the_fast_way_alone_would_differ():
    for record in ({"a": 1.0}, {"\ue000": 1, "\U00010000": 2}):
        assert orjson.dumps(record, option=orjson.OPT_SORT_KEYS) != rfc8785.dumps(record)


@pytest.mark.parametrize(
    "value",
    [
        2**53,
        math.nan,
        math.inf,
        b"raw",
        {1, 2},
        "\ud800",
        Decimal(1),
        dt.datetime.max.replace(tzinfo=dt.UTC),
    ],
    ids=repr,
)
def test_what_is_no_json_is_refused(value: object):
    with pytest.raises(ValueError, match="plain JSON"):
        canonical({"a": value})


def test_what_only_the_fast_way_accepts_is_json_all_the_same():
    one = uuid.UUID(int=1)
    assert canonical({"a": one}) == canonical({"a": str(one)})
