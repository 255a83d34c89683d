"""NetworkPolicies: nothing in, nothing out, but for what is declared, monitoring and the warden."""

from typing import Any

from casemate.api.egress import Egress
from casemate.api.selectors import LabelSelector, Selecting
from casemate.api.v1alpha1 import Access
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


def allow(name: str, access: Access, settings: Settings) -> dict[str, Any]:
    """Opens the gateway to the clients, the metrics to monitoring, and the ways out.

    One object for all of them: a way that is closed is closed with the write that opens another.
    """
    monitoring = {"namespaceSelector": _namespace(settings.monitoring_namespace)}
    warden = _warden(settings.isolation)
    # The warden tries the pod from outside: silence says something only where this one answers.
    rules = [_rule([monitoring], names.METRICS_PORT), _rule([warden], names.GATEWAY_PORT)]
    if access.clients:
        peers = [_peer(client) for client in access.clients]
        rules.append(_rule(peers, names.GATEWAY_PORT))
    return {
        **_POLICY,
        "metadata": {"name": f"{name}-allow"},
        "spec": {
            "podSelector": {"matchLabels": names.selector_labels(name)},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": rules,
            "egress": [{"to": [warden], "ports": [_tcp(names.WARDEN_PORT)]}, *_egress(access)],
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


def _egress(access: Access) -> list[dict[str, Any]]:
    """The ways out that the author declared, and the one to the cluster's DNS."""
    return [*map(_way, access.egress), *([_to_dns()] if access.dns else [])]


def _way(way: Egress) -> dict[str, Any]:
    to = {"ipBlock": {"cidr": way.cidr}} if way.cidr else _peer(way)
    return {"to": [to], "ports": [one.model_dump() for one in way.ports]}


def _to_dns() -> dict[str, Any]:
    dns = {
        "namespaceSelector": _namespace(names.DNS_NAMESPACE),
        "podSelector": {"matchLabels": names.DNS_LABELS},
    }
    ports = [{"protocol": protocol, "port": names.DNS_PORT} for protocol in ("UDP", "TCP")]
    return {"to": [dns], "ports": ports}


def _peer(peer: Selecting) -> dict[str, Any]:
    pairs = (
        ("namespaceSelector", peer.namespace_selector),
        ("podSelector", peer.pod_selector),
    )
    return {key: _selector(value) for key, value in pairs if value is not None}


def _selector(selector: LabelSelector) -> dict[str, Any]:
    return selector.model_dump(by_alias=True, exclude_none=True)
