"""What the packet filter has to know: the compiled form, free of labels and selectors."""

from collections.abc import Mapping
from dataclasses import dataclass

from enclave.netpol.model import Protocol

MAX_PORT = 65535


@dataclass(frozen=True, slots=True, order=True)
class Ports:
    """A range of ports of one protocol, both ends included."""

    protocol: Protocol
    first: int = 0
    last: int = MAX_PORT


@dataclass(frozen=True, slots=True)
class Allow:
    """Far ends and ports let through together.

    Attributes:
        peers: disjoint addresses and CIDRs; None means any address.
        ports: disjoint ranges; None means everything, protocols without ports included.
    """

    peers: tuple[str, ...] | None
    ports: tuple[Ports, ...] | None


Profile = tuple[Allow, ...]
"""All that an isolated pod may receive, or send; an empty one lets nothing through."""


@dataclass(frozen=True, slots=True)
class Ruleset:
    """The whole decision.

    Attributes:
        cluster: CIDRs that belong to pods; an address inside that no pod holds is closed.
        pods: addresses that pods hold.
        ingress: profile by address of an isolated pod; a pod that is absent receives all.
        egress: the same for what a pod may send.
        links: the one address that a pod's interface on the node may send from.
    """

    cluster: tuple[str, ...]
    pods: tuple[str, ...]
    ingress: Mapping[str, Profile]
    egress: Mapping[str, Profile]
    links: Mapping[str, str]
