"""Kubernetes objects as JSON, read into the enforcer's values.

The API server has validated and defaulted what arrives here. A value that is not understood
raises, so that a policy is never weakened by being read in part.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from enclave.netpol.model import (
    BlockPeer,
    ContainerPort,
    Labels,
    Operator,
    Peer,
    Pod,
    PodPeer,
    Policy,
    PolicyPort,
    Protocol,
    Requirement,
    Rule,
    Selector,
)

Json = Mapping[str, Any]


def selector(data: Json) -> Selector:
    """Read a LabelSelector."""
    exact = [
        Requirement(key, Operator.IN, frozenset({value}))
        for key, value in sorted((data.get("matchLabels") or {}).items())
    ]
    expressions = [
        Requirement(item["key"], Operator(item["operator"]), frozenset(item.get("values") or ()))
        for item in data.get("matchExpressions") or ()
    ]
    return Selector((*exact, *expressions))


def labels(data: Json) -> Labels:
    """Read an object's labels."""
    return dict(data["metadata"].get("labels") or {})


def pod(data: Json, address: str) -> Pod:
    """Read a Pod that holds ``address``."""
    meta = data["metadata"]
    return Pod(
        namespace=meta["namespace"],
        name=meta["name"],
        uid=meta["uid"],
        address=address,
        labels=labels(data),
        ports=tuple(_named_ports(data["spec"])),
    )


def policy(data: Json) -> Policy:
    """Read a NetworkPolicy."""
    meta, spec = data["metadata"], data.get("spec") or {}
    types = spec.get("policyTypes") or _default_types(spec)
    return Policy(
        namespace=meta["namespace"],
        name=meta["name"],
        pods=selector(spec.get("podSelector") or {}),
        ingress=_rules(spec.get("ingress"), "from") if "Ingress" in types else None,
        egress=_rules(spec.get("egress"), "to") if "Egress" in types else None,
    )


def _default_types(spec: Json) -> list[str]:
    return ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]


def _rules(rules: list[Json] | None, peers: str) -> tuple[Rule, ...]:
    return tuple(
        Rule(
            peers=tuple(_peer(item) for item in rule.get(peers) or ()),
            ports=tuple(_port(item) for item in rule.get("ports") or ()),
        )
        for rule in rules or ()
    )


def _peer(data: Json) -> Peer:
    block = data.get("ipBlock")
    if block is not None:
        return BlockPeer(block["cidr"], tuple(block.get("except") or ()))
    namespaces = data.get("namespaceSelector")
    return PodPeer(
        namespaces=None if namespaces is None else selector(namespaces),
        pods=selector(data.get("podSelector") or {}),
    )


def _port(data: Json) -> PolicyPort:
    protocol = Protocol[data.get("protocol") or "TCP"]
    return PolicyPort(protocol, data.get("port"), data.get("endPort"))


def _named_ports(spec: Json) -> Iterator[ContainerPort]:
    """Yield the named ports of containers that serve: the main ones and native sidecars."""
    sidecars = [c for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"]
    for container in (*sidecars, *spec["containers"]):
        for port in container.get("ports") or ():
            if port.get("name"):
                protocol = Protocol[port.get("protocol") or "TCP"]
                yield ContainerPort(port["name"], protocol, port["containerPort"])


def own_address(data: Json) -> str:
    """Return the address the API server reports for a running pod of the pod network, or ""."""
    status = data.get("status") or {}
    gone = status.get("phase") in {"Succeeded", "Failed"} or "deletionTimestamp" in data["metadata"]
    shared = bool(data["spec"].get("hostNetwork"))
    return "" if gone or shared else str(status.get("podIP") or "")
