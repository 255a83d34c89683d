"""The API server alone refuses deployments that their terms do not allow, and says why."""

from datetime import UTC, datetime, timedelta

import pytest

from api.admission_terms.cases import CASES, Case
from api.admission_terms.states import EXISTING, md
from api.admission_terms.world import DOMAIN, INDEXES, OUTSIDE, PLACE, World
from casemate.api.terms import spelled
from enclave.waiting import until
from unit.api.cases import SUPPLIER, changed

EVERY = [case for cases in CASES.values() for case in cases]


@pytest.mark.parametrize("case", EVERY, ids=lambda case: case.refuses)
def test_a_refusal_says_why_and_its_neighbour_passes(world: World, case: Case) -> None:
    accepted, refused = case.outcome(world)
    assert accepted == ""
    for part in case.says:
        assert part in refused


@pytest.mark.parametrize("name", EXISTING)
@pytest.mark.parametrize("change", [{"replicas": 0}, {"suspend": True}], ids=str)
def test_everything_that_exists_can_be_reduced(
    world: World, name: str, change: dict[str, object]
) -> None:
    spec = EXISTING[name]
    for path, value in change.items():
        spec = changed(path, value, spec)
    assert world.refusal(name, spec, name) == ""


@pytest.mark.parametrize("name", EXISTING)
def test_labels_and_finalizers_of_everything_that_exists_can_change(
    world: World, name: str
) -> None:
    where = f"{DOMAIN}/namespaces/{PLACE}/modeldeployments/{name}"
    body = {"metadata": {"labels": {"a": "b"}, "finalizers": ["casemate.dev/x"]}}
    assert world.attempt("PATCH", where, body, "application/merge-patch+json") == ""


def test_a_deployment_outside_can_be_reduced_but_not_changed(world: World) -> None:
    stray = md(replicas=2)
    assert world.refusal("stray", changed("replicas", 1, stray), "stray", OUTSIDE) == ""
    use = changed("owner.name", "Other", stray)
    assert "metadata.namespace: outside is no place" in world.refusal(
        "stray", use, "stray", OUTSIDE
    )


@pytest.mark.parametrize("name", ["of-phasing", "of-blocked", "of-unjudged", "of-lapsed"])
def test_a_deployment_can_leave_its_supplier_and_grow(world: World, name: str) -> None:
    spec = changed("model.supplier", "open-lab", EXISTING[name])
    assert world.refusal(name, changed("replicas", 4, spec), name) == ""


def test_an_approval_that_ended_since_ends_growth_without_the_operator(world: World) -> None:
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=3)
    ends = spelled(soon)
    spec = changed("approval.until", ends, SUPPLIER)
    world.define("Supplier", "ending", spec, {"standing": "Approved"})
    index = f"{INDEXES}/casemate-terms"
    known = {"data": {"supplier.ending": "Approved"}}
    world.admin.request("PATCH", index, known, "application/merge-patch+json")
    terms = {"suppliers": [*world.made[f"{DOMAIN}/usageagreements/harbour"]["spec"]["suppliers"]]}
    terms["suppliers"].append("ending")
    where = f"{DOMAIN}/usageagreements/harbour"
    world.admin.request("PATCH", where, {"spec": terms}, "application/merge-patch+json")
    spec = md(model__supplier="ending")
    _eventually_deploys(world, "short-lived", spec)
    assert world.refusal("short-lived", changed("replicas", 2, spec), "short-lived") == ""
    after = soon + timedelta(seconds=1)
    until(lambda: datetime.now(UTC) >= after, 30, f"it never was {after}")
    message = world.refusal("short-lived", changed("replicas", 2, spec), "short-lived")
    assert f"the approval of supplier ending ended at {ends}" in message
    assert "a supplier whose approval lasts" in world.refusal("later", spec)
    assert world.refusal("short-lived", changed("replicas", 0, spec), "short-lived") == ""


def _eventually_deploys(world: World, name: str, spec: dict[str, object]) -> None:
    """The policies' view of new terms is a moment behind."""
    until(lambda: world.refusal(name, spec) == "", 10, "the new terms were never seen", every=0.05)
    world.deploy(name, spec)
