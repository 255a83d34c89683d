"""Where a supplier stands, at every boundary of the clock."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casemate.api.supplier import SupplierSpec
from casemate.core.standing import boundaries, in_force, remaining, standing
from support.terms import SUPPLIER_SPEC, directive

SECOND = timedelta(seconds=1)
EFFECTIVE = datetime(2026, 3, 1, tzinfo=UTC)
DEADLINE = datetime(2026, 9, 1, tzinfo=UTC)


def spec(*directives: dict[str, Any], **changed: Any) -> SupplierSpec:
    return SupplierSpec.model_validate(SUPPLIER_SPEC | {"directives": list(directives)} | changed)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (EFFECTIVE - SECOND, "Approved"),
        (EFFECTIVE, "PhasingOut"),
        (DEADLINE - SECOND, "PhasingOut"),
        (DEADLINE, "Blocked"),
        (DEADLINE + timedelta(days=4000), "Blocked"),
    ],
)
def test_a_directive_holds_from_its_first_moment_and_ends_use_at_its_deadline(
    moment: datetime, expected: str
) -> None:
    assert standing(spec(directive()), moment).standing == expected


@pytest.mark.parametrize("state", ["Proposed", "Revoked"])
def test_a_directive_that_is_proposed_or_revoked_does_not_hold(state: str) -> None:
    assert standing(spec(directive(state=state)), DEADLINE).standing == "Approved"
    assert standing(spec(directive()), DEADLINE).standing == "Blocked", "control: it would hold"


def test_without_a_phase_out_the_directive_blocks_at_once() -> None:
    order = directive()
    del order["phaseOutEndsAt"]
    assert standing(spec(order), EFFECTIVE - SECOND).standing == "Approved"
    assert standing(spec(order), EFFECTIVE).standing == "Blocked"


def test_a_supplier_without_approval_is_blocked_whatever_else_is_said() -> None:
    found = standing(SupplierSpec(), EFFECTIVE)
    assert (found.standing, found.reason) == ("Blocked", "SupplierNotApproved")
    assert "spec.approval" in found.message


def test_an_approval_ends_at_its_end() -> None:
    approval = {"reference": "A", "approvedBy": "B", "until": "2028-02-29T00:00:00Z"}
    end = datetime(2028, 2, 29, tzinfo=UTC)
    assert standing(spec(approval=approval), end - SECOND).standing == "Approved"
    assert standing(spec(approval=approval), end).standing == "Blocked"


def test_a_stay_lifts_the_order_and_stops_its_clock() -> None:
    stay = {"from": "2026-04-01T00:00:00Z", "until": "2026-05-01T00:00:00Z"}
    order = spec(directive(stays=[stay]))
    longer = DEADLINE + timedelta(days=30)
    assert standing(order, at("2026-03-31T23:59:59Z")).standing == "PhasingOut"
    assert standing(order, at("2026-04-01T00:00:00Z")).standing == "Approved"
    assert standing(order, at("2026-04-30T23:59:59Z")).standing == "Approved"
    assert standing(order, at("2026-05-01T00:00:00Z")).standing == "PhasingOut"
    assert standing(order, longer - SECOND).standing == "PhasingOut"
    assert standing(order, longer).standing == "Blocked"
    (held,) = in_force(order, longer)
    assert held.since == at("2026-05-01T00:00:00Z"), "it took effect anew when the stay ended"


def test_stays_that_overlap_count_once() -> None:
    stays = [
        {"from": "2026-04-10T00:00:00Z", "until": "2026-05-01T00:00:00Z"},
        {"from": "2026-04-01T00:00:00Z", "until": "2026-04-15T00:00:00Z"},
    ]
    (held,) = in_force(spec(directive(stays=stays)), DEADLINE)
    assert held.deadline == DEADLINE + timedelta(days=30)


def test_a_stay_before_the_order_took_effect_gives_nothing() -> None:
    stay = {"from": "2026-02-01T00:00:00Z", "until": "2026-03-02T00:00:00Z"}
    (held,) = in_force(spec(directive(stays=[stay])), DEADLINE)
    assert held.deadline == DEADLINE + timedelta(days=1), "only the part after the start counts"


def test_a_stay_after_the_deadline_does_not_bring_the_time_back() -> None:
    stay = {"from": "2026-09-01T00:00:00Z", "until": "2027-01-01T00:00:00Z"}
    order = spec(directive(stays=[stay]))
    assert standing(order, at("2026-10-01T00:00:00Z")).standing == "Approved", "while it lasts"
    assert standing(order, at("2027-01-01T00:00:00Z")).standing == "Blocked"


def test_a_stay_that_lasts_keeps_the_order_from_holding() -> None:
    order = directive(state="Stayed", stays=[{"from": "2026-04-01T00:00:00Z"}])
    assert standing(spec(order), DEADLINE).standing == "Approved"


def test_of_several_orders_the_strictest_decides() -> None:
    mild = directive("MILD")
    strict = directive("STRICT", phaseOutEndsAt="2026-04-01T00:00:00Z")
    found = standing(spec(mild, strict), EFFECTIVE)
    assert found.order
    assert found.order.directive.reference == "STRICT"
    found = standing(spec(mild, strict), at("2026-04-01T00:00:00Z"))
    assert found.standing == "Blocked"
    assert "STRICT" in found.message


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (timedelta(days=2), "2 days left"),
        (timedelta(days=2) - SECOND, "1 day left"),
        (timedelta(days=1), "1 day left"),
        (timedelta(days=1) - SECOND, "less than a day left"),
    ],
)
def test_what_is_left_is_said_in_whole_days(left: timedelta, expected: str) -> None:
    assert remaining(DEADLINE, DEADLINE - left).startswith(expected)


def test_a_leap_day_is_a_day_and_a_day_that_no_year_has_is_refused() -> None:
    order = spec(directive(effectiveAt="2028-02-29T00:00:00Z", phaseOutEndsAt=None))
    assert standing(order, at("2028-02-28T23:59:59Z")).standing == "Approved"
    assert standing(order, at("2028-02-29T00:00:00Z")).standing == "Blocked"
    with pytest.raises(ValueError, match="on a day that exists"):
        spec(directive(effectiveAt="2027-02-29T00:00:00Z"))


def test_a_moment_counts_in_utc_whatever_zone_it_is_asked_in() -> None:
    east = at("2026-03-01T05:29:59+05:30")
    assert standing(spec(directive()), east).standing == "Approved"
    assert standing(spec(directive()), east + SECOND).standing == "PhasingOut"


MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)).map(  # noqa: DTZ001
    lambda one: one.replace(tzinfo=UTC, microsecond=0)
)


@given(MOMENTS, MOMENTS)
def test_between_two_boundaries_nothing_changes(first: datetime, second: datetime) -> None:
    stay = {"from": "2026-04-01T00:00:00Z", "until": "2026-05-01T00:00:00Z"}
    order = spec(directive(stays=[stay]))
    early, late = sorted((first, second))
    following = boundaries(order, early)
    if not following or late < following[0]:
        assert standing(order, early) == standing(order, late)
