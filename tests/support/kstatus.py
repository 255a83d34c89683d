"""kstatus for custom resources, as kubernetes-sigs/cli-utils has it in pkg/kstatus/status.

`Compute` of status.go with `checkGenericProperties` of generic.go: the first rule that applies
decides, and a resource of no built-in kind that none applies to is Current, whatever Ready says.
"""

from typing import Any

_ABNORMAL = {"Reconciling": "InProgress", "Stalled": "Failed"}


def kstatus(body: dict[str, Any]) -> str:
    """What tools that follow kstatus make of an object."""
    if body["metadata"].get("deletionTimestamp"):
        return "Terminating"
    status = body.get("status", {})
    if unseen(body):
        return "InProgress"
    for one in status.get("conditions", []):
        if one["type"] in _ABNORMAL and one["status"] == "True":
            return _ABNORMAL[one["type"]]
    return "Current"


def unseen(body: dict[str, Any]) -> bool:
    """Whether the status says that it is of another generation; one that says nothing passes."""
    generation = body["metadata"].get("generation")
    seen = body.get("status", {}).get("observedGeneration", generation)
    return generation is not None and seen != generation
