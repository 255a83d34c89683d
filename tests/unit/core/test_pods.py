"""Why a pod does not serve, in words that stay the same while it does not change."""

from typing import Any

import pytest

from casemate.core.names import GUARD_ANNOTATION
from casemate.core.pods import pod_of, trimmed, trouble
from unit.api.cases import Json

IMAGE = "registry.enclave.local/x@sha256:0"


def waiting(reason: str, message: str = "", **other: Any) -> Json:
    return {
        "name": "engine",
        "image": IMAGE,
        "state": {"waiting": {"reason": reason, "message": message}},
        **other,
    }


def status(*containers: Json, **other: object) -> Json:
    return {"metadata": {}, "status": {"containerStatuses": list(containers), **other}}


def init(*containers: Json) -> Json:
    return {"metadata": {}, "status": {"initContainerStatuses": list(containers)}}


ENDED: Json = {"lastState": {"terminated": {"exitCode": 3}}}
UNSCHEDULED = {"type": "PodScheduled", "status": "False", "message": "0/1 nodes: no gpu"}


@pytest.mark.parametrize(
    ("pod", "says"),
    [
        (status(), None),
        ({"metadata": {}}, None),
        (status(waiting("ContainerCreating")), None),
        (init(waiting("PodInitializing")), None),
        (status({"name": "engine", "state": {"running": {}}, "ready": True}), None),
        (status({"name": "engine", "state": {"running": {}}, "ready": True, **ENDED}), None),
        (
            status({"name": "engine", "state": {"running": {}}, "ready": False, **ENDED}),
            "engine: ends again and again, last with exit code 3",
        ),
        (
            status(waiting("CrashLoopBackOff", "back-off 20s restarting", **ENDED)),
            "engine: ends again and again, last with exit code 3",
        ),
        (
            status(waiting("CrashLoopBackOff")),
            "engine: ends again and again, last with exit code unknown",
        ),
        (status(waiting("ErrImagePull")), f"engine: image {IMAGE} cannot be pulled"),
        (init(waiting("ImagePullBackOff")), f"engine: image {IMAGE} cannot be pulled"),
        (
            status(waiting("CreateContainerConfigError", "secret x not found")),
            "engine: CreateContainerConfigError: secret x not found",
        ),
        (status(conditions=[UNSCHEDULED]), "cannot be scheduled: 0/1 nodes: no gpu"),
        (status(conditions=[{"type": "PodScheduled", "status": "True"}]), None),
        (status(conditions=[{"type": "Ready", "status": "False"}]), None),
        (status(phase="Failed", reason="Evicted"), "failed: Evicted"),
        (status(phase="Failed"), "failed: unknown"),
        (
            status(waiting("ErrImagePull"), conditions=[UNSCHEDULED]),
            "cannot be scheduled: 0/1 nodes: no gpu",
        ),
    ],
)
def test_a_pods_trouble_is_put_into_words(pod: Json, says: str | None) -> None:
    assert trouble(pod) == says


def test_a_pod_that_is_being_stopped_has_no_trouble() -> None:
    pod = status(phase="Failed")
    assert trouble(pod) is not None
    pod["metadata"]["deletionTimestamp"] = "2026-03-01T12:00:00Z"
    assert trouble(pod) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (waiting("CrashLoopBackOff", "back-off 10s", **ENDED), ("CrashLoopBackOff", "back-off 5m")),
        (waiting("ErrImagePull", "dial tcp: 1"), ("ImagePullBackOff", "Back-off pulling")),
    ],
)
def test_the_wording_does_not_move_with_the_kubelets_back_off(
    one: Json, other: tuple[str, str]
) -> None:
    later = waiting(*other, **ENDED)
    assert trouble(status(one)) == trouble(status(later)) is not None


def test_a_long_message_is_cut() -> None:
    text = trouble(status(waiting("CreateContainerError", "x" * 5000)))
    assert text is not None
    assert len(text) < 300


def test_only_identity_and_state_of_a_pod_are_remembered() -> None:
    pod = status(phase="Failed", reason="Evicted") | {"spec": {"containers": []}}
    pod["metadata"] = {"name": "p", "uid": "u", "annotations": {"x": "y"}, "labels": {"a": "b"}}
    kept = {"name": "p", "uid": "u", "labels": {"a": "b"}}
    found = trimmed(pod)
    assert (found.pop("gate"), found.pop("ready"), found.pop("policy")) == (None, False, "")
    assert found == {"metadata": kept, "trouble": "failed: Evicted"}


@pytest.mark.parametrize(
    ("says", "ready"), [("True", True), ("False", False), ("Unknown", False), (None, False)]
)
def test_ready_is_what_the_kubelet_says(says: str | None, ready: Any) -> None:
    said = [{"type": "Ready", "status": says}] if says else []
    pod = status(conditions=[{"type": "Initialized", "status": "True"}, *said])
    pod["metadata"] = {"name": "p", "uid": "u", "annotations": {GUARD_ANNOTATION: "sha256:0"}}
    found = pod_of(trimmed(pod))
    assert (found.ready, found.policy) == (ready, "sha256:0")
