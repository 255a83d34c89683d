"""NetworkPolicy v1 read straight from its specification, one packet at a time.

Works on the objects as JSON and shares no code with the enforcer, so that agreement means
something. Slow and plain on purpose.
"""

from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Packet:
    source: str
    target: str
    protocol: str
    port: int | None


@dataclass(frozen=True)
class Cluster:
    """Pods (each with ``status.podIP``), namespaces and policies as the API server shows them."""

    pods: list[Json]
    namespaces: list[Json]
    policies: list[Json]

    def allows(self, packet: Packet) -> bool:
        source, target = self._pod(packet.source), self._pod(packet.target)
        if source is not None and source is target:
            return True
        sent = source is None or self._passes(source, target, packet, "Egress")
        return sent and (target is None or self._passes(target, source, packet, "Ingress"))

    def _pod(self, address: str) -> Json | None:
        return next((pod for pod in self.pods if pod["status"]["podIP"] == address), None)

    def _passes(self, pod: Json, far: Json | None, packet: Packet, direction: str) -> bool:
        isolating = [
            policy
            for policy in self.policies
            if policy["metadata"]["namespace"] == pod["metadata"]["namespace"]
            and direction in types(policy["spec"])
            and selects(policy["spec"].get("podSelector", {}), pod)
        ]
        if not isolating:
            return True
        section, peers = ("egress", "to") if direction == "Egress" else ("ingress", "from")
        address = packet.target if direction == "Egress" else packet.source
        holder = self._pod(packet.target)
        return any(
            self._peer_matches(policy, rule.get(peers) or [], far, address)
            and port_matches(rule.get("ports") or [], packet, holder)
            for policy in isolating
            for rule in policy["spec"].get(section) or []
        )

    def _peer_matches(
        self, policy: Json, peers: list[Json], far: Json | None, address: str
    ) -> bool:
        return not peers or any(self._is_peer(policy, peer, far, address) for peer in peers)

    def _is_peer(self, policy: Json, peer: Json, far: Json | None, address: str) -> bool:
        if "ipBlock" in peer:
            block = peer["ipBlock"]
            return within(address, block["cidr"]) and not any(
                within(address, hole) for hole in block.get("except", [])
            )
        if far is None:
            return False
        home = far["metadata"]["namespace"]
        if "namespaceSelector" in peer:
            space = next(item for item in self.namespaces if item["metadata"]["name"] == home)
            if not selects(peer["namespaceSelector"], space):
                return False
        elif home != policy["metadata"]["namespace"]:
            return False
        return selects(peer.get("podSelector", {}), far)


def types(spec: Json) -> list[str]:
    return spec.get("policyTypes") or (["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])


def within(address: str, cidr: str) -> bool:
    return ip_address(address) in ip_network(cidr, strict=False)


def selects(selector: Json, item: Json) -> bool:
    labels = item["metadata"].get("labels", {})
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    for expression in selector.get("matchExpressions", []):
        key, values = expression["key"], expression.get("values", [])
        held = {
            "In": key in labels and labels[key] in values,
            "NotIn": key not in labels or labels[key] not in values,
            "Exists": key in labels,
            "DoesNotExist": key not in labels,
        }
        if not held[expression["operator"]]:
            return False
    return True


def port_matches(ports: list[Json], packet: Packet, holder: Json | None) -> bool:
    if not ports:
        return True
    return any(
        entry.get("protocol", "TCP") == packet.protocol and number_matches(entry, packet, holder)
        for entry in ports
    )


def number_matches(entry: Json, packet: Packet, holder: Json | None) -> bool:
    wanted = entry.get("port")
    if wanted is None:
        return True
    if isinstance(wanted, int):
        return packet.port is not None and wanted <= packet.port <= entry.get("endPort", wanted)
    if holder is None:
        return False
    return any(
        port.get("name") == wanted
        and port.get("protocol", "TCP") == packet.protocol
        and port["containerPort"] == packet.port
        for container in holder["spec"]["containers"]
        for port in container.get("ports", [])
    )
