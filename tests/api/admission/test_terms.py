"""Terms in the API server alone: no operator runs here, the statuses are what one left behind."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.admission import term_cases
from api.admission.bodies import put
from api.admission.pairs import Pair
from support.operators import SYSTEM, Json, model_deployment
from support.policies import ADMIN, ENCLAVE, ENGINEER, OPERATOR, PLAIN, World, holds
from support.terms import AGREEMENT_SPEC, agreement, directive, supplier

ROOT = "/apis/casemate.dev/v1alpha1"
HERE = f"{ROOT}/namespaces/{ENCLAVE}/modeldeployments"
NOW = datetime.now(UTC)
SUPPLIERS = [
    *("maker", "open-lab", "leaving", "blocked", "fresh", "ordered", "proposed", "begun", "later"),
    *("unapproved", "lapsed", "nobody"),
]


def text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def terms_of(name: str, **changed: Any) -> Json:
    guard = term_cases.GUARD | {"name": "pii"}
    capacity = {
        "maxReplicas": 9, "maxReplicasEach": 4, "maxAccelerators": 2, "floor": 1,
        "profiles": [{"name": "gpu"}],
    }  # fmt: skip
    lines = {"domestic-mass-surveillance": "Refuse", "use-of-force": "Hold", "third": "Refuse"}
    uses = ["logistics-optimization", "strategic-planning"]
    whole = {
        "suppliers": SUPPLIERS,
        "capacity": capacity,
        "requiredGuardrails": [guard],
        "allowedUses": [{"id": use, "description": use} for use in uses],
        "redLines": [{"id": i, "verdict": v, "description": ""} for i, v in lines.items()],
        "approvals": {"quorum": 2, "expiryMinutes": 15, "approverGroups": ["a", "b"]},
        "audit": {"record": "Sealed", "publicKey": "k", "retentionDays": 3650},
    }
    return agreement(name, **whole | changed)


PAST = {"start": "2025-01-01T00:00:00Z", "end": "2026-01-01T00:00:00Z"}
FUTURE = {"start": "2095-01-01T00:00:00Z", "end": "2096-01-01T00:00:00Z"}
AGREEMENTS: list[tuple[Json, Json]] = [
    (terms_of("harbour"), {"phase": "InForce", "deployments": 1}),
    (terms_of("pending"), {"phase": "Pending"}),
    (terms_of("ended"), {"phase": "Ended"}),
    (terms_of("winding"), {"phase": "WindingDown"}),
    (terms_of("unseen"), {}),
    (terms_of("late", term=PAST), {"phase": "InForce"}),
    (terms_of("early", term=FUTURE), {"phase": "InForce"}),
]
LAPSED = {"reference": "A", "approvedBy": "B", "until": "2026-01-01T00:00:00Z"}
ORDER = directive(effectiveAt=text(NOW - timedelta(days=1)), phaseOutEndsAt="2096-01-01T00:00:00Z")
LATER = directive(effectiveAt="2095-01-01T00:00:00Z", phaseOutEndsAt="2096-01-01T00:00:00Z")
APPROVED = {"standing": "Approved"}
MAKERS: list[tuple[Json, Json]] = [
    (supplier("maker"), APPROVED),
    (supplier("open-lab", identities={"registries": ["registry.enclave.local/open-lab"]}),
     APPROVED),
    (supplier("leaving", directives=[ORDER]), {"standing": "PhasingOut"}),
    (supplier("blocked", directives=[ORDER]), {"standing": "Blocked"}),
    (supplier("fresh"), {}),
    (supplier("ordered", directives=[ORDER]), APPROVED),
    (supplier("proposed", directives=[ORDER | {"state": "Proposed"}]), APPROVED),
    (supplier("begun", directives=[ORDER]), APPROVED | {"observedGeneration": 1}),
    (supplier("later", directives=[LATER]), APPROVED | {"observedGeneration": 1}),
    ({**supplier("unapproved"), "spec": {}}, APPROVED),
    (supplier("lapsed", approval=LAPSED), APPROVED),
    (supplier("unlisted"), APPROVED),
]  # fmt: skip


def deployment(name: str = "new", **changed: Any) -> Json:
    body = model_deployment(name, ENCLAVE, **changed)
    body["spec"]["model"]["supplier"] = "maker"
    return body


def _tell(world: World, plural: str, name: str, status: Json) -> None:
    """Writes a status as the operator does."""
    where = f"{ROOT}/{plural}/{name}/status"
    media = "application/merge-patch+json"
    world.as_user(OPERATOR).request("PATCH", where, {"status": status}, media)


@pytest.fixture(scope="module")
def terms(world: World) -> World:
    """Agreements and suppliers in every state, and a deployment whose supplier is leaving."""
    index = {}
    for plural, bodies in (("usageagreements", AGREEMENTS), ("suppliers", MAKERS)):
        for body, status in bodies:
            name = body["metadata"]["name"]
            world.make(ADMIN, f"{ROOT}/{plural}", body)
            index[f"{plural[:-1].removeprefix('usage')}.{name}"] = "Unknown"
            _tell(world, plural, name, status)
    _index(world, index)
    holds(lambda: world.call(ENGINEER, "POST", HERE, put(deployment(), {"/spec/use": "x"})))
    _tell(world, "suppliers", "leaving", APPROVED | {"observedGeneration": 1})
    old = put(deployment("old", replicas=2), {term_cases.SUPPLIER: "leaving"})
    # While the order was not yet in force.
    _patch(world, "suppliers", "leaving", {"spec": {"directives": []}})
    made = world.make(ENGINEER, HERE, old)
    _patch(world, "suppliers", "leaving", {"spec": {"directives": [ORDER]}})
    entry = {
        "namespace": ENCLAVE, "name": "old", "uid": made["metadata"]["uid"], "replicas": 2,
        "artifacts": "sha256:x",
    }  # fmt: skip
    listed = {
        "reference": "ORDER-1",
        "effectiveSince": ORDER["effectiveAt"],
        "deployments": [entry],
    }
    _tell(world, "suppliers", "leaving", {"standing": "PhasingOut", "inventory": [listed]})
    holds(lambda: _change(world, {"/spec/replicas": 3}))
    return world


def _index(world: World, data: dict[str, str]) -> None:
    meta = {"name": "casemate-terms", "namespace": SYSTEM}
    where = f"/api/v1/namespaces/{SYSTEM}/configmaps"
    world.make(OPERATOR, where, {"metadata": meta, "data": data})


def _patch(world: World, plural: str, name: str, body: Json) -> None:
    media = "application/merge-patch+json"
    world.as_user(ADMIN).request("PATCH", f"{ROOT}/{plural}/{name}", body, media)


def _change(world: World, changes: dict[str, Any], user: str = ENGINEER) -> str:
    """What comes of a change of the deployment whose supplier is leaving."""
    live = world.as_user(ADMIN).request("GET", f"{HERE}/old")
    return world.call(user, "PUT", f"{HERE}/old", put(live, changes))


@pytest.mark.parametrize("pair", term_cases.CREATE, ids=lambda pair: pair.refuses)
def test_a_new_deployment_keeps_to_its_terms(terms: World, pair: Pair) -> None:
    assert terms.call(ENGINEER, "POST", HERE, put(deployment(), pair.accepted)) == ""
    message = terms.call(ENGINEER, "POST", HERE, put(deployment(), pair.refused))
    for part in pair.says:
        assert part in message


@pytest.mark.parametrize("pair", term_cases.UPDATE, ids=lambda pair: pair.refuses)
def test_under_an_order_a_deployment_only_shrinks_or_leaves(terms: World, pair: Pair) -> None:
    assert _change(terms, pair.accepted) == ""
    message = _change(terms, pair.refused)
    for part in pair.says:
        assert part in message


def test_a_cluster_administrator_is_refused_like_anybody(terms: World) -> None:
    refused = put(deployment(), {term_cases.USE: "planning"})
    assert "spec.use: found planning" in terms.call(ADMIN, "POST", HERE, refused)
    assert terms.call(ADMIN, "POST", HERE, deployment()) == ""


def test_a_deployment_is_made_in_an_enclave_only(terms: World) -> None:
    elsewhere = HERE.replace(ENCLAVE, PLAIN)
    body = put(deployment(), {"/metadata/namespace": PLAIN})
    message = terms.call(ENGINEER, "POST", elsewhere, body)
    assert f"metadata.namespace: found {PLAIN}" in message
    assert "casemate.dev/enclave=true" in message
    assert terms.call(ENGINEER, "POST", HERE, deployment()) == ""


def test_the_scale_subresource_is_no_way_to_grow(terms: World) -> None:
    def scale(replicas: int) -> str:
        body = {"spec": {"replicas": replicas}}
        return terms.call(ENGINEER, "PATCH", f"{HERE}/old/scale", body)

    assert scale(1) == ""
    assert scale(2) == ""
    message = scale(3)
    assert "spec.replicas: found 3" in message
    assert "supplier leaving is PhasingOut: at most 2 is accepted" in message


@pytest.mark.parametrize("pair", term_cases.LOOSER, ids=lambda pair: pair.refuses)
def test_loosening_needs_its_own_right_and_tightening_none(terms: World, pair: Pair) -> None:
    where = f"{ROOT}/usageagreements/harbour"
    live = terms.as_user(ADMIN).request("GET", where)
    assert terms.call(ENGINEER, "PUT", where, put(live, pair.accepted)) == ""
    message = terms.call(ENGINEER, "PUT", where, put(live, pair.refused))
    for part in (*pair.says, "the RBAC verb loosen on usageagreements.casemate.dev harbour"):
        assert part in message
    # cluster-admin has every verb.
    assert terms.call(ADMIN, "PUT", where, put(live, pair.refused)) == ""


@pytest.mark.parametrize(("plural", "used", "free"), [
    ("usageagreements", "harbour", "pending"), ("suppliers", "maker", "unlisted"),
])  # fmt: skip
def test_terms_in_use_are_not_deleted(terms: World, plural: str, used: str, free: str) -> None:
    _tell(terms, plural, used, {"deployments": 1})
    assert terms.call(ADMIN, "DELETE", f"{ROOT}/{plural}/{free}") == ""
    message = terms.call(ADMIN, "DELETE", f"{ROOT}/{plural}/{used}")
    assert f"{used} is in use by 1 ModelDeployments" in message


def test_the_index_is_the_operator_s(terms: World) -> None:
    where = f"/api/v1/namespaces/{SYSTEM}/configmaps/casemate-terms"
    edit = {"data": {"supplier.stranger": "Approved"}}
    for user in (ENGINEER, ADMIN):
        assert "is accepted from" in terms.call(user, "PATCH", where, edit)
        assert "is accepted from" in terms.call(user, "DELETE", where)
    assert terms.call(OPERATOR, "PATCH", where, edit) == ""
    other = where.replace("casemate-terms", "other")
    body = {"metadata": {"name": "other"}, "data": {}}
    assert terms.call(ENGINEER, "POST", other.rpartition("/")[0], body) == "", "control"


def test_without_an_index_nothing_is_admitted(terms: World) -> None:
    where = f"/api/v1/namespaces/{SYSTEM}/configmaps"
    found = terms.as_user(ADMIN).request("GET", f"{where}/casemate-terms")
    terms.as_user(OPERATOR).request("DELETE", f"{where}/casemate-terms")
    holds(lambda: terms.call(ENGINEER, "POST", HERE, deployment()))
    _index(terms, found["data"])


def test_the_cost_of_the_largest_terms_is_within_the_server_s_budget(terms: World) -> None:
    uses = [{"id": f"use-{n}", "description": "x"} for n in range(64)]
    registries = [f"registry.enclave.local/{n}{'x' * 200}" for n in range(15)]
    for number in range(50):
        name = f"many-{number}"
        body = terms_of(name, allowedUses=uses, suppliers=[*SUPPLIERS, *(f"s-{n}" for n in range(50))],
                        registries=[*registries, "registry.enclave.local"])  # fmt: skip
        terms.make(ADMIN, f"{ROOT}/usageagreements", body)
        _tell(terms, "usageagreements", name, {"phase": "InForce"})
        terms.make(ADMIN, f"{ROOT}/suppliers", supplier(f"s-{number}", identities={
            "registries": [f"registry.enclave.local/s-{number}/{n}" for n in range(16)]}))  # fmt: skip
        _tell(terms, "suppliers", f"s-{number}", APPROVED)
    guards = [term_cases.GUARD | {"name": f"g{n}", "port": 8100 + n} for n in range(8)]
    changes = {"/spec/guardrails": guards, "/spec/replicas": 4}
    assert terms.call(ENGINEER, "POST", HERE, put(deployment(), changes)) == ""
    refused = put(deployment(), changes | {term_cases.USE: "planning"})
    assert "spec.use: found planning" in terms.call(ENGINEER, "POST", HERE, refused)
    where = f"{ROOT}/usageagreements/many-1"
    live = terms.as_user(ADMIN).request("GET", where)
    assert terms.call(ENGINEER, "PUT", where, put(live, {"/spec/term/windDownDays": 1})) == ""
    assert AGREEMENT_SPEC["term"]["windDownDays"] == 30
