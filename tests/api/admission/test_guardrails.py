"""What the agreement requires beside the gateway: no model pod without it."""

from collections.abc import Iterator

import pytest

from api.admission.bodies import client_pod, model_pod, put, sidecar
from support.operators import DIGEST, Json
from support.policies import (
    ADMIN,
    ENCLAVE,
    ENGINEER,
    GUARD_IMAGE,
    GUARDED,
    LOADER,
    PLAIN,
    REPLICASETS,
    World,
    holds,
    install,
    policies,
    serving,
)

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
PODS = f"/api/v1/namespaces/{ENCLAVE}/pods"
WORDS = sidecar("guardrail-words", restartPolicy="Always") | {"image": GUARD_IMAGE}
LAST = len(model_pod()["spec"]["initContainers"])


def _pod(guard: Json | None) -> Json:
    pod = model_pod(under=f"{GUARDED}@{DIGEST}")
    return put(pod, {f"/spec/initContainers/{LAST}": guard}) if guard else pod


@pytest.mark.parametrize(
    "guard",
    [
        None,
        WORDS | {"name": "guardrail-other"},
        WORDS | {"image": f"registry.enclave.local/guards/words@sha256:{'9' * 64}"},
    ],
    ids=["none", "another name", "another digest"],
)
def test_a_pod_without_a_required_guardrail_is_refused(world: World, guard: Json | None):
    assert world.call(REPLICASETS, "POST", PODS, _pod(WORDS)) == ""
    message = world.call(REPLICASETS, "POST", PODS, _pod(guard))
    assert "casemate-pod-guardrails" in message
    assert f"UsageAgreement {GUARDED} requires" in message
    assert f"guardrail-words of {GUARD_IMAGE}" in message


def test_an_agreement_that_requires_none_lets_a_pod_without_pass(world: World):
    assert world.call(REPLICASETS, "POST", PODS, model_pod()) == ""
    assert "guardrail-words" in world.call(REPLICASETS, "POST", PODS, _pod(None))


@pytest.mark.parametrize("under", ["", f"ghost@{DIGEST}", "@", f"harbou@{DIGEST}"])
def test_a_pod_under_no_known_agreement_is_refused(world: World, under: str):
    assert world.call(REPLICASETS, "POST", PODS, model_pod()) == ""
    message = world.call(REPLICASETS, "POST", PODS, model_pod(under=under))
    assert "must name a UsageAgreement that exists" in message
    assert message.endswith(f"found {under}".rstrip())


@pytest.fixture(scope="module")
def without_kinds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A server whose policies hold while our kinds are not there, as while it starts."""
    with serving(tmp_path_factory.mktemp("kindless-plane")) as world:
        install(world, policies())
        for kind in ("termsindexes", "usageagreements"):
            world.as_user(ADMIN).request("DELETE", f"{CRDS}/{kind}.casemate.dev")
        holds(lambda: world.call(REPLICASETS, "POST", PODS, model_pod()))
        yield world


def test_while_the_terms_cannot_be_read_model_pods_wait_and_nobody_else(without_kinds: World):
    message = without_kinds.call(REPLICASETS, "POST", PODS, model_pod())
    assert "failed to configure policy" in message or "no params found" in message
    plain = PODS.replace(ENCLAVE, PLAIN)
    assert without_kinds.call(ENGINEER, "POST", plain, client_pod()) == ""
    assert without_kinds.call(LOADER, "POST", PODS, client_pod()) == ""
