"""The ServiceAccount that model pods run as: it has no rights and its token is mounted nowhere."""

from typing import Any


def service_account(name: str) -> dict[str, Any]:
    """The pods' own account, so that they never run as the namespace's default one."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": f"{name}-model"},
        "automountServiceAccountToken": False,
    }
