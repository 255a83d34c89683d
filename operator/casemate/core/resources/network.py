"""NetworkPolicies: nothing in, nothing out, but for the declared clients and monitoring."""

from collections.abc import Sequence
from typing import Any

from casemate.api.selectors import Client, LabelSelector
from casemate.core import names
from casemate.core.observed import Isolation, Settings

_POLICY = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}


def default_deny(name: str) -> dict[str, Any]:
    """Closes the pods of a deployment in both directions."""
    return {
        **_POLICY,
        "metadata": {"name": names.default_deny(name)},
        "spec": {
            "podSelector": {"matchLabels": names.selector_labels(name)},
            "policyTypes": ["Ingress", "Egress"],
        },
    }


def allow(name: str, clients: Sequence[Client], settings: Settings) -> dict[str, Any]:
    """Opens the gateway to the clients, the metrics to monitoring, and the way to the warden."""
    monitoring = {"namespaceSelector": _namespace(settings.monitoring_namespace)}
    rules = [_rule([monitoring], names.METRICS_PORT)]
    if clients:
        peers = [_peer(client) for client in clients]
        rules.append(_rule(peers, names.GATEWAY_PORT))
    return {
        **_POLICY,
        "metadata": {"name": f"{name}-allow"},
        "spec": {
            "podSelector": {"matchLabels": names.selector_labels(name)},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": rules,
            "egress": [{"to": [_warden(settings.isolation)], "ports": [_tcp(names.WARDEN_PORT)]}],
        },
    }


def _rule(peers: list[dict[str, Any]], port: int) -> dict[str, Any]:
    return {"from": peers, "ports": [_tcp(port)]}


def _tcp(port: int) -> dict[str, Any]:
    return {"protocol": "TCP", "port": port}


def _namespace(name: str) -> dict[str, Any]:
    return {"matchLabels": {"kubernetes.io/metadata.name": name}}


def _warden(isolation: Isolation) -> dict[str, Any]:
    return {
        "namespaceSelector": _namespace(isolation.namespace),
        "podSelector": {"matchLabels": {"app.kubernetes.io/name": names.WARDEN}},
    }


def _peer(client: Client) -> dict[str, Any]:
    pairs = (
        ("namespaceSelector", client.namespace_selector),
        ("podSelector", client.pod_selector),
    )
    return {key: _selector(value) for key, value in pairs if value is not None}


def _selector(selector: LabelSelector) -> dict[str, Any]:
    return selector.model_dump(by_alias=True, exclude_none=True)
