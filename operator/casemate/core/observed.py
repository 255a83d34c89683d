"""What the operator knows of one ModelDeployment at one moment: the input of every decision."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from casemate.core.fields import Foreign
from casemate.core.findings import Terms
from casemate.core.isolation import Pod, Words
from casemate.core.names import BREAK_GLASS_ANNOTATION
from casemate.isolation.targets import Target


class Ref(NamedTuple):
    """Kind and name of a child; the namespace is always the deployment's own."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Live:
    """A child as the API server last showed it."""

    body: Mapping[str, Any]
    """The object without managedFields."""
    foreign: tuple[Foreign, ...] = ()
    """Fields that another manager owns."""
    owned: Mapping[str, Any] = field(default_factory=dict)
    """Fields that our own applies own, as a tree."""
    applied: bool = False
    """Whether our field manager has applied it."""

    @property
    def uid(self) -> str:
        """The object's UID."""
        return str(self.body["metadata"]["uid"])

    @property
    def noted(self) -> bool:
        """Whether somebody broke the glass here: nothing of such an edit may stay."""
        return BREAK_GLASS_ANNOTATION in self.body["metadata"].get("annotations", {})

    @property
    def deleting(self) -> bool:
        """Whether the object is on its way out."""
        return "deletionTimestamp" in self.body["metadata"]


class Trouble(NamedTuple):
    """Why a pass could not finish although no retry can help: a person must act."""

    reason: str
    message: str


class Repair(NamedTuple):
    """A child that somebody changed or deleted."""

    ref: Ref
    action: str
    fields: tuple[str, ...]
    managers: tuple[str, ...]


class Contest(NamedTuple):
    """That a child was repaired of late."""

    wait: float
    """Seconds until it may be repaired once more; 0: at once."""
    text: str
    """What is contested and by whom; nothing where no repair had to wait so far."""
    over: float
    """Seconds until this is forgotten if nothing more happens."""


@dataclass(frozen=True)
class Observed:
    """One consistent snapshot."""

    name: str
    namespace: str
    body: Mapping[str, Any]
    """The ModelDeployment object."""
    children: Mapping[Ref, Live] = field(default_factory=dict)
    """Everything that carries this deployment's labels."""
    pods: tuple[Pod, ...] = ()
    """Pods that exist, those that are being stopped included."""
    pod_troubles: tuple[str, ...] = ()
    """What keeps its pods from serving, as `core.pods` words it."""
    words: Words = field(default_factory=Words)
    """What the warden says of pods."""
    terms: Terms = field(default_factory=Terms)
    """What agreements and suppliers say; by default nothing, so that nothing is permitted."""
    switches: tuple[Mapping[str, Any], ...] | None = None
    """All KillSwitches, the oldest first; None: which there are is not known."""
    contests: Mapping[Ref, Contest] = field(default_factory=dict)
    """Children that were repaired of late."""
    trouble: Trouble | None = None
    """What went wrong while the last plan was carried out."""

    @property
    def alive(self) -> tuple[Pod, ...]:
        """Pods that are not on their way out."""
        return tuple(pod for pod in self.pods if not pod.ending)

    @property
    def agreement(self) -> str:
        """Name of the agreement that it is made under, whatever else its spec breaks; or empty."""
        return str(self.body.get("spec", {}).get("agreementRef", {}).get("name", ""))

    @property
    def uid(self) -> str:
        """The ModelDeployment's UID."""
        return str(self.body["metadata"]["uid"])

    @property
    def generation(self) -> int:
        """The generation of its spec."""
        return int(self.body["metadata"]["generation"])


class Replica(NamedTuple):
    """One replica of the warden."""

    name: str
    address: str
    """IP address of its own Service: model pods have no resolver."""


@dataclass(frozen=True)
class Isolation:
    """How pods prove that their network is closed."""

    wardens: tuple[Replica, ...]
    """By number; at least one."""
    namespace: str
    """Where the warden runs."""
    closed: tuple[Target, ...] = ()
    """What must not answer beside the canary and the kubelet."""
    dns: Target | None = None
    """The cluster's DNS, closed too but to who asked for it; None: there is none."""
    period: int = 30
    """Seconds between two proofs while a pod serves."""


class GuardBundle(NamedTuple):
    """The rules and weights that gateways judge by."""

    digest: str
    """SHA-256 of the file, as in `sha256:…`."""
    version: int
    """The day it was made, YYYYMMDD."""


@dataclass(frozen=True)
class Settings:
    """What the operator was started with, as far as decisions depend on it."""

    gateway_image: str
    """The image that runs the gateway, by digest."""
    isolation: Isolation
    """How pods prove that their network is closed."""
    guard_bundle: GuardBundle
    """What ships in the gateway's image, which is this operator's own."""
    monitoring_namespace: str = "monitoring"
    """The namespace whose pods may read the gateways' metrics."""
    image_pull_secrets: tuple[str, ...] = ()
    """Names of pull secrets that pods refer to."""
