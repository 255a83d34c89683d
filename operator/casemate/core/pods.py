"""Why a pod does not serve, in words that stay the same while it does not change.

The kubelet's own messages count back-off seconds: copied into a status they would rewrite it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from casemate.core.isolation import GATE, Gate, Pod
from casemate.core.names import GUARD_ANNOTATION

_ON_ITS_WAY = {"ContainerCreating", "PodInitializing"}
_PULL = {"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName"}
_MESSAGE_CHARACTERS = 200


def trimmed(pod: Mapping[str, Any]) -> dict[str, Any]:
    """What is worth remembering of a pod: who it is, how it fares, and what its guard keeps to."""
    kept = ("name", "namespace", "uid", "resourceVersion", "labels", "deletionTimestamp")
    meta = {key: pod["metadata"][key] for key in kept if key in pod["metadata"]}
    return {
        "metadata": meta,
        "trouble": trouble(pod),
        "gate": _gate_of(pod),
        "ready": _is_ready(pod),
        "policy": pod["metadata"].get("annotations", {}).get(GUARD_ANNOTATION, ""),
    }


def _is_ready(pod: Mapping[str, Any]) -> bool:
    found = pod.get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in found)


def _gate_of(pod: Mapping[str, Any]) -> list[str] | None:
    for one in pod.get("status", {}).get("conditions", []):
        if one["type"] == GATE:
            known = ("status", "reason", "message", "lastProbeTime", "lastTransitionTime")
            return [str(one.get(key) or "") for key in known]
    return None


def pod_of(kept: Mapping[str, Any]) -> Pod:
    """A pod as `trimmed` remembers it."""
    meta, gate = kept["metadata"], kept["gate"]
    ending = "deletionTimestamp" in meta
    return Pod(
        name=meta["name"],
        uid=meta["uid"],
        gate=Gate(*gate) if gate else None,
        ending=ending,
        ready=kept["ready"],
        policy=kept["policy"],
    )


def trouble(pod: Mapping[str, Any]) -> str | None:
    """The first thing that keeps a pod from serving and that does not pass by itself."""
    if "deletionTimestamp" in pod["metadata"]:
        return None
    return next(_troubles(pod.get("status", {})), None)


def _troubles(status: Mapping[str, Any]) -> Iterator[str]:
    for condition in status.get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            yield f"cannot be scheduled: {condition.get('message', '')[:_MESSAGE_CHARACTERS]}"
    containers = (
        *status.get("initContainerStatuses", []),
        *status.get("containerStatuses", []),
    )
    for container in containers:
        yield from _container(container)
    if status.get("phase") == "Failed":
        yield f"failed: {status.get('reason', 'unknown')}"


def _container(container: Mapping[str, Any]) -> Iterator[str]:
    name = container["name"]
    waiting = container.get("state", {}).get("waiting", {})
    reason = waiting.get("reason", "")
    ended = container.get("lastState", {}).get("terminated")
    if reason in _PULL:
        yield f"{name}: image {container['image']} cannot be pulled"
    elif reason == "CrashLoopBackOff" or (not reason and ended and not container.get("ready")):
        if said := (ended or {}).get("message"):
            # A start gate ends with the reason, in words that stay the same.
            yield f"{name}: {said[:_MESSAGE_CHARACTERS]}"
            return
        code = (ended or {}).get("exitCode", "unknown")
        yield f"{name}: ends again and again, last with exit code {code}"
    elif reason and reason not in _ON_ITS_WAY:
        yield f"{name}: {reason}: {waiting.get('message', '')[:_MESSAGE_CHARACTERS]}"
