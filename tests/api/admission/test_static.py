"""The policies that the API server reads from its disk hold when all others are deleted."""

from collections.abc import Iterator

import pytest

from api.admission.bodies import ABSENT, model_pod, put
from enclave.controlplane import ControlPlane
from support.operators import model_deployment
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

PODS = f"/api/v1/namespaces/{ENCLAVE}/pods"
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
        {"/spec/initContainers/0/name": "other"},
        {"/spec/initContainers/0/args/0": "operator"},
        {"/spec/initContainers/0/command": ["/bin/true"]},
        {
            "/spec/initContainers/0/restartPolicy": ABSENT,
            "/spec/initContainers/0/startupProbe": ABSENT,
            "/spec/initContainers/0/livenessProbe": ABSENT,
            "/spec/initContainers/0/readinessProbe": ABSENT,
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


@pytest.mark.parametrize("plural", PLURALS.values())
def test_no_call_can_see_or_remove_them(emptied: World, plural: str):
    admin = emptied.as_user(ADMIN)
    assert admin.request("GET", f"{ROOT}/{plural}")["items"] == []
    message = emptied.call(ADMIN, "DELETE", f"{ROOT}/{plural}/casemate-gateway.static.k8s.io")
    assert "not found" in message
