"""From policies to addresses and ports: the semantics of NetworkPolicy v1, without I/O."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network, collapse_addresses, ip_network

from enclave.netpol.model import (
    BlockPeer,
    Peer,
    Pod,
    PodPeer,
    Policy,
    PolicyPort,
    Rule,
    Selector,
    Snapshot,
)
from enclave.netpol.ruleset import Allow, Ports, Profile, Ruleset


def compile_snapshot(snapshot: Snapshot) -> Ruleset:
    """Decide for every pod in ``snapshot`` what it may send and receive."""
    return _Compiler(snapshot).ruleset()


class _Compiler:
    """One pass over a snapshot; remembers what selectors found, as policies share them."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._found: dict[tuple[str | None, PodPeer], tuple[Pod, ...]] = {}
        self._peers: dict[tuple[str, tuple[Peer, ...]], tuple[str, ...] | None] = {}

    def ruleset(self) -> Ruleset:
        snapshot = self._snapshot
        return Ruleset(
            cluster=snapshot.cluster,
            pods=tuple(sorted(pod.address for pod in snapshot.pods)),
            ingress=self._ingress(),
            egress=self._egress(),
            links=dict(sorted(snapshot.links.items())),
        )

    def _ingress(self) -> dict[str, Profile]:
        rules = self._isolated((policy, policy.ingress) for policy in self._snapshot.policies)
        return {
            pod.address: _profile(allow for own in found for allow in self._received(pod, *own))
            for pod, found in rules
        }

    def _egress(self) -> dict[str, Profile]:
        rules = self._isolated((policy, policy.egress) for policy in self._snapshot.policies)
        sent = {
            (id(rule), policy.namespace): tuple(self._sent(policy, rule))
            for policy in self._snapshot.policies
            for rule in policy.egress or ()
        }
        return {
            pod.address: _profile(a for p, rule in found for a in sent[id(rule), p.namespace])
            for pod, found in rules
        }

    def _isolated(
        self, policies: Iterable[tuple[Policy, tuple[Rule, ...] | None]]
    ) -> list[tuple[Pod, list[tuple[Policy, Rule]]]]:
        """Pair every pod that a policy selects with the rules that apply to it."""
        found: dict[str, list[tuple[Policy, Rule]]] = {}
        for policy, rules in policies:
            if rules is None:
                continue
            for pod in self._pods(policy.namespace, PodPeer(None, policy.pods)):
                found.setdefault(pod.address, []).extend((policy, rule) for rule in rules)
        return [(pod, found[pod.address]) for pod in self._snapshot.pods if pod.address in found]

    def _received(self, pod: Pod, policy: Policy, rule: Rule) -> Iterator[Allow]:
        """Yield what ``rule`` lets ``pod`` receive; a port's name means ``pod``'s own port."""
        ports = [found for port in rule.ports for found in _numbers(port, pod)]
        if ports or not rule.ports:
            yield Allow(self._addresses(policy, rule.peers), _merged(ports))

    def _sent(self, policy: Policy, rule: Rule) -> Iterator[Allow]:
        """Yield what ``rule`` lets a pod send; a port's name means the far pod's port."""
        ports = [_numeric(port) for port in rule.ports if not isinstance(port.port, str)]
        if ports or not rule.ports:
            yield Allow(self._addresses(policy, rule.peers), _merged(ports))
        by_port: defaultdict[Ports, set[str]] = defaultdict(set)
        for port in rule.ports:
            if isinstance(port.port, str):
                for pod in self._holders(policy, rule.peers):
                    for found in _numbers(port, pod):
                        by_port[found].add(pod.address)
        for found, addresses in sorted(by_port.items()):
            yield Allow(tuple(sorted(addresses)), (found,))

    def _addresses(self, policy: Policy, peers: tuple[Peer, ...]) -> tuple[str, ...] | None:
        key = (policy.namespace, peers)
        if key not in self._peers:
            pods = {pod.address for pod in self._far_pods(policy, peers)}
            blocks = [net for peer in peers if isinstance(peer, BlockPeer) for net in _parts(peer)]
            self._peers[key] = _joined(pods, blocks) if peers else None
        return self._peers[key]

    def _far_pods(self, policy: Policy, peers: tuple[Peer, ...]) -> Iterable[Pod]:
        if not peers:
            return self._snapshot.pods
        selected = [peer for peer in peers if isinstance(peer, PodPeer)]
        return (pod for peer in selected for pod in self._pods(policy.namespace, peer))

    def _holders(self, policy: Policy, peers: tuple[Peer, ...]) -> Iterable[Pod]:
        """The pods whose port a name may mean: a block of addresses can hold pods too."""
        blocks = [net for peer in peers if isinstance(peer, BlockPeer) for net in _parts(peer)]
        inside = (
            pod
            for pod in self._snapshot.pods
            if any(IPv4Address(pod.address) in net for net in blocks)
        )
        return (*self._far_pods(policy, peers), *inside)

    def _pods(self, namespace: str, peer: PodPeer) -> tuple[Pod, ...]:
        key = (namespace if peer.namespaces is None else None, peer)
        if key not in self._found:
            spaces = [namespace] if peer.namespaces is None else self._spaces(peer.namespaces)
            self._found[key] = tuple(
                pod
                for space in spaces
                for pod in self._by_namespace.get(space, ())
                if peer.pods.matches(pod.labels)
            )
        return self._found[key]

    def _spaces(self, selector: Selector) -> list[str]:
        spaces = self._snapshot.namespaces
        return [name for name, labels in spaces.items() if selector.matches(labels)]

    @cached_property
    def _by_namespace(self) -> dict[str, list[Pod]]:
        found: defaultdict[str, list[Pod]] = defaultdict(list)
        for pod in self._snapshot.pods:
            found[pod.namespace].append(pod)
        return dict(found)


def _profile(allows: Iterable[Allow]) -> Profile:
    """Drop repetitions and what can never match, in an order that does not depend on input."""
    useful = {allow for allow in allows if allow.peers != ()}
    return tuple(sorted(useful, key=lambda allow: (allow.peers or (), allow.ports or ())))


def _numbers(port: PolicyPort, pod: Pod) -> list[Ports]:
    if not isinstance(port.port, str):
        return [_numeric(port)]
    return [
        Ports(port.protocol, own.number, own.number)
        for own in pod.ports
        if own.name == port.port and own.protocol is port.protocol
    ]


def _numeric(port: PolicyPort) -> Ports:
    if isinstance(port.port, int):
        return Ports(port.protocol, port.port, port.end or port.port)
    return Ports(port.protocol)


def _merged(ports: list[Ports]) -> tuple[Ports, ...] | None:
    """Join ranges that overlap, as interval sets refuse them; no ports at all means any."""
    merged: list[Ports] = []
    for item in sorted(ports):
        last = merged[-1] if merged else None
        if last and last.protocol is item.protocol and item.first <= last.last + 1:
            merged[-1] = Ports(last.protocol, last.first, max(last.last, item.last))
        else:
            merged.append(item)
    return tuple(merged) or None


def _joined(pods: set[str], blocks: list[IPv4Network]) -> tuple[str, ...]:
    """Bring addresses and CIDRs into a form without overlaps, as interval sets refuse them."""
    if not blocks:
        return tuple(sorted(pods))
    networks = collapse_addresses([*blocks, *map(IPv4Network, pods)])
    return tuple(str(net).removesuffix("/32") for net in networks)


def _parts(block: BlockPeer) -> list[IPv4Network]:
    """Cut the excepted CIDRs out of a block; one of the other IP family matches nothing here."""
    whole = ip_network(block.cidr, strict=False)
    if not isinstance(whole, IPv4Network):
        return []
    left = [whole]
    for excepted in block.excepted:
        hole = IPv4Network(excepted, strict=False)
        left = [part for network in left for part in _without(network, hole)]
    return left


def _without(network: IPv4Network, hole: IPv4Network) -> list[IPv4Network]:
    if network.subnet_of(hole):
        return []
    return list(network.address_exclude(hole)) if hole.subnet_of(network) else [network]
