"""Children of ModelDeployments, and what else could open their pods."""

from typing import Any

import pytest

from api.admission import child_cases
from api.admission.bodies import (
    MARK,
    child,
    children,
    put,
    rendered_deployment,
    replicaset,
    with_note,
)
from api.admission.pairs import Pair
from support.policies import (
    COLLECTOR,
    DEPLOYMENTS,
    DISRUPTION,
    ENCLAVE,
    ENGINEER,
    NAMESPACES,
    OPERATOR,
    PLAIN,
    REPLICASETS,
    RESCUER,
    SLICES,
    World,
)

GROUPS = {
    "deployments": "/apis/apps/v1",
    "replicasets": "/apis/apps/v1",
    "networkpolicies": "/apis/networking.k8s.io/v1",
    "poddisruptionbudgets": "/apis/policy/v1",
    "services": "/api/v1",
    "serviceaccounts": "/api/v1",
    "configmaps": "/api/v1",
    "endpoints": "/api/v1",
    "endpointslices": "/apis/discovery.k8s.io/v1",
}
KINDS = sorted(children())
WRITTEN = "written by the Casemate operator, the cluster's own controllers, or who has"
NOTED = "metadata.annotations casemate.dev/break-glass: who breaks the glass says who and why"
NOTE = {"metadata": {"annotations": {"example.org/seen": "yes"}}}


def where(plural: str, namespace: str = ENCLAVE, name: str = "") -> str:
    return f"{GROUPS[plural]}/namespaces/{namespace}/{plural}" + (f"/{name}" if name else "")


@pytest.fixture(scope="module")
def made(world: World) -> dict[str, str]:
    """Children as the operator and controllers make them, by plural: their paths."""
    paths = {}
    for plural in KINDS:
        user = DEPLOYMENTS if plural == "replicasets" else OPERATOR
        body = world.make(user, where(plural), child(plural, "made"))
        paths[plural] = where(plural, name=body["metadata"]["name"])
    return paths


@pytest.mark.parametrize("namespace", [ENCLAVE, PLAIN])
@pytest.mark.parametrize("plural", KINDS)
def test_a_child_is_made_by_the_operator(world: World, plural: str, namespace: str):
    body = children()[plural]
    assert world.call(OPERATOR, "POST", where(plural, namespace), body) == ""
    message = world.call(ENGINEER, "POST", where(plural, namespace), body)
    assert "casemate-children" in message
    assert f"denied request: {plural} with label casemate.dev/model-deployment" in message
    assert WRITTEN in message
    assert f"found {ENGINEER}" in message
    unmarked = put(child_cases.unmarked(plural, body), {"/metadata/name": "other"})
    assert world.call(ENGINEER, "POST", where(plural, namespace), unmarked) == ""


@pytest.mark.parametrize("plural", KINDS)
def test_a_child_is_changed_and_removed_by_the_operator(
    world: World, made: dict[str, str], plural: str
):
    drop = {"metadata": {"labels": dict.fromkeys(MARK)}}
    for method, body in (("PATCH", NOTE), ("PATCH", drop), ("DELETE", None)):
        assert world.call(OPERATOR, method, made[plural], body) == ""
        message = world.call(ENGINEER, method, made[plural], body)
        assert f"{plural} with label" in message
        assert "change the ModelDeployment instead" in message


def _config_map(name: str, of: str = "") -> dict[str, Any]:
    labels = {child_cases.LABEL: of} if of else {}
    return {"metadata": {"name": name, "labels": labels}, "data": {"policy.json": "{}"}}


@pytest.mark.parametrize("namespace", [ENCLAVE, PLAIN, "kube-system"])
@pytest.mark.parametrize(
    "body",
    [
        _config_map("coredns"),
        _config_map("m-guard"),
        _config_map("coredns", of="m"),
        _config_map("other-guard", of="m"),
    ],
    ids=["another name", "no label", "another name with the label", "another's name"],
)
def test_of_config_maps_the_operator_writes_policies_alone(
    world: World, body: dict[str, Any], namespace: str
):
    policy = _config_map("m-guard", of="m")
    assert world.call(OPERATOR, "POST", where("configmaps", namespace), policy) == ""
    message = world.call(OPERATOR, "POST", where("configmaps", namespace), body)
    assert "casemate-operator-configmaps" in message
    assert "to write NAME-guard with label casemate.dev/model-deployment=NAME only" in message
    assert body["metadata"]["name"] in message.rpartition("found ")[2]


def test_the_operator_neither_changes_nor_removes_a_config_map_of_others(
    world: World, made: dict[str, str]
):
    world.make(ENGINEER, where("configmaps"), _config_map("settings"))
    for method, change in (("PATCH", NOTE), ("DELETE", None)):
        assert world.call(OPERATOR, method, made["configmaps"], change) == ""
        assert world.call(ENGINEER, method, where("configmaps", name="settings"), change) == ""
        message = world.call(OPERATOR, method, where("configmaps", name="settings"), change)
        assert "casemate-operator-configmaps" in message


@pytest.mark.parametrize("plural", KINDS)
def test_removing_all_at_once_is_no_way_round(world: World, made: dict[str, str], plural: str):
    selector = "?labelSelector=casemate.dev%2Fmodel-deployment"
    assert made[plural]
    assert world.call(NAMESPACES, "DELETE", where(plural) + selector) == ""
    assert f"{plural} with label" in world.call(ENGINEER, "DELETE", where(plural) + selector)
    nothing = "?labelSelector=example.org%2Fnone"
    assert world.call(ENGINEER, "DELETE", where(plural) + nothing) == ""


@pytest.mark.parametrize(
    ("user", "plural", "method"),
    [
        (COLLECTOR, "services", "DELETE"),
        (COLLECTOR, "deployments", "PATCH"),
        (DEPLOYMENTS, "deployments", "PATCH"),
        (DEPLOYMENTS, "replicasets", "DELETE"),
        (REPLICASETS, "replicasets", "PATCH"),
        (NAMESPACES, "networkpolicies", "DELETE"),
        (DISRUPTION, "poddisruptionbudgets", "PATCH"),
    ],
)
def test_the_cluster_s_controllers_may(
    world: World, made: dict[str, str], user: str, plural: str, method: str
):
    body = NOTE if method == "PATCH" else None
    assert world.call(user, method, made[plural], body) == ""
    assert f"{plural} with label" in world.call(ENGINEER, method, made[plural], body)


def test_the_right_to_break_the_glass_ends_with_its_namespace(world: World):
    body = children()["networkpolicies"]
    body = with_note(RESCUER, body)
    assert world.call(RESCUER, "POST", where("networkpolicies"), body) == ""
    message = world.call(RESCUER, "POST", where("networkpolicies", PLAIN), body)
    assert "break-glass on modeldeployments.casemate.dev in this namespace" in message


@pytest.mark.parametrize("plural", ["deployments", "replicasets"])
def test_replicas_are_set_by_the_operator(world: World, made: dict[str, str], plural: str):
    scale = {"spec": {"replicas": 3}}
    body = child_cases.unmarked(plural, children()[plural])
    foreign = f"scaled-{plural}"
    world.make(ENGINEER, where(plural), put(body, {"/metadata/name": foreign}))
    assert world.call(ENGINEER, "PATCH", where(plural, name=foreign) + "/scale", scale) == ""
    assert world.call(OPERATOR, "PATCH", f"{made[plural]}/scale", scale) == ""
    message = world.call(ENGINEER, "PATCH", f"{made[plural]}/scale", scale)
    assert f"{plural} with label" in message
    assert "change the ModelDeployment instead" in message


@pytest.mark.parametrize("plural", ["deployments", "replicasets"])
@pytest.mark.parametrize("namespace", [ENCLAVE, PLAIN])
def test_nobody_else_makes_what_would_make_model_pods(world: World, plural: str, namespace: str):
    body = rendered_deployment() if plural == "deployments" else replicaset()
    hidden = put(body, {"/metadata/labels": {}, "/metadata/name": "hidden"})
    message = world.call(ENGINEER, "POST", where(plural, namespace), hidden)
    assert f"{plural} with label" in message
    other = child_cases.unmarked(plural, hidden)
    assert world.call(ENGINEER, "POST", where(plural, namespace), other) == ""


def test_nobody_turns_a_deployment_into_one_that_makes_model_pods(world: World):
    body = put(child_cases.unmarked("deployments", rendered_deployment()), {"/metadata/name": "t"})
    world.make(ENGINEER, where("deployments"), body)

    def relabel(label: str) -> dict[str, Any]:
        return {"spec": {"template": {"metadata": {"labels": {label: "m"}}}}}

    target = where("deployments", name="t")
    assert world.call(ENGINEER, "PATCH", target, relabel("example.org/x")) == ""
    message = world.call(ENGINEER, "PATCH", target, relabel("casemate.dev/model-deployment"))
    assert "deployments with label" in message


def _check(world: World, plural: str, base: dict[str, Any], pair: Pair, policy: str) -> None:
    accepted, refused = put(base, pair.accepted), put(base, pair.refused)
    assert world.call(ENGINEER, "POST", where(plural), accepted) == ""
    message = world.call(ENGINEER, "POST", where(plural), refused)
    assert policy in message
    for part in pair.says:
        assert part in message
    assert world.call(RESCUER, "POST", where(plural), with_note(RESCUER, refused)) == ""
    assert NOTED in world.call(RESCUER, "POST", where(plural), refused)
    assert world.call(ENGINEER, "POST", where(plural, PLAIN), refused) == ""


@pytest.mark.parametrize("pair", child_cases.NETWORK, ids=lambda pair: pair.refuses)
def test_a_second_policy_is_no_way_in(world: World, pair: Pair):
    _check(world, "networkpolicies", child_cases.OPEN, pair, "casemate-network-policies")


@pytest.mark.parametrize("pair", child_cases.SERVICES, ids=lambda pair: pair.refuses)
def test_a_second_service_is_no_way_in(world: World, pair: Pair):
    _check(world, "services", child_cases.SERVICE, pair, "casemate-services")


@pytest.mark.parametrize("plural", ["networkpolicies", "services"])
def test_what_selects_its_own_cannot_be_turned_on_models(world: World, plural: str):
    policy = plural == "networkpolicies"
    base = child_cases.OPEN if policy else child_cases.SERVICE
    name = {"/metadata/name": "turned"}
    own = {"/spec/podSelector": {"matchLabels": {"app": "x"}}} if policy else {}
    world.make(ENGINEER, where(plural), put(base, own | name))
    field = "podSelector" if policy else "selector"
    empty = {"matchLabels": None} if policy else {"app": None, "app.kubernetes.io/name": "model"}
    target = where(plural, name="turned")
    assert world.call(ENGINEER, "PATCH", target, NOTE) == ""
    message = world.call(ENGINEER, "PATCH", target, {"spec": {field: empty}})
    assert f"spec.{field}: must not match model pods" in message


@pytest.mark.parametrize("plural", ["endpoints", "endpointslices"])
def test_addresses_come_from_the_cluster(world: World, plural: str):
    body: dict[str, Any] = {"metadata": {"name": "more"}}
    if plural == "endpoints":
        body["subsets"] = [{"addresses": [{"ip": "10.244.0.9"}], "ports": [{"port": 80}]}]
    else:
        body["metadata"]["labels"] = {"kubernetes.io/service-name": "m"}
        body |= {"addressType": "IPv4", "endpoints": [{"addresses": ["10.244.0.9"]}]}
    assert world.call(SLICES, "POST", where(plural), body) == ""
    assert world.call(ENGINEER, "POST", where(plural, PLAIN), body) == ""
    message = world.call(ENGINEER, "POST", where(plural), body)
    assert "casemate-endpoints" in message
    assert "a Service with a selector gets its endpoints by itself" in message
    ours = put(body, {"/metadata/labels/casemate.dev~1model-deployment": "m"})
    assert world.call(SLICES, "POST", where(plural, PLAIN), ours) == ""
    assert f"{plural} with label" in world.call(ENGINEER, "POST", where(plural, PLAIN), ours)
    named = put(body, {"/metadata/name": "kept"})
    world.make(SLICES, where(plural), named)
    assert world.call(RESCUER, "POST", where(plural), with_note(RESCUER, body)) == ""
    target = where(plural, name="kept")
    for method, change in (("PATCH", NOTE), ("DELETE", None)):
        assert world.call(SLICES, method, target, change) == ""
        assert NOTED in world.call(RESCUER, method, target, change)
        assert "casemate-endpoints" in world.call(ENGINEER, method, target, change)
