"""The part of the Kubernetes objects that decides who may talk to whom, as frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Labels = Mapping[str, str]


class Protocol(StrEnum):
    """Transport protocols a policy can name, spelled as nft spells them."""

    TCP = "tcp"
    UDP = "udp"
    SCTP = "sctp"


class Operator(StrEnum):
    """Operators of a label selector's expressions, spelled as Kubernetes spells them."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on one label."""

    key: str
    operator: Operator
    values: frozenset[str] = frozenset()

    def matches(self, labels: Labels) -> bool:
        """Tell whether ``labels`` meet the condition; a missing label meets ``NotIn``."""
        value = labels.get(self.key)
        match self.operator:
            case Operator.IN:
                return value is not None and value in self.values
            case Operator.NOT_IN:
                return value is None or value not in self.values
            case Operator.EXISTS:
                return value is not None
            case Operator.DOES_NOT_EXIST:
                return value is None


@dataclass(frozen=True, slots=True)
class Selector:
    """Conditions that must all hold; none at all selects everything."""

    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Labels) -> bool:
        """Tell whether ``labels`` meet every condition."""
        return all(requirement.matches(labels) for requirement in self.requirements)


@dataclass(frozen=True, slots=True)
class ContainerPort:
    """A named port that a container declares; only policies that use the name read it."""

    name: str
    protocol: Protocol
    number: int


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod with an address of its own; pods on the node's network never become one."""

    namespace: str
    name: str
    uid: str
    address: str
    labels: Labels
    ports: tuple[ContainerPort, ...] = ()


@dataclass(frozen=True, slots=True)
class PodPeer:
    """Pods as the far end: by namespace labels (None: the policy's namespace) and pod labels."""

    namespaces: Selector | None
    pods: Selector


@dataclass(frozen=True, slots=True)
class BlockPeer:
    """Addresses as the far end: a CIDR without the CIDRs excepted from it."""

    cidr: str
    excepted: tuple[str, ...] = ()


Peer = PodPeer | BlockPeer


@dataclass(frozen=True, slots=True)
class PolicyPort:
    """A protocol with no port (all of them), a name, a number, or a range of numbers."""

    protocol: Protocol
    port: str | int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """What one rule lets through: any of ``peers`` on any of ``ports``; an empty one is "all"."""

    peers: tuple[Peer, ...] = ()
    ports: tuple[PolicyPort, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """A NetworkPolicy; None for a direction leaves that direction alone, no rules close it."""

    namespace: str
    name: str
    pods: Selector
    ingress: tuple[Rule, ...] | None
    egress: tuple[Rule, ...] | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything the enforcer knows at one moment.

    ``links`` maps a pod's interface on the node to the one address it may send from.
    """

    cluster: tuple[str, ...]
    pods: tuple[Pod, ...] = ()
    namespaces: Mapping[str, Labels] = field(default_factory=dict)
    policies: tuple[Policy, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
