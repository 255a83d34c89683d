"""Phases by the clock, the digest of the terms, and who gets how much."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casemate.api.agreement import Capacity, Term, UsageAgreementSpec
from casemate.api.quantities import Resources
from casemate.core.agreements import Claim, accelerators, allocate, boundaries, digest, phase
from support.terms import AGREEMENT_SPEC

SECOND = timedelta(seconds=1)
TERM = Term.model_validate(
    {"start": "2026-03-01T00:00:00Z", "end": "2028-02-29T00:00:00Z", "windDownDays": 2}
)
START = datetime(2026, 3, 1, tzinfo=UTC)
END = datetime(2028, 2, 29, tzinfo=UTC)
STOP = datetime(2028, 3, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (START - SECOND, "Pending"),
        (START, "InForce"),
        (END - SECOND, "InForce"),
        (END, "WindingDown"),
        (STOP - SECOND, "WindingDown"),
        (STOP, "Ended"),
    ],
)
def test_a_phase_begins_with_its_first_moment(moment: datetime, expected: str) -> None:
    assert phase(TERM, moment) == expected


def test_the_days_left_are_boundaries_too() -> None:
    assert boundaries(TERM, START - SECOND)[0] == START
    assert boundaries(TERM, END)[0] == STOP - timedelta(days=2) + timedelta(days=2)
    assert boundaries(TERM, END + SECOND)[0] == STOP - timedelta(days=1)
    assert boundaries(TERM, STOP) == []


def terms(**changed: Any) -> UsageAgreementSpec:
    return UsageAgreementSpec.model_validate(AGREEMENT_SPEC | changed)


def test_the_digest_is_of_the_meaning() -> None:
    assert digest(terms()) == digest(terms(audit={"record": "Digest"})), "a default is a default"
    assert digest(terms()) != digest(terms(registries=["other.enclave.local"]))


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ({}, 0),
        ({"limits": {"cpu": "4", "memory": "8Gi"}}, 0),
        ({"limits": {"example.com/gpu": 2, "example.com/nic": 1}}, 3),
        ({"requests": {"example.com/gpu": 2}}, 2),
    ],
)
def test_devices_are_counted(resources: dict[str, Any], expected: int) -> None:
    assert accelerators(Resources.model_validate(resources)) == expected


def capacity(pods: int, devices: int = 0, **more: int) -> Capacity:
    values = {"max_replicas": pods, "max_accelerators": devices, **more}
    return Capacity.model_validate(values)


def claim(number: int, replicas: int, devices: int = 0) -> Claim:
    return Claim(f"2026-01-{number:02}T00:00:00Z", f"u{number}", replicas, devices)


def granted(claims: list[Claim], most: Capacity) -> dict[str, int]:
    return allocate(claims, most).replicas


def test_the_oldest_comes_first_in_whatever_order_they_are_given() -> None:
    claims = [claim(3, 2), claim(1, 3), claim(2, 2)]
    assert granted(claims, capacity(5)) == {"u1": 3, "u2": 2, "u3": 0}
    assert granted(claims[::-1], capacity(5)) == {"u1": 3, "u2": 2, "u3": 0}


def test_what_does_not_fit_as_a_whole_is_not_granted_and_a_smaller_one_is() -> None:
    assert granted([claim(1, 3), claim(2, 3), claim(3, 1)], capacity(4)) == {
        "u1": 3, "u2": 0, "u3": 1,
    }  # fmt: skip


def test_the_floor_is_for_everybody_before_anybody_gets_more() -> None:
    claims = [claim(1, 4), claim(2, 4)]
    assert granted(claims, capacity(5, floor=1)) == {"u1": 4, "u2": 1}
    assert granted(claims, capacity(5)) == {"u1": 4, "u2": 0}, "control: without a floor"


def test_devices_limit_as_pods_do() -> None:
    assert granted([claim(1, 2, 2), claim(2, 1, 1)], capacity(9, devices=4)) == {"u1": 2, "u2": 0}
    assert granted([claim(1, 2, 2), claim(2, 1, 1)], capacity(9, devices=5)) == {"u1": 2, "u2": 1}


def test_nobody_gets_more_than_one_deployment_may_have() -> None:
    assert granted([claim(1, 4)], capacity(9, max_replicas_each=3)) == {"u1": 3}


CLAIMS = st.lists(
    st.builds(claim, st.integers(1, 28), st.integers(0, 6), st.integers(0, 3)),
    max_size=8,
    unique_by=lambda one: one.uid,
)


@given(CLAIMS, st.integers(0, 20), st.integers(0, 20), st.integers(0, 4))
def test_never_more_is_granted_than_there_is(
    claims: list[Claim], pods: int, devices: int, floor: int
) -> None:
    most = capacity(pods, devices, floor=min(floor, pods))
    found = allocate(claims, most)
    assert found.granted == sum(found.replicas.values()) <= pods
    assert found.accelerators <= devices
    assert all(found.replicas[one.uid] <= one.replicas for one in claims)
    assert found.accelerators == sum(found.replicas[c.uid] * c.accelerators for c in claims)
