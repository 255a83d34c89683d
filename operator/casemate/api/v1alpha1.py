"""casemate.dev/v1alpha1: ModelDeployment.

Still to come in this version, each with its own types: `agreementRef` and the terms it brings
(they will stand between `use` and `owner`), and further required guardrails.
"""

from typing import Annotated

from pydantic import Field, model_validator

from casemate.api.conditions import Condition
from casemate.api.model import (
    ApiModel,
    DnsLabel,
    EnvName,
    ImageDigest,
    ModelName,
    Plain,
    RelativePath,
    cel,
)
from casemate.api.selectors import Client

GROUP = "casemate.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "ModelDeployment"
PLURAL = "modeldeployments"

DEFAULT_SOCKET = "engine.sock"
"""The socket file that an engine serves on when the author names neither socket nor port."""

RESERVED_ENV = ("CASEMATE_", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
"""Prefixes of environment variables that the operator sets itself."""

Quantity = Annotated[int | str, Field(max_length=32)]
Argument = Annotated[str, Field(max_length=4096)]


class OciSource(ApiModel):
    """Weights in an OCI image, mounted read-only as an image volume."""

    image: ImageDigest
    """The image that holds the weights, by digest."""
    path: RelativePath | None = None
    """File or folder inside the image; absent: its root."""


class ClaimSource(ApiModel):
    """Weights on a volume of the same namespace, mounted read-only."""

    name: DnsLabel
    """Name of a PersistentVolumeClaim in this namespace."""
    path: RelativePath
    """File or folder on the volume."""


class ModelSource(ApiModel):
    """Where the weights come from: exactly one of `oci` and `claim`."""

    model_config = {
        "json_schema_extra": cel(
            "has(self.oci) != has(self.claim)", "needs exactly one of: oci, claim"
        )
    }

    oci: OciSource | None = None
    """An OCI image by digest."""
    claim: ClaimSource | None = None
    """A volume claim and a path on it."""

    @model_validator(mode="after")
    def _exactly_one(self) -> "ModelSource":
        if (self.oci is None) == (self.claim is None):
            raise ValueError("needs exactly one of: oci, claim")
        return self


class Model(ApiModel):
    """The model: its public name, who made it, and where its weights are."""

    name: ModelName
    """The name that clients give in the `model` field of a request."""
    supplier: DnsLabel
    """Name of the Supplier that answers for the model."""
    source: ModelSource
    """Where the weights come from."""


class EnvVar(ApiModel):
    """One environment variable, given by value."""

    model_config = {
        "json_schema_extra": cel(
            " && ".join(f"!self.name.startsWith('{prefix}')" for prefix in RESERVED_ENV),
            f"is set by Casemate; names starting with {', '.join(RESERVED_ENV)} are not accepted",
        )
    }

    name: EnvName
    """Name of the variable."""
    value: Annotated[str, Field(max_length=4096)] = ""
    """Its value."""

    @model_validator(mode="after")
    def _not_reserved(self) -> "EnvVar":
        if self.name.startswith(RESERVED_ENV):
            raise ValueError(f"{self.name} is set by Casemate")
        return self


class Resources(ApiModel):
    """Compute resources, as for a container."""

    requests: Annotated[dict[str, Quantity], Field(max_length=16)] | None = None
    """What is reserved, by resource name."""
    limits: Annotated[dict[str, Quantity], Field(max_length=16)] | None = None
    """What may be used at most, by resource name."""


class Engine(ApiModel):
    """The model server. It is reached through the gateway only."""

    model_config = {
        "json_schema_extra": cel(
            "!(has(self.socket) && has(self.port))",
            "accepts socket or port, not both; with neither, the engine serves on "
            f"$CASEMATE_ENGINE_SOCKET ({DEFAULT_SOCKET})",
        )
    }

    image: ImageDigest
    """The engine's image, by digest."""
    command: Annotated[list[Argument], Field(max_length=64)] | None = None
    """Replaces the image's entry point."""
    args: Annotated[list[Argument], Field(max_length=256)] | None = None
    """Arguments; `$(NAME)` is replaced by the variable of that name."""
    env: (
        Annotated[
            list[EnvVar],
            Field(
                max_length=128,
                json_schema_extra={
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name"],
                },
            ),
        ]
        | None
    ) = None
    """Environment variables, by value."""
    resources: Resources = Resources()
    """Compute resources of the engine's container."""
    socket: (
        Annotated[
            str,
            Field(
                max_length=64,
                json_schema_extra=cel(
                    "self.matches('^[A-Za-z0-9][A-Za-z0-9_-]*\\\\.sock$')",
                    "must be a plain file name that ends in .sock",
                ),
            ),
        ]
        | None
    ) = None
    """Name of the Unix socket (in the folder of $CASEMATE_ENGINE_SOCKET) that it serves on."""
    port: Annotated[int, Field(ge=1024, le=65535)] | None = None
    """Loopback TCP port that it serves on, for engines that know no Unix sockets."""

    @model_validator(mode="after")
    def _one_way_in(self) -> "Engine":
        if self.socket is not None and self.port is not None:
            raise ValueError("accepts socket or port, not both")
        return self


class Owner(ApiModel):
    """The person or office that answers for this deployment."""

    name: Plain
    """Name of the person or office."""
    contact: Plain
    """How to reach them."""


class Access(ApiModel):
    """Who may open a connection to the gateway. Absent or empty: nobody."""

    clients: Annotated[list[Client], Field(max_length=32)] = []
    """Pods that may connect."""


class ModelDeploymentSpec(ApiModel):
    """What is to run, for which use, owned by whom, reached by whom."""

    model: Model
    """The model."""
    engine: Engine
    """The model server."""
    use: DnsLabel
    """Id of the use that this deployment serves, such as `logistics-optimization`."""
    owner: Owner
    """Who answers for it."""
    replicas: Annotated[int, Field(ge=0, le=1000)] = 1
    """Number of pods."""
    access: Access = Access()
    """Who may connect."""
    suspend: bool = False
    """Stops all pods and keeps everything else."""


class ModelDeploymentStatus(ApiModel):
    """What was seen of it."""

    observed_generation: int = -1
    """The generation of the spec that this status speaks of; -1: none yet."""
    conditions: (
        Annotated[
            list[Condition],
            Field(
                max_length=16,
                json_schema_extra={
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["type"],
                },
            ),
        ]
        | None
    ) = None
    """Conditions by type; `Ready` is always among them."""
    replicas: Annotated[int, Field(ge=0)] | None = None
    """Pods that exist."""
    ready_replicas: Annotated[int, Field(ge=0)] | None = None
    """Pods that serve."""
    selector: Annotated[str, Field(max_length=512)] | None = None
    """Label selector of the pods, for the scale subresource."""
    url: Annotated[str, Field(max_length=512)] | None = None
    """Base address for OpenAI clients inside the cluster."""


class ModelDeployment(ApiModel):
    """Deploys one AI model behind its gateway."""

    spec: ModelDeploymentSpec
    """What is wanted."""
    status: ModelDeploymentStatus = ModelDeploymentStatus()
    """What was seen."""
