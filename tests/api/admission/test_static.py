"""The policies that the API server reads from its disk hold when all others are deleted."""

from collections.abc import Iterator
from typing import Any

import pytest

from api.admission.bodies import ABSENT, model_pod, put
from enclave.controlplane import ControlPlane
from support.approvals import decision, request, review, switch
from support.operators import Json, model_deployment
from support.policies import (
    ADMIN,
    ENCLAVE,
    ENGINEER,
    PLURALS,
    ROOT,
    World,
    holds,
    install,
    policies,
    prepare,
)
from support.terms import agreement

PODS = f"/api/v1/namespaces/{ENCLAVE}/pods"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
AGREEMENTS = "/apis/casemate.dev/v1alpha1/usageagreements"
MODELS = f"/apis/casemate.dev/v1alpha1/namespaces/{ENCLAVE}/modeldeployments"


@pytest.fixture(scope="module")
def emptied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A server whose administrator deleted every policy and binding."""
    with ControlPlane(tmp_path_factory.mktemp("static-plane")) as plane:
        world = prepare(World(plane))
        install(world, policies())
        holds(lambda: world.call(ADMIN, "POST", PODS, model_pod()))
        for plural in PLURALS.values():
            assert world.as_user(ADMIN).request("GET", f"{ROOT}/{plural}")["items"]
            world.as_user(ADMIN).request("DELETE", f"{ROOT}/{plural}")
            assert world.as_user(ADMIN).request("GET", f"{ROOT}/{plural}")["items"] == []
        # What only the deleted policies refused is accepted now.
        holds(lambda: "" if world.call(ADMIN, "POST", PODS, model_pod()) else "gone")
        yield world


@pytest.mark.parametrize(
    "changes",
    [
        {"/spec/initContainers": []},
        {"/spec/initContainers/1/name": "other"},
        {"/spec/initContainers/1/args/0": "operator"},
        {"/spec/initContainers/1/command": ["/bin/true"]},
        {
            "/spec/initContainers/1/restartPolicy": ABSENT,
            "/spec/initContainers/1/startupProbe": ABSENT,
            "/spec/initContainers/1/livenessProbe": ABSENT,
            "/spec/initContainers/1/readinessProbe": ABSENT,
        },
    ],
    ids=["none", "another name", "another argument", "another program", "one that ends"],
)
def test_a_pod_without_its_gateway_is_refused_when_all_policies_are_deleted(
    emptied: World, changes: dict[str, object]
):
    assert emptied.call(ADMIN, "POST", PODS, model_pod()) == ""
    message = emptied.call(ADMIN, "POST", PODS, put(model_pod(), changes))
    assert "casemate-gateway.static.k8s.io" in message
    assert "spec.initContainers: a model pod must have the native sidecar gateway" in message


def test_a_running_pod_cannot_be_claimed_without_a_gateway(emptied: World):
    plain = put(model_pod("later"), {"/spec/initContainers": [], "/metadata/labels": {}})
    emptied.make(ADMIN, PODS, plain)
    for label, says in (("example.org/x", ""), ("casemate.dev/model-deployment", "static.k8s.io")):
        claim = {"metadata": {"labels": {label: "m"}}}
        message = emptied.call(ADMIN, "PATCH", f"{PODS}/later", claim)
        assert says in message
        assert bool(says) == bool(message)


@pytest.mark.parametrize("use", ["domestic-mass-surveillance", "use-of-force"])
@pytest.mark.parametrize("user", [ENGINEER, ADMIN])
def test_a_red_line_is_never_a_use(emptied: World, user: str, use: str):
    assert emptied.call(user, "POST", MODELS, model_deployment("m", ENCLAVE, use="planning")) == ""
    message = emptied.call(user, "POST", MODELS, model_deployment("m", ENCLAVE, use=use))
    assert "casemate-red-lines.static.k8s.io" in message
    assert "spec.use: domestic-mass-surveillance or use-of-force is never accepted" in message
    assert f"found {use}" in message


FORCE = {"id": "use-of-force", "verdict": "Hold"}
SURVEILLANCE = {"id": "domestic-mass-surveillance", "verdict": "Refuse"}


@pytest.fixture(scope="module")
def unruled(emptied: World) -> World:
    """The server whose administrator took every rule out of our kinds too."""
    admin, where = emptied.as_user(ADMIN), f"{CRDS}/usageagreements.casemate.dev"
    crd = admin.request("GET", where)
    admin.request("PUT", where, without_rules(crd))
    milder = agreement("milder", redLines=[SURVEILLANCE, FORCE], reference="")
    holds(lambda: "" if emptied.call(ADMIN, "POST", AGREEMENTS, milder) else "gone")
    return emptied


def without_rules(node: Any) -> Any:
    if isinstance(node, dict):
        dropped = {"x-kubernetes-validations", "pattern", "minLength"}
        return {key: without_rules(value) for key, value in node.items() if key not in dropped}
    return [without_rules(one) for one in node] if isinstance(node, list) else node


@pytest.mark.parametrize(
    "lines",
    [[], [FORCE], [SURVEILLANCE], [FORCE, SURVEILLANCE | {"verdict": "Hold"}]],
    ids=["none", "no surveillance", "no force", "a milder verdict"],
)
def test_no_agreement_is_without_the_red_lines_even_if_its_kind_has_no_rules(
    unruled: World, lines: list[Json]
):
    whole = agreement("any", redLines=[SURVEILLANCE, FORCE])
    assert unruled.call(ADMIN, "POST", AGREEMENTS, whole) == ""
    message = unruled.call(ADMIN, "POST", AGREEMENTS, agreement("any", redLines=lines))
    assert "casemate-agreement-red-lines.static.k8s.io" in message
    assert "spec.redLines: must hold domestic-mass-surveillance with verdict Refuse" in message


def test_no_agreement_allows_a_red_line_even_if_its_kind_has_no_rules(unruled: World):
    def allows(use: str) -> Json:
        lines = [SURVEILLANCE, FORCE]
        uses = [{"id": use, "description": "x"}]
        return agreement("any", redLines=lines, allowedUses=uses)

    assert unruled.call(ADMIN, "POST", AGREEMENTS, allows("planning")) == ""
    message = unruled.call(ADMIN, "POST", AGREEMENTS, allows("use-of-force"))
    assert "spec.allowedUses: domestic-mass-surveillance or use-of-force is never" in message


@pytest.mark.parametrize("plural", PLURALS.values())
def test_no_call_can_see_or_remove_them(emptied: World, plural: str):
    admin = emptied.as_user(ADMIN)
    assert admin.request("GET", f"{ROOT}/{plural}")["items"] == []
    message = emptied.call(ADMIN, "DELETE", f"{ROOT}/{plural}/casemate-gateway.static.k8s.io")
    assert "not found" in message


DOMAIN = "/apis/casemate.dev/v1alpha1"
HELD = ("approvalrequests", "approvaldecisions", "approvalreviews")
REQUESTS, DECISIONS, REVIEWS = (f"{DOMAIN}/namespaces/{ENCLAVE}/{kind}" for kind in HELD)
SWITCHES = f"{DOMAIN}/killswitches"
BOT = f"system:serviceaccount:{ENCLAVE}:bot"


@pytest.fixture(scope="module")
def rewritten(emptied: World) -> Json:
    """A held request, where the administrator took every rule out of these kinds too."""
    admin = emptied.as_user(ADMIN)
    for plural in HELD:
        where = f"{CRDS}/{plural}.casemate.dev"
        admin.request("PUT", where, without_rules(admin.request("GET", where)))
    loose = request("loose", line="Anything", record="")
    holds(lambda: "" if emptied.call(ADMIN, "POST", REQUESTS, loose) else "gone")
    return emptied.make(ADMIN, REQUESTS, request("held"))


@pytest.mark.parametrize("user", [ENGINEER, ADMIN])
def test_what_is_held_is_not_rewritten_without_any_policy_or_rule(
    emptied: World, rewritten: Json, user: str
):
    where = f"{REQUESTS}/{rewritten['metadata']['name']}"
    assert emptied.call(user, "PATCH", where, {"metadata": {"labels": {"a": "b"}}}) == ""
    message = emptied.call(user, "PATCH", where, {"spec": {"requestDigest": "0" * 64}})
    assert "casemate-approvals-unchanged.static.k8s.io" in message
    assert "approvalrequests.spec: must stay as it was made" in message


@pytest.mark.parametrize("user", [ENGINEER, ADMIN])
def test_a_decision_is_its_maker_s_own_and_stays_so_without_any_policy(
    emptied: World, rewritten: Json, user: str
):
    own = decision(rewritten, user)
    assert emptied.call(user, "POST", DECISIONS, own) == ""
    message = emptied.call(user, "POST", DECISIONS, decision(rewritten, "ada"))
    assert "casemate-approvers.static.k8s.io" in message
    assert f"must be whoever makes the decision, a person; found {user}" in message
    message = emptied.call(BOT, "POST", DECISIONS, decision(rewritten, BOT))
    assert f"must be whoever makes the decision, a person; found {BOT}" in message
    made = emptied.make(user, DECISIONS, own)
    where = f"{DECISIONS}/{made['metadata']['name']}"
    message = emptied.call(user, "PATCH", where, {"spec": {"verdict": "Deny"}})
    assert "approvaldecisions.spec: must stay as it was made" in message


def test_what_a_review_asks_is_not_rewritten_without_any_policy(emptied: World, rewritten: Json):
    made = emptied.make(ADMIN, REVIEWS, review(rewritten, ADMIN))
    where = f"{REVIEWS}/{made['metadata']['name']}"
    assert emptied.call(ADMIN, "PATCH", where, {"metadata": {"labels": {"a": "b"}}}) == ""
    message = emptied.call(ADMIN, "PATCH", where, {"spec": {"publicKey": "another"}})
    assert "approvalreviews.spec: must stay as it was made" in message


def test_who_stopped_does_not_lift_without_any_policy(emptied: World):
    emptied.make(ENGINEER, SWITCHES, switch("drill", ENGINEER))
    where = f"{SWITCHES}/drill"
    assert emptied.call(ADMIN, "DELETE", where) == ""
    for user in (ENGINEER, BOT):
        message = emptied.call(user, "DELETE", where)
        assert "casemate-lifters.static.k8s.io" in message
        assert f"spec.stoppedBy: must be lifted by another person; found {user}" in message
