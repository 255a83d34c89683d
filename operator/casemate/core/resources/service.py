"""The Service: the gateway's port, and no other."""

from typing import Any

from casemate.core import names


def service(name: str) -> dict[str, Any]:
    """One port for clients; the engine has no address of its own."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {
            "type": "ClusterIP",
            "selector": names.selector_labels(name),
            "ports": [
                {
                    "name": "https",
                    "protocol": "TCP",
                    "port": names.SERVICE_PORT,
                    "targetPort": names.GATEWAY_PORT,
                    "appProtocol": "https",
                }
            ],
        },
    }
