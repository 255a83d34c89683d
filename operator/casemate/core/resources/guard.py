"""The ConfigMap with the guard policy, which the gateway believes by its digest alone."""

from typing import Any

from casemate.core import names
from casemate.core.guard_policy import Policy


def config_map(name: str, policy: Policy) -> dict[str, Any]:
    """What the agreement says of the guard, as a file."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": names.guard(name)},
        "data": {names.GUARD_FILE: policy.text},
    }
