"""Address, certificate and token of a model pod: from its kubelet, and from nobody else."""

from typing import Any

import pytest

from api.admission.bodies import model_pod, put
from support.certificates import elliptic, stub
from support.operators import Json
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
CALLED_NODE = "system:node:n2"
"""Somebody who is called like a kubelet, and is none: not in the group of nodes."""
ACCOUNT = "kubernetes.io/service-account.name"


@pytest.fixture(scope="module")
def placed(world: World) -> Json:
    """A model pod on a node."""
    made = world.make(REPLICASETS, f"{INSIDE}/pods", model_pod("placed"))
    node = {"apiVersion": "v1", "kind": "Node", "name": "n1"}
    body = {"metadata": {"name": "placed"}, "target": node}
    world.make(ADMIN, f"{INSIDE}/pods/placed/binding", body)
    return made


@pytest.mark.parametrize(
    "address",
    [
        {"podIP": "10.244.0.9", "podIPs": [{"ip": "10.244.0.9"}]},
        {"hostIP": "10.0.0.9", "hostIPs": [{"ip": "10.0.0.9"}]},
        {"podIP": "10.244.0.9"},
        {"hostIP": "10.0.0.9"},
    ],
    ids=["pod", "host", "pod alone", "host alone"],
)
def test_the_address_of_a_model_pod_comes_from_its_kubelet(
    world: World, placed: Json, address: Json
):
    change = {"status": address}
    assert world.call(KUBELET, "PATCH", f"{INSIDE}/pods/placed/status", change) == ""
    for user in (ENGINEER, OPERATOR, ADMIN, CALLED_NODE):
        other = {"status": {"message": "seen"}}
        assert world.call(user, "PATCH", f"{INSIDE}/pods/placed/status", other) == ""
        assert world.call(user, "PATCH", f"{INSIDE}/pods/client/status", change) == ""
        message = world.call(user, "PATCH", f"{INSIDE}/pods/placed/status", change)
        assert "status hostIP, hostIPs, podIP, podIPs: changed on a model pod by" in message
        assert f"found {user}" in message


def _request(pod: Json, signer: str) -> Json:
    spec = {
        "signerName": signer,
        "podName": pod["metadata"]["name"],
        "podUID": pod["metadata"]["uid"],
        "serviceAccountName": "m-model",
        "serviceAccountUID": "6c1b8a52-56a0-4d57-a1a7-3f0f5f1f8a01",
        "nodeName": "n1",
        "nodeUID": "6c1b8a52-56a0-4d57-a1a7-3f0f5f1f8a02",
        "maxExpirationSeconds": 86_400,
        "stubPKCS10Request": stub(elliptic()),
    }
    return {"metadata": {"name": "asked"}, "spec": spec}


@pytest.mark.parametrize("namespace", [ENCLAVE, PLAIN])
def test_a_certificate_is_asked_for_by_a_kubelet(world: World, placed: Json, namespace: str):
    where = f"/apis/certificates.k8s.io/v1/namespaces/{namespace}/podcertificaterequests"
    ours, other = _request(placed, "casemate.dev/gateway"), _request(placed, "example.org/other")
    for user in (ENGINEER, RESCUER, OPERATOR, ADMIN, CALLED_NODE):
        assert world.call(user, "POST", where, other) == ""
        message = world.call(user, "POST", where, ours)
        assert "podcertificaterequests of signer casemate.dev/gateway: accepted from" in message
        assert f"found {user}" in message
    # What a kubelet asks for is held against its pods by the API server itself.
    assert "casemate-certificates" not in world.call(KUBELET, "POST", where, ours)


def _secret(account: str, **changed: Any) -> Json:
    meta = {"name": "token", "annotations": {ACCOUNT: account}}
    return {"metadata": meta, "type": "kubernetes.io/service-account-token", **changed}


@pytest.mark.parametrize("user", [ENGINEER, OPERATOR])
def test_a_secret_is_no_way_to_the_token_of_a_model(world: World, user: str):
    where = f"{INSIDE}/secrets"
    for neighbour in (_secret("client"), _secret("t-model", type="Opaque")):
        assert world.call(user, "POST", where, neighbour) == ""
    message = world.call(user, "POST", where, _secret("t-model"))
    assert "secrets: a token of an account whose name ends in -model is accepted from" in message
    assert f"found {user}" in message
    assert world.call(RESCUER, "POST", where, _secret("t-model")) == ""
    elsewhere = where.replace(ENCLAVE, PLAIN)
    assert world.call(user, "POST", elsewhere, _secret("t-model")) == ""


def test_a_secret_is_not_turned_into_the_token_of_a_model(world: World):
    where = f"{INSIDE}/secrets"
    world.make(RESCUER, where, put(_secret("t-model"), {"/metadata/name": "broken-glass"}))
    world.make(ENGINEER, where, put(_secret("client"), {"/metadata/name": "own"}))
    filled = {"data": {"token": "dA=="}}
    for name in ("broken-glass", "own"):
        assert world.call(ENGINEER, "PATCH", f"{where}/{name}", filled) == ""
    turned = {"metadata": {"annotations": {ACCOUNT: "t-model"}}}
    assert "secrets: a token of" in world.call(ENGINEER, "PATCH", f"{where}/own", turned)
