"""Who leads: each boundary of the decision, and what is written."""

from datetime import UTC, datetime
from typing import Any

import pytest

from casemate.core.election import Pace, Step, decide, held, released, runs_out

ME, OTHER = "a_1", "b_2"
PACE = Pace(10)
AT = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
TEXT = "2026-03-01T12:00:00.250000Z"
LONG_AGO = "2001-01-01T00:00:00.000000Z"


def lease(holder: str | None = OTHER, seconds: int | None = 10) -> dict[str, Any]:
    given = {"holderIdentity": holder, "leaseDurationSeconds": seconds, "renewTime": LONG_AGO}
    return {key: value for key, value in given.items() if value is not None}


@pytest.mark.parametrize(
    ("spec", "now", "expected"),
    [
        pytest.param(None, 100.0, Step.ACQUIRE, id="none"),
        pytest.param({}, 100.0, Step.ACQUIRE, id="empty"),
        pytest.param(lease(holder=None), 100.0, Step.ACQUIRE, id="nobody's"),
        pytest.param(lease(holder="", seconds=1), 100.0, Step.ACQUIRE, id="given back"),
        pytest.param(lease(), 100.0, Step.FOLLOW, id="just seen"),
        pytest.param(lease(), 109.999, Step.FOLLOW, id="not yet"),
        pytest.param(lease(), 110.0, Step.ACQUIRE, id="run out"),
        pytest.param(lease(seconds=3), 103.0, Step.ACQUIRE, id="a shorter promise"),
        pytest.param(lease(seconds=60), 159.0, Step.FOLLOW, id="a longer promise"),
        pytest.param(lease(seconds=None), 109.0, Step.FOLLOW, id="no promise, not yet"),
        pytest.param(lease(seconds=None), 110.0, Step.ACQUIRE, id="no promise, run out"),
        pytest.param(lease(holder=ME), 100.0, Step.RENEW, id="mine"),
        pytest.param(lease(holder=ME), 1e9, Step.RENEW, id="mine, and nobody took it"),
        pytest.param(lease(holder=f"{ME}0"), 100.0, Step.FOLLOW, id="nearly my name"),
    ],
)
def test_the_step_follows_from_the_record_and_the_time_since_it_was_seen(
    spec: dict[str, Any] | None, now: float, expected: Step
) -> None:
    assert decide(spec, ME, now, 100.0, PACE) is expected


@pytest.mark.parametrize("told", [LONG_AGO, "2999-01-01T00:00:00.000000Z", "soon"])
def test_the_times_that_a_record_tells_are_never_believed(told: str) -> None:
    spec = {**lease(), "renewTime": told, "acquireTime": told}
    assert decide(spec, ME, 109.9, 100.0, PACE) is Step.FOLLOW
    assert decide(spec, ME, 110.0, 100.0, PACE) is Step.ACQUIRE


def test_a_record_runs_out_a_promise_after_it_was_seen() -> None:
    assert runs_out(lease(seconds=4), 100.0, PACE) == 104.0


def test_the_first_holder_begins_and_counts_no_change() -> None:
    assert held(None, ME, AT, PACE) == {
        "holderIdentity": ME,
        "leaseDurationSeconds": 10,
        "acquireTime": TEXT,
        "renewTime": TEXT,
        "leaseTransitions": 0,
    }


@pytest.mark.parametrize("holder", ["", OTHER])
def test_each_change_of_hands_is_counted(holder: str) -> None:
    made = held({**lease(holder), "leaseTransitions": 4}, ME, AT, PACE)
    assert (made["leaseTransitions"], made["acquireTime"], made["renewTime"]) == (5, TEXT, TEXT)


def test_a_renewal_changes_the_time_and_nothing_else() -> None:
    before = {**lease(ME), "acquireTime": LONG_AGO, "leaseTransitions": 4, "strategy": "x"}
    assert held(before, ME, AT, PACE) == {**before, "renewTime": TEXT}


def test_what_is_given_back_has_no_holder_and_the_shortest_promise() -> None:
    before = {**lease(ME), "leaseTransitions": 4}
    assert released(before, AT) == {
        "holderIdentity": "",
        "leaseDurationSeconds": 1,
        "acquireTime": TEXT,
        "renewTime": TEXT,
        "leaseTransitions": 4,
    }


@pytest.mark.parametrize("duration", [2, 10, 600])
def test_the_times_leave_room_for_one_another(duration: int) -> None:
    pace = Pace(duration)
    assert pace.look * 1.2 < pace.retry < pace.request < pace.deadline < pace.duration
    assert 2 * pace.request <= pace.deadline, "a hung connection leaves time for another"


def test_as_shipped_another_is_at_work_within_15_seconds() -> None:
    pace = Pace()
    seen_late = pace.look * 1.2
    assert seen_late + pace.duration < 11
    assert pace.duration - pace.deadline >= 3, "what is on the wire has this long to arrive"
