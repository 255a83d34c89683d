"""The PodDisruptionBudget of a deployment with more than one pod."""

from typing import Any

from casemate.core import names


def disruption_budget(name: str) -> dict[str, Any]:
    """Lets node drains take one pod at a time; a broken pod never blocks a drain."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name},
        "spec": {
            "maxUnavailable": 1,
            "selector": {"matchLabels": names.selector_labels(name)},
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    }
