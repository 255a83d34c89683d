"""Pods: what is refused, beside what the operator renders and clients need."""

import pytest

from api.admission import pod_cases
from api.admission.bodies import Changes, client_pod, model_pod, put, sidecar
from api.admission.pairs import Pair
from casemate.core.isolation import GATE
from support.policies import (
    ADMIN,
    ENCLAVE,
    ENGINEER,
    LOADER,
    OPERATOR,
    PLAIN,
    REPLICASETS,
    World,
)

PODS = f"/api/v1/namespaces/{ENCLAVE}/pods"
ELSEWHERE = f"/api/v1/namespaces/{PLAIN}/pods"
MODEL = [
    *pod_cases.ORIGIN,
    *pod_cases.SHAPE,
    *pod_cases.HOST,
    *pod_cases.CONTAINER,
    *pod_cases.VOLUMES,
]


@pytest.mark.parametrize("pair", MODEL, ids=lambda pair: pair.refuses)
def test_a_model_pod_is_refused_beside_its_neighbour(world: World, pair: Pair):
    pod = model_pod()
    assert world.call(REPLICASETS, "POST", PODS, put(pod, pair.accepted)) == ""
    message = world.call(REPLICASETS, "POST", PODS, put(pod, pair.refused))
    assert "casemate-model-pods" in message
    for part in pair.says:
        assert part in message


@pytest.mark.parametrize("pair", pod_cases.OTHERS, ids=lambda pair: pair.refuses)
def test_another_pod_is_refused_beside_its_neighbour(world: World, pair: Pair):
    pod = client_pod()
    assert world.call(LOADER, "POST", PODS, put(pod, pair.accepted | _name())) == ""
    message = world.call(LOADER, "POST", PODS, put(pod, pair.refused | _name()))
    assert "casemate-other-pods" in message
    for part in pair.says:
        assert part in message
    assert world.call(ENGINEER, "POST", ELSEWHERE, put(pod, pair.refused | _name())) == ""


@pytest.mark.parametrize("user", [ENGINEER, OPERATOR, REPLICASETS])
def test_only_who_loads_weights_runs_other_pods_in_an_enclave(world: World, user: str):
    pod = client_pod("other")
    assert world.call(LOADER, "POST", PODS, pod) == ""
    assert world.call(user, "POST", ELSEWHERE, pod) == ""
    message = world.call(user, "POST", PODS, pod)
    assert "the RBAC verb load on modeldeployments.casemate.dev" in message
    assert f"found {user}" in message


def _name() -> Changes:
    return {"/metadata/name": "other"}


@pytest.mark.parametrize("user", [ENGINEER, OPERATOR, ADMIN])
def test_a_model_pod_comes_from_a_replicaset_only(world: World, user: str):
    assert world.call(REPLICASETS, "POST", PODS, model_pod()) == ""
    message = world.call(user, "POST", PODS, model_pod())
    assert "model pods are accepted from system:serviceaccount:kube-system:replicaset" in message
    assert f"found {user}" in message


def test_a_model_pod_is_refused_outside_an_enclave(world: World):
    assert world.call(REPLICASETS, "POST", PODS, model_pod()) == ""
    message = world.call(REPLICASETS, "POST", ELSEWHERE, model_pod())
    assert "accepted in namespaces with casemate.dev/enclave=true; found plain" in message


@pytest.mark.parametrize("user", [REPLICASETS, ADMIN])
def test_a_pod_cannot_become_a_model_pod(world: World, user: str):
    claim = {"metadata": {"labels": {"casemate.dev/model-deployment": "m"}}}
    other = {"metadata": {"labels": {"example.org/model-deployment": "m"}}}
    for place in (PODS, ELSEWHERE):
        for sub in ("", "/status"):
            target = f"{place}/client{sub}"
            assert world.call(user, "PATCH", target, other) == ""
            message = world.call(user, "PATCH", target, claim)
            assert "metadata.labels: casemate.dev/* must not change" in message


def test_a_model_pod_cannot_lose_its_label(world: World):
    note = {"metadata": {"annotations": {"example.org/seen": "yes"}}}
    assert world.call(ADMIN, "PATCH", f"{PODS}/running", note) == ""
    for value in (None, "other"):
        change = {"metadata": {"labels": {"casemate.dev/model-deployment": value}}}
        message = world.call(ADMIN, "PATCH", f"{PODS}/running", change)
        assert "metadata.labels: casemate.dev/* must not change" in message


@pytest.mark.parametrize("value", [None, "other"])
def test_a_model_pod_keeps_its_terms(world: World, value: str | None):
    """Whoever adds, changes or takes away an annotation of others may."""
    for key in ("prometheus.io/port", "example.org/seen"):
        other = {"metadata": {"annotations": {key: value}}}
        assert world.call(ADMIN, "PATCH", f"{PODS}/running", other) == ""
    change = {"metadata": {"annotations": {"casemate.dev/terms": value}}}
    message = world.call(ADMIN, "PATCH", f"{PODS}/running", change)
    assert "metadata.annotations: casemate.dev/* must not change" in message


@pytest.mark.parametrize("user", [ENGINEER, ADMIN, REPLICASETS])
def test_nobody_but_the_operator_says_that_a_pod_is_isolated(world: World, user: str):
    claim = {"status": {"conditions": [{"type": GATE, "status": "True"}]}}
    other = {"status": {"conditions": [{"type": "example.org/other", "status": "True"}]}}
    target = f"{PODS}/running/status"
    assert world.call(user, "PATCH", target, other) == ""
    assert world.call(OPERATOR, "PATCH", target, claim) == ""
    message = world.call(user, "PATCH", target, claim)
    assert f"status.conditions {GATE}: written by the Casemate operator alone" in message
    assert f"found {user}" in message


def test_a_model_pod_cannot_lose_a_label_of_the_cluster_either(world: World):
    lost = {"metadata": {"labels": {"pod-template-hash": None}}}
    changed = {"metadata": {"labels": {"pod-template-hash": "2"}}}
    for change in (lost, changed):
        message = world.call(ADMIN, "PATCH", f"{PODS}/running", change)
        assert "metadata.labels: must not change on a model pod" in message
    label = {"metadata": {"labels": {"app": None}}}
    assert world.call(ENGINEER, "PATCH", f"{PODS}/client", label) == ""


def test_a_model_pod_cannot_get_a_label_that_others_select_by(world: World):
    label = {"metadata": {"labels": {"app": "x"}}}
    assert world.call(ENGINEER, "PATCH", f"{PODS}/client", label) == ""
    message = world.call(ENGINEER, "PATCH", f"{PODS}/running", label)
    assert "metadata.labels: must not change on a model pod" in message


def test_annotations_of_ours_stay(world: World):
    ours = {"metadata": {"annotations": {"casemate.dev/seen": "yes"}}}
    other = {"metadata": {"annotations": {"example.org/seen": "yes"}}}
    assert world.call(ENGINEER, "PATCH", f"{PODS}/client", other) == ""
    message = world.call(ENGINEER, "PATCH", f"{PODS}/client", ours)
    assert "metadata.annotations: casemate.dev/* must not change" in message


def test_the_image_of_a_running_model_stays(world: World):
    image = f"registry.enclave.local/other@sha256:{'9' * 64}"
    live = world.as_user(ADMIN).request("GET", f"{PODS}/running")
    deadline = put(live, {"/spec/activeDeadlineSeconds": 60})
    assert world.call(ADMIN, "PUT", f"{PODS}/running", deadline) == ""
    swapped = put(live, {"/spec/containers/0/image": image})
    message = world.call(ADMIN, "PUT", f"{PODS}/running", swapped)
    assert "spec.containers.image: must not change" in message


@pytest.mark.parametrize("user", [ENGINEER, ADMIN])
def test_a_model_pod_gets_no_debug_container(world: World, user: str):
    debug = {"name": "debug", "image": "registry.enclave.local/tools/sh:1"}
    for pod, says in (("client", ""), ("running", "spec.ephemeralContainers: must be absent")):
        live = world.as_user(ADMIN).request("GET", f"{PODS}/{pod}")
        body = put(live, {"/spec/ephemeralContainers": [debug]})
        message = world.call(user, "PUT", f"{PODS}/{pod}/ephemeralcontainers", body)
        assert says in message
        assert bool(says) == bool(message)


def test_a_debug_container_of_a_client_gets_no_privilege(world: World):
    live = world.as_user(ADMIN).request("GET", f"{PODS}/client")
    for context, says in (({}, ""), ({"privileged": True}, "securityContext.privileged")):
        debug = {"name": "debug", "image": "x:1", "securityContext": context}
        body = put(live, {"/spec/ephemeralContainers": [debug]})
        message = world.call(ENGINEER, "PUT", f"{PODS}/client/ephemeralcontainers", body)
        assert says in message
        assert bool(says) == bool(message)


@pytest.mark.parametrize(
    ("accepted", "refused", "says"),
    [
        (
            {"labels": {"topology.kubernetes.io/zone": "a"}},
            {"labels": {"casemate.dev/model-deployment": "m"}},
            "metadata.labels: topology.kubernetes.io/*",
        ),
        (
            {"annotations": {"example.org/x": "y"}},
            {"annotations": {"casemate.dev/x": "y"}},
            "metadata.annotations: casemate.dev/*",
        ),
    ],
)
def test_a_binding_does_not_smuggle_marks(
    world: World, accepted: Changes, refused: Changes, says: str
):
    target = {"apiVersion": "v1", "kind": "Node", "name": "n1"}
    for where in (f"{PODS}/client/binding", f"/api/v1/namespaces/{ENCLAVE}/bindings"):
        body = {"metadata": {"name": "client", **accepted}, "target": target}
        assert world.call(ADMIN, "POST", where, body) == ""
        body = {"metadata": {"name": "client", **refused}, "target": target}
        assert says in world.call(ADMIN, "POST", where, body)
        assert world.call(ADMIN, "POST", where.replace(ENCLAVE, PLAIN), body) == ""


def test_what_was_rendered_may_also_carry_everything_that_is_planned(world: World):
    start, gateway = model_pod()["spec"]["initContainers"]
    verify = sidecar("verify")
    guard = sidecar("guardrail-words", restartPolicy="Always")
    full = put(model_pod(), {"/spec/initContainers": [start, verify, gateway, guard]})
    assert world.call(REPLICASETS, "POST", PODS, full) == ""
    wrong = put(model_pod(), {"/spec/initContainers": [start, verify, guard, gateway]})
    assert "found start-gate, verify, guardrail-words, gateway" in world.call(
        REPLICASETS, "POST", PODS, wrong
    )


def test_a_model_pod_is_not_resized(world: World):
    """A gateway with no memory to live on answers nobody."""
    room = {"limits": {"memory": "512Mi"}, "requests": {"memory": "64Mi"}}
    world.make(LOADER, PODS, put(client_pod("sized"), {"/spec/containers/0/resources": room}))
    for pod, place, says in (
        ("sized", "containers/0", ""),
        ("running", "initContainers/1", "pods/resize: not accepted for a model pod"),
    ):
        live = world.as_user(ADMIN).request("GET", f"{PODS}/{pod}")
        body = put(live, {f"/spec/{place}/resources/limits/memory": "200Mi"})
        message = world.call(ENGINEER, "PUT", f"{PODS}/{pod}/resize", body)
        assert says in message
        assert bool(says) == bool(message)
