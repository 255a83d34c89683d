"""What the status says while pods come, fail and go; Deployment and pods are played by the test."""

from functools import partial
from typing import Any

import pytest

from api.crd.cluster import Kubectl
from api.operator.test_children import create, ready
from enclave.controlplane import ControlPlane
from support.operators import GATEWAY_SIDECAR, Api, Operator, eventually

Json = dict[str, Any]

IMAGE = f"registry.enclave.local/engines/e@sha256:{'0' * 64}"
SERVING = {"replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1}
TROUBLES: dict[str, tuple[Json, str]] = {
    "an image that is not there": (
        {"state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off 5m0s"}}},
        f"pod p: engine: image {IMAGE} cannot be pulled",
    ),
    "an engine that crashes": (
        {
            "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}},
            "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
        },
        "pod p: engine: ends again and again, last with exit code 137",
    ),
    "a mount that fails": (
        {"state": {"waiting": {"reason": "CreateContainerConfigError", "message": "no such key"}}},
        "pod p: engine: CreateContainerConfigError: no such key",
    ),
}


@pytest.fixture(scope="module")
def kubectl(plane: ControlPlane) -> Kubectl:
    return Kubectl(plane.kubeconfig)


def report(api: Api, namespace: str, **status: Any) -> None:
    """Sets the Deployment's status as its controller would, for its newest spec."""
    deployment = api.get("Deployment", namespace, "m")
    assert deployment is not None
    body = {"status": {"observedGeneration": deployment["metadata"]["generation"], **status}}
    api.patch("Deployment", namespace, "m", body, sub="status")


def add_pod(api: Api, namespace: str, name: str = "p") -> None:
    """Makes a pod that the Deployment could have made."""
    api.create(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": name,
                "namespace": namespace,
                "labels": {"casemate.dev/model-deployment": "m"},
            },
            "spec": {
                "initContainers": [GATEWAY_SIDECAR],
                "containers": [{"name": "engine", "image": IMAGE}],
            },
        }
    )


def _message(api: Api, namespace: str) -> str:
    return str(ready(api, namespace).get("message", ""))


def _reason(api: Api, namespace: str) -> str:
    return str(ready(api, namespace).get("reason", ""))


def _becomes(api: Api, namespace: str, reason: str) -> None:
    eventually(
        lambda: _reason(api, namespace) == reason,
        lambda: f"never {reason}, but {ready(api, namespace)}",
    )


def test_kubectl_wait_returns_when_pods_serve_and_not_before(
    api: Api, operator: Operator, namespace: str, kubectl: Kubectl
) -> None:
    create(api, namespace)
    wait = ("wait", "--for=condition=Ready", "-n", namespace, "md/m")
    early = kubectl.attempt(*wait, "--timeout=1s")
    assert early.returncode == 1
    assert "timed out" in early.stderr

    report(api, namespace, **SERVING)

    kubectl.run(*wait, "--timeout=20s")
    row = kubectl.run("get", "md", "m", "-n", namespace, "--no-headers").split()
    assert row[:3] == ["m", "True", "Serving"]


def test_a_new_spec_is_not_ready_because_the_old_one_was(
    api: Api, operator: Operator, namespace: str
) -> None:
    create(api, namespace)
    report(api, namespace, **SERVING)
    _becomes(api, namespace, "Serving")

    api.patch("ModelDeployment", namespace, "m", {"spec": {"engine": {"args": ["--new"]}}})

    _becomes(api, namespace, "Progressing")
    assert ready(api, namespace)["observedGeneration"] == 2
    report(api, namespace, **SERVING)
    _becomes(api, namespace, "Serving")


@pytest.mark.parametrize("what", TROUBLES)
def test_what_keeps_a_pod_from_serving_is_in_the_message_until_it_passes(
    api: Api, operator: Operator, namespace: str, what: str
) -> None:
    seen, said = TROUBLES[what]
    create(api, namespace)
    report(api, namespace, replicas=1, updatedReplicas=1, unavailableReplicas=1)
    add_pod(api, namespace)
    common = {"name": "engine", "image": IMAGE, "imageID": "", "ready": False, "restartCount": 1}
    look = partial(api.patch, "Pod", namespace, "p", sub="status")

    look(body={"status": {"containerStatuses": [{**common, **seen}]}})
    eventually(lambda: said in _message(api, namespace), lambda: _message(api, namespace))

    running = {**common, "state": {"running": {}}, "ready": True}
    look(body={"status": {"containerStatuses": [running]}})
    eventually(
        lambda: said not in _message(api, namespace), "control: the message outlives the trouble"
    )


def test_a_countdown_in_the_kubelets_words_rewrites_no_status(
    api: Api, operator: Operator, namespace: str
) -> None:
    create(api, namespace)
    report(api, namespace, replicas=1, updatedReplicas=1, unavailableReplicas=1)
    add_pod(api, namespace)
    common = {"name": "engine", "image": IMAGE, "imageID": "", "ready": False, "restartCount": 1}

    def wait_for(reason: str, message: str) -> None:
        waiting = {**common, "state": {"waiting": {"reason": reason, "message": message}}}
        body = {"status": {"containerStatuses": [waiting]}}
        api.patch("Pod", namespace, "p", body, sub="status")

    wait_for("ImagePullBackOff", "Back-off 10s")
    eventually(lambda: "cannot be pulled" in _message(api, namespace), "the trouble is not told")
    before, passes = api.own_writes(), 'casemate_reconcile_total{result="noop"}'
    for seconds in (20, 40, 80):
        seen = operator.metric(passes)
        wait_for("ImagePullBackOff", f"Back-off {seconds}s")
        eventually(lambda s=seen: operator.metric(passes) > s, "not looked at")  # type: ignore[misc]

    assert api.own_writes() == before
    wait_for("InvalidSomething", "else")
    eventually(lambda: api.own_writes() != before, "control: another trouble is told")


def test_a_rollout_that_takes_too_long_is_stalled_until_it_succeeds(
    api: Api, operator: Operator, namespace: str
) -> None:
    create(api, namespace)
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    report(api, namespace, replicas=1, updatedReplicas=1, conditions=[late])

    _becomes(api, namespace, "ProgressDeadlineExceeded")
    assert "Stalled" in _types(api, namespace)

    fine = {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}
    report(api, namespace, **SERVING, conditions=[fine])
    _becomes(api, namespace, "Serving")
    assert "Stalled" not in _types(api, namespace)


def _types(api: Api, namespace: str) -> set[str]:
    found = api.get("ModelDeployment", namespace, "m")
    assert found is not None
    return {condition["type"] for condition in found["status"]["conditions"]}


def test_suspended_means_that_no_pod_is_left(api: Api, operator: Operator, namespace: str) -> None:
    create(api, namespace)
    report(api, namespace, **SERVING)
    add_pod(api, namespace)
    _becomes(api, namespace, "Serving")

    api.patch("ModelDeployment", namespace, "m", {"spec": {"suspend": True}})
    eventually(lambda: _replicas(api, namespace) == 0, "the Deployment keeps its replicas")
    report(api, namespace, replicas=0, updatedReplicas=0, readyReplicas=0, availableReplicas=0)
    eventually(
        lambda: "1 pods are being stopped" in _message(api, namespace),
        lambda: _message(api, namespace),
    )
    assert api.get("Service", namespace, "m") is not None, "everything but the pods is kept"

    api.delete("Pod", namespace, "p")
    _becomes(api, namespace, "Suspended")

    api.patch("ModelDeployment", namespace, "m", {"spec": {"suspend": False}})
    eventually(lambda: _replicas(api, namespace) == 1, "it never resumed")


def _replicas(api: Api, namespace: str) -> int:
    found = api.get("Deployment", namespace, "m")
    assert found is not None
    return int(found["spec"]["replicas"])
