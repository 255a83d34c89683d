"""Connections to pods, and tokens in a model's name."""

import pytest

from api.admission.bodies import model_pod, put
from support.policies import (
    ADMIN,
    ENCLAVE,
    ENGINEER,
    KUBELET,
    OPERATOR,
    PLAIN,
    REPLICASETS,
    RESCUER,
    World,
)

INSIDE = f"/api/v1/namespaces/{ENCLAVE}"
CONNECTIONS = [
    ("pods/client/exec?command=id&stdout=true", "pods/exec"),
    ("pods/client/attach?stdout=true", "pods/attach"),
    ("pods/client/portforward?ports=80", "pods/portforward"),
    ("pods/client/proxy/", "pods/proxy"),
    ("services/client/proxy/", "services/proxy"),
]

TOKEN = {"serviceAccountToken": {"path": "t", "audience": "casemate-warden"}}
OUTSIDE = f"/api/v1/namespaces/{PLAIN}"


@pytest.fixture(scope="module")
def services(world: World) -> World:
    for namespace in (ENCLAVE, PLAIN):
        spec = {"selector": {"app": "client"}, "ports": [{"port": 80}]}
        body = {"metadata": {"name": "client"}, "spec": spec}
        world.make(ENGINEER, f"/api/v1/namespaces/{namespace}/services", body)
    return world


@pytest.mark.parametrize(("where", "what"), CONNECTIONS, ids=[c[1] for c in CONNECTIONS])
def test_a_connection_into_an_enclave_breaks_the_glass(services: World, where: str, what: str):
    message = services.connect(ENGINEER, f"{INSIDE}/{where}")
    assert f"denied request: {what}: not accepted for any pod in a namespace with" in message
    assert "clients included" in message
    assert "break-glass on modeldeployments.casemate.dev" in message
    # There is no node behind: what is let through fails later, in other words.
    for user, place in ((RESCUER, INSIDE), (ADMIN, INSIDE), (ENGINEER, OUTSIDE)):
        through = services.connect(user, f"{place}/{where}")
        assert through
        assert "denied request" not in through


@pytest.mark.parametrize("user", [ENGINEER, OPERATOR])
def test_a_model_s_token_is_made_for_its_kubelet(world: World, user: str):
    def request(pod: dict[str, str]) -> dict[str, object]:
        bound = {"apiVersion": "v1", "kind": "Pod", **pod}
        spec = {"audiences": ["casemate-warden"], "boundObjectRef": bound}
        return {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}

    accounts = f"{INSIDE}/serviceaccounts"
    pod = f"bound-{user.rpartition(':')[2]}"
    changes = {
        "/metadata/labels/casemate.dev~1model-deployment": "t",
        "/spec/serviceAccountName": "t-model",
        # A kubelet gets tokens of those audiences only that its pods ask for.
        "/spec/volumes/6/configMap/name": "t-guard",
        "/spec/volumes/7": {"name": "token", "projected": {"sources": [TOKEN]}},
    }
    made = world.make(REPLICASETS, f"{INSIDE}/pods", put(model_pod(pod), changes))
    reference = {"name": pod, "uid": made["metadata"]["uid"]}
    node = {"apiVersion": "v1", "kind": "Node", "name": "n1"}
    body = {"metadata": {"name": pod}, "target": node}
    world.make(ADMIN, f"{INSIDE}/pods/{pod}/binding", body)

    if world.call(OPERATOR, "GET", f"{accounts}/t-model"):
        for name in ("t-model", "client"):
            world.make(OPERATOR, accounts, {"metadata": {"name": name}})
    where = f"{accounts}/t-model/token"
    assert world.call(KUBELET, "POST", where, request(reference)) == ""
    assert world.call(RESCUER, "POST", where, request(reference)) == ""
    message = world.call(user, "POST", where, request(reference))
    assert "ends in -model is accepted for the kubelet of its pod" in message
    assert f"found {user}" in message
    plain = {"spec": {"audiences": ["casemate"]}}
    assert world.call(user, "POST", f"{accounts}/client/token", plain) == ""
