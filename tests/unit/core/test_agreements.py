"""Phases by the clock, the digest of the terms, and who gets how much."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casemate.api.agreement import Capacity, Term, UsageAgreementSpec
from casemate.api.quantities import Resources
from casemate.api.v1alpha1 import ModelDeploymentSpec
from casemate.core.agreements import Claim, accelerators, allocate, boundaries, digest, phase
from casemate.core.agreements import claim as asked
from support.operators import model_deployment
from support.terms import AGREEMENT_SPEC
from unit.api.cases import IMAGE

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


def test_who_asks_for_more_than_is_left_gets_what_is_left() -> None:
    assert granted([claim(1, 3), claim(2, 3), claim(3, 1)], capacity(4)) == {
        "u1": 3, "u2": 1, "u3": 0,
    }  # fmt: skip


def test_a_deployment_that_grows_too_far_loses_nothing_that_it_has() -> None:
    assert granted([claim(1, 2), claim(2, 2)], capacity(4)) == {"u1": 2, "u2": 2}
    assert granted([claim(1, 2), claim(2, 3)], capacity(4)) == {"u1": 2, "u2": 2}


def test_the_floor_is_for_everybody_before_anybody_gets_more() -> None:
    claims = [claim(1, 4), claim(2, 4)]
    assert granted(claims, capacity(5, floor=2)) == {"u1": 3, "u2": 2}
    assert granted(claims, capacity(5)) == {"u1": 4, "u2": 1}, "control: without a floor"


def test_devices_limit_as_pods_do() -> None:
    assert granted([claim(1, 2, 2), claim(2, 1, 1)], capacity(9, devices=4)) == {"u1": 2, "u2": 0}
    assert granted([claim(1, 2, 2), claim(2, 1, 1)], capacity(9, devices=5)) == {"u1": 2, "u2": 1}
    assert granted([claim(1, 2, 2)], capacity(9, devices=3)) == {"u1": 1}


def test_devices_of_profile_and_guardrails_count_too() -> None:
    gpu = {"limits": {"example.com/gpu": 2}}
    guard = {"name": "words", "image": IMAGE, "port": 8090, "resources": gpu}
    place = {"name": "fast", "resources": gpu}
    bare = UsageAgreementSpec.model_validate(AGREEMENT_SPEC)
    terms = UsageAgreementSpec.model_validate(
        AGREEMENT_SPEC
        | {"requiredGuardrails": [guard], "capacity": {"maxReplicas": 1, "profiles": [place]}}
    )
    meta = {"uid": "u", "creationTimestamp": "2026-01-01T00:00:00Z"}

    def devices(terms: UsageAgreementSpec, **changes: Any) -> int:
        spec = model_deployment("m", "n")["spec"] | changes
        return asked(meta, ModelDeploymentSpec.model_validate(spec)).under(terms).accelerators

    assert devices(bare) == 0
    assert devices(bare, guardrails=[guard]) == 2
    assert devices(terms) == 2
    assert devices(terms, profile="fast") == 4
    own = {"image": IMAGE, "resources": {"limits": {"example.com/gpu": 1}}}
    assert devices(terms, profile="fast", engine=own) == 3, "its own take the profile's place"


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
