"""Rows of held requests: what stands in them, and that nobody draws outside of theirs."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from casemate.deciding.seen import END, ISOLATE
from casemate.deciding.tables import left, lines, row, span, tally
from support.approvals import request

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def held(**changed: Any) -> dict[str, Any]:
    body = request("held-0011223344556677", **{"expiresAt": "2026-03-01T12:05:30Z", **changed})
    body["metadata"] |= {"namespace": "enclave", "creationTimestamp": "2026-03-01T11:56:00Z"}
    return body


def test_a_row_tells_who_asks_for_what_and_until_when():
    assert row(held(), NOW) == {
        "NAME": "held-0011223344556677",
        "NAMESPACE": "enclave",
        "AGE": "4m0s",
        "LEFT": "5m30s",
        "LINE": "use-of-force",
        "MODEL": "smollm2",
        "REQUESTER": "caller",
        "TALLY": "0/2",
        "PHASE": "Pending",
    }


def test_a_status_counts():
    body = held() | {"status": {"phase": "Approved", "tally": "2/2"}}
    assert tally(body) == "2/2"
    assert row(body, NOW)["PHASE"] == "Approved"


def test_what_is_too_late_has_no_time_left():
    assert left(held(expiresAt="2026-03-01T12:00:00Z"), NOW) == "none"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(-5, "0s"), (0, "0s"), (59, "59s"), (60, "1m0s"), (3661, "1h1m"), (90_000, "1d1h")],
)
def test_times_are_told_in_two_units(seconds: int, told: str):
    assert span(timedelta(seconds=seconds)) == told


def test_columns_stand_under_each_other_whatever_is_in_them():
    one = row(held(), NOW)
    other = row(held(requester={"username": "שלום\x1b[2J"}), NOW)
    head, first, second = lines([one, other])
    assert head.index("TALLY") == first.index("0/2")
    assert f"{ISOLATE}שלום⟦U+001B⟧[2J{END}" in second
    assert "\x1b" not in second
