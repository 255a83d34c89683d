"""What the packet filter makes of a compiled ruleset, without a kernel."""

from ipaddress import ip_address, ip_network

from enclave.netpol.ruleset import Profile, Ruleset
from unit.netpol.oracle import Packet


def allows(ruleset: Ruleset, packet: Packet) -> bool:
    ends = (packet.source, packet.target)
    if any(_inside(end, ruleset.cluster) and end not in ruleset.pods for end in ends):
        return False
    if packet.source == packet.target:
        return True
    sent = ruleset.egress.get(packet.source)
    received = ruleset.ingress.get(packet.target)
    return _passes(sent, packet.target, packet) and _passes(received, packet.source, packet)


def _passes(profile: Profile | None, far: str, packet: Packet) -> bool:
    return profile is None or any(
        (allow.peers is None or _inside(far, allow.peers))
        and (
            allow.ports is None
            or any(
                ports.protocol.name == packet.protocol
                and packet.port is not None
                and ports.first <= packet.port <= ports.last
                for ports in allow.ports
            )
        )
        for allow in profile
    )


def _inside(address: str, networks: tuple[str, ...]) -> bool:
    return any(ip_address(address) in ip_network(network) for network in networks)
