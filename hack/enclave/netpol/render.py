"""The ruleset in nft's language: one text that replaces our tables in one transaction.

How a packet is judged, and why so:

- Judged are the addresses and the port of the packet's *connection* (``ct original`` source,
  ``ct reply`` source, which is the far end after a Service's DNAT), for packets of both
  directions. There is no "established: accept", so a policy that tightens cuts what is open.
- The hooks come after kube-proxy's DNAT. Between two pods packets pass ``forward`` (br_netfilter
  brings bridged ones there), from a pod to the node ``input``, and the node's answers ``output``.
  What the node itself begins is let through: the kubelet probes its pods.
- An address of the cluster that no known pod holds is closed, so a pod is closed until it is
  added, before its first packet and after its last.
- The bridge table lets an interface send from its own address only, as most containers may craft
  packets (NET_RAW), and closes what the inet table does not see (VLAN tags, other protocols).
- IPv6 is closed. A dual-stack cluster needs a second rendering, not another decision.

A match on ports reads ``meta l4proto { icmp, tcp } ct protocol tcp``: the second half is the
condition, on the connection, so that ICMP errors share their connection's fate; the first is
what makes nft accept a ``ct`` port in a rule, and is true of every such packet.
"""

from collections.abc import Iterable, Iterator, Mapping

from enclave.netpol.model import Protocol
from enclave.netpol.ruleset import Allow, Ports, Profile, Ruleset

TABLE = "casemate-netpol"
FLUSH = "".join(
    f"table {family} {TABLE}\ndelete table {family} {TABLE}\n" for family in ("inet", "bridge")
)

_CHAINS = """\
	chain connection {
		ct original ip saddr vmap @egress
		ct reply ip saddr vmap @ingress
	}
	chain pod {
		ct state { invalid, untracked } counter drop
		meta l4proto tcp ct state new tcp flags & (fin | syn | rst | ack) != syn counter drop
		ip saddr . ip daddr @self accept
		ip daddr { 224.0.0.0/4, 255.255.255.255 } counter drop
		goto connection
	}
	chain forward {
		type filter hook forward priority filter + 10; policy accept;
		meta nfproto ipv6 counter drop
		ip saddr @cluster ip saddr != @pods counter drop
		ip daddr @cluster ip daddr != @pods counter drop
		ip saddr @pods goto pod
		ip daddr @pods goto pod
	}
	chain input {
		type filter hook input priority filter + 10; policy accept;
		iifname "lo" accept
		meta nfproto ipv6 counter drop
		ip saddr @cluster ip saddr != @pods counter drop
		ip saddr != @pods accept
		ct direction reply ct state established,related accept
		goto pod
	}
	chain output {
		type filter hook output priority filter + 10; policy accept;
		ct direction reply goto connection
	}
"""

_BRIDGE_CHAINS = """\
	chain prerouting {
		type filter hook prerouting priority -300; policy accept;
		iifname @links ether type ip iifname . ip saddr != @owners counter drop
		iifname @links ether type arp iifname . arp saddr ip != @owners counter drop
		iifname @links ether type != { ip, arp } counter drop
	}
	chain forward {
		type filter hook forward priority -300; policy accept;
		ether type != { ip, arp } counter drop
	}
"""


def render(ruleset: Ruleset) -> str:
    """Write the transaction that replaces whatever our tables held."""
    return FLUSH + "".join(
        [
            f"table inet {TABLE} {{\n",
            _set("cluster", "ipv4_addr", ruleset.cluster, interval=True),
            _set("pods", "ipv4_addr", ruleset.pods),
            _set("self", "ipv4_addr . ipv4_addr", (f"{pod} . {pod}" for pod in ruleset.pods)),
            *_profiles(ruleset),
            _CHAINS,
            f"}}\ntable bridge {TABLE} {{\n",
            _set("links", "ifname", (f'"{link}"' for link in ruleset.links)),
            _set("owners", "ifname . ipv4_addr", _owners(ruleset.links)),
            _BRIDGE_CHAINS,
            "}\n",
        ]
    )


def _owners(links: Mapping[str, str]) -> Iterator[str]:
    return (f'"{link}" . {address}' for link, address in links.items())


def _profiles(ruleset: Ruleset) -> Iterator[str]:
    """Write address sets, one chain for each different profile, and who goes to which chain."""
    sets: dict[tuple[str, ...], str] = {}
    directions = {"egress": ("reply", ruleset.egress), "ingress": ("original", ruleset.ingress)}
    maps = []
    for direction, (far, profiles) in directions.items():
        chains: dict[Profile, str] = {}
        for profile in profiles.values():
            if profile not in chains:
                chains[profile] = f"{direction}-{len(chains)}"
                yield from _new_sets(profile, sets)
                yield _chain(chains[profile], far, profile, sets)
        jumps = (f"{address} : jump {chains[own]}" for address, own in profiles.items())
        maps.append(_set(direction, "ipv4_addr : verdict", jumps, kind="map"))
    yield from maps


def _new_sets(profile: Profile, sets: dict[tuple[str, ...], str]) -> Iterator[str]:
    for allow in profile:
        if allow.peers is not None and allow.peers not in sets:
            sets[allow.peers] = f"peers-{len(sets)}"
            interval = any("/" in peer for peer in allow.peers)
            yield _set(sets[allow.peers], "ipv4_addr", allow.peers, interval=interval)


def _chain(name: str, far: str, profile: Profile, sets: Mapping[tuple[str, ...], str]) -> str:
    rules = (f"\t\t{rule}\n" for allow in profile for rule in _rules(far, allow, sets))
    return f"\tchain {name} {{\n{''.join(rules)}\t\tcounter drop\n\t}}\n"


def _rules(far: str, allow: Allow, sets: Mapping[tuple[str, ...], str]) -> Iterator[str]:
    peers = "" if allow.peers is None else f"ct {far} ip saddr @{sets[allow.peers]} "
    if allow.ports is None:
        yield f"{peers}return"
        return
    for protocol in Protocol:
        ranges = [ports for ports in allow.ports if ports.protocol is protocol]
        if ranges:
            yield f"{peers}{_ports(protocol, ranges)} return"


def _ports(protocol: Protocol, ranges: list[Ports]) -> str:
    if ranges == [Ports(protocol)]:
        return f"ct protocol {protocol}"
    numbers = ", ".join(_range(ports) for ports in ranges)
    context = f"meta l4proto {{ icmp, {protocol} }} ct protocol {protocol}"
    return f"{context} ct reply proto-src {{ {numbers} }}"


def _range(ports: Ports) -> str:
    return str(ports.first) if ports.first == ports.last else f"{ports.first}-{ports.last}"


def _set(
    name: str, keys: str, elements: Iterable[str], *, interval: bool = False, kind: str = "set"
) -> str:
    """Write a set or map; nft takes no empty list of elements."""
    listed = ", ".join(elements)
    body = f"\t\ttype {keys}\n"
    body += "\t\tflags interval\n" if interval else ""
    body += f"\t\telements = {{ {listed} }}\n" if listed else ""
    return f"\t{kind} {name} {{\n{body}\t}}\n"
