"""casemate.dev/v1alpha1: ModelDeployment."""

import re
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from casemate.api.conditions import Conditions
from casemate.api.egress import Egress
from casemate.api.model import (
    ApiModel,
    ClaimName,
    DnsLabel,
    ImageDigest,
    ModelName,
    Plain,
    RelativePath,
)
from casemate.api.quantities import Resources
from casemate.api.rules import Rule, literal, matching
from casemate.api.selectors import Client
from casemate.api.terms import AgreementRef, Guardrails, LoopbackPort, ModelBase

GROUP = "casemate.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "ModelDeployment"
PLURAL = "modeldeployments"
SHORT_NAME = "md"

DEFAULT_SOCKET = "engine.sock"
"""The socket file that an engine serves on when the author names neither socket nor port."""

RESERVED_ENV = ("CASEMATE_", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
"""Prefixes of environment variables that the operator sets itself."""

NAME_LENGTH = 52
"""The longest name: Services and labels are made from it, with room for a suffix."""

_NAME = re.compile(r"[a-z](?:[-a-z0-9]*[a-z0-9])?")
NAME_RULE = Rule(
    cel=f"self.metadata.name.matches({literal(f'^(?:{_NAME.pattern})$')})",
    message=f"must be lower-case letters, digits and '-', at most {NAME_LENGTH} characters, "
    "starting with a letter and not ending in '-'",
    finding="self.metadata.name",
    field=".metadata.name",
    holds=lambda name: len(name) <= NAME_LENGTH and _NAME.fullmatch(name) is not None,
)
"""The rule on metadata.name; CEL sees it from the root, Python gets the name alone."""

Argument = Annotated[str, Field(max_length=4096)]
EnvName = Annotated[
    str,
    Field(max_length=128),
    matching(
        "[A-Za-z_][A-Za-z0-9_]*",
        "an environment variable name of letters, digits and '_', not starting with a digit",
    ),
    Rule(
        cel=" && ".join(f"!self.startsWith({literal(prefix)})" for prefix in RESERVED_ENV),
        message="must not start with " + ", ".join(RESERVED_ENV) + ": Casemate sets these itself",
        holds=lambda name: not name.startswith(RESERVED_ENV),
    ),
]
SocketName = Annotated[
    str,
    Field(max_length=64),
    matching(
        r"[A-Za-z0-9][A-Za-z0-9_-]*\.sock",
        "a plain file name of letters, digits, '-' and '_' that ends in .sock",
    ),
]


class OciSource(ApiModel):
    """Weights in an OCI image, mounted read-only as an image volume."""

    image: ImageDigest
    """The image that holds the weights, by digest."""
    path: RelativePath | None = None
    """File or folder inside the image; absent: its root."""


class ClaimSource(ApiModel):
    """Weights on a volume of the same namespace, mounted read-only."""

    name: ClaimName
    """Name of a PersistentVolumeClaim in this namespace."""
    path: RelativePath
    """File or folder on the volume."""


class ModelSource(ApiModel):
    """Where the weights come from: exactly one of `oci` and `claim`."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="has(self.oci) != has(self.claim)",
            message="needs exactly one of: oci, claim",
            finding="(has(self.oci) ? 'both' : 'none')",
            holds=lambda self: (self.oci is None) != (self.claim is None),
        ),
    )

    oci: OciSource | None = None
    """An OCI image by digest."""
    claim: ClaimSource | None = None
    """A volume claim and a path on it."""


class Model(ApiModel):
    """The model: its public name, who made it, and where its weights are."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="has(self.variant) == has(self.base)",
            message="needs base (supplier and digest) exactly when it is a variant "
            "(FineTune or Adapter)",
            finding="(has(self.variant) ? 'a variant without base' : 'a base without variant')",
            holds=lambda self: (self.variant is None) == (self.base is None),
        ),
    )

    name: ModelName
    """The name that clients give in the `model` field of a request."""
    supplier: DnsLabel
    """Name of the Supplier that answers for the model."""
    source: ModelSource
    """Where the weights come from."""
    variant: Literal["FineTune", "Adapter"] | None = None
    """How it was made from another model; absent: it was not."""
    base: ModelBase | None = None
    """The model that a variant was made from."""


class EnvVar(ApiModel):
    """One environment variable, given by value."""

    name: EnvName
    """Name of the variable."""
    value: Annotated[str, Field(max_length=4096)] = ""
    """Its value."""


def _distinct(variables: list[EnvVar]) -> list[EnvVar]:
    if len({variable.name for variable in variables}) < len(variables):
        raise ValueError("needs a different name for every variable")
    return variables


Environment = Annotated[
    list[EnvVar],
    Field(
        max_length=128,
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
        },
    ),
    # The list type says it to the API server already.
    AfterValidator(_distinct),
]


class Engine(ApiModel):
    """The model server. It is reached through the gateway only."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="!has(self.socket) || !has(self.port)",
            message="accepts socket or port, not both; with neither, the engine serves on "
            f"$CASEMATE_ENGINE_SOCKET ({DEFAULT_SOCKET})",
            holds=lambda self: self.socket is None or self.port is None,
        ),
    )

    image: ImageDigest
    """The engine's image, by digest."""
    command: Annotated[list[Argument], Field(max_length=64)] | None = None
    """Replaces the image's entry point."""
    args: Annotated[list[Argument], Field(max_length=256)] | None = None
    """Arguments; `$(NAME)` is replaced by the variable of that name."""
    env: Environment | None = None
    """Environment variables, by value."""
    resources: Resources = Resources()
    """Compute resources of the engine's container."""
    socket: SocketName | None = None
    """Name of the Unix socket (in the folder of $CASEMATE_ENGINE_SOCKET) that it serves on."""
    port: LoopbackPort | None = None
    """Loopback TCP port that it serves on, for engines that know no Unix sockets."""


class Owner(ApiModel):
    """The person or office that answers for this deployment."""

    name: Plain
    """Name of the person or office."""
    contact: Plain
    """How to reach them."""


class Access(ApiModel):
    """Who may connect to the gateway, and where pods may connect to. Absent: nobody, nowhere."""

    clients: Annotated[list[Client], Field(max_length=32)] = Field(default=[])
    """Pods that may connect."""
    egress: Annotated[list[Egress], Field(max_length=16)] = Field(default=[])
    """Peers in the enclave that the pods may connect to."""
    dns: bool = False
    """Whether the pods may ask the cluster's DNS: pods `k8s-app=kube-dns` in `kube-system`."""


class ModelDeploymentSpec(ApiModel):
    """What is to run, for which use, owned by whom, reached by whom."""

    model: Model
    """The model."""
    engine: Engine
    """The model server."""
    agreement_ref: AgreementRef
    """The agreement that it is made under."""
    use: DnsLabel
    """Id of the use that this deployment serves, such as `logistics-optimization`."""
    owner: Owner
    """Who answers for it."""
    replicas: Annotated[int, Field(ge=0, le=1000)] = 1
    """Number of pods."""
    profile: DnsLabel | None = None
    """Name of one of the agreement's capacity profiles; absent: any node."""
    guardrails: Guardrails = Field(default=[])
    """Guards beside those that the agreement requires."""
    access: Access = Access()
    """Who may connect, and where to."""
    suspend: bool = False
    """Stops all pods and keeps everything else."""


class IsolationStatus(ApiModel):
    """How far the isolation of the pods is proven."""

    pods: Annotated[int, Field(ge=0)]
    """Pods that are not on their way out."""
    proven: Annotated[int, Field(ge=0)]
    """Those that have a proof that is not too old."""
    oldest_proof_time: Annotated[str, Field(max_length=20)] | None = None
    """The time of the oldest among these proofs; moved on every few minutes."""
    method: Annotated[str, Field(max_length=256)]
    """How it is proven."""


class GuardStatus(ApiModel):
    """What the pods' guard must be; the condition `GuardrailsEnforced` says whether it is."""

    bundle_digest: Annotated[str, Field(max_length=71)]
    """SHA-256 of the bundle of rules and weights."""
    policy_digest: Annotated[str, Field(max_length=71)]
    """SHA-256 of the policy that follows from the agreement, in the ConfigMap `NAME-guard`."""


class ModelDeploymentStatus(ApiModel):
    """What was seen of it."""

    observed_generation: Annotated[int, Field(ge=-1)] = -1
    """The generation of the spec that this status speaks of; -1: none yet."""
    conditions: Conditions | None = None
    """Conditions by type; `Ready` is always among them."""
    replicas: Annotated[int, Field(ge=0)] | None = None
    """Pods that exist."""
    ready_replicas: Annotated[int, Field(ge=0)] | None = None
    """Pods that serve."""
    selector: Annotated[str, Field(max_length=512)] | None = None
    """Label selector of the pods, for the scale subresource."""
    isolation: IsolationStatus | None = None
    """How far the isolation of the pods is proven."""
    guard: GuardStatus | None = None
    """What the pods' guard must be."""
    permitted_until: Annotated[str, Field(max_length=20)] | None = None
    """When agreement or supplier end what runs, as far as that is known; absent: unlimited."""
    url: Annotated[str, Field(max_length=512)] | None = None
    """Base address for OpenAI clients inside the cluster."""


class ModelDeployment(ApiModel):
    """Deploys one AI model behind its gateway."""

    spec: ModelDeploymentSpec
    """What is wanted."""
    status: ModelDeploymentStatus = ModelDeploymentStatus()
    """What was seen."""
