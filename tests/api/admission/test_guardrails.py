"""What the agreement requires beside the gateway: no model pod without it."""

import pytest

from api.admission.bodies import model_pod, put, sidecar
from support.operators import DIGEST, Json
from support.policies import ENCLAVE, GUARD_IMAGE, GUARDED, REPLICASETS, World

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
