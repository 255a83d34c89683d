"""Condition types and reasons, each with its meaning. Machines read these; people read messages."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from casemate.api.model import ApiModel


class ConditionType(StrEnum):
    """What a condition speaks about (kstatus: Reconciling and Stalled exist only while true)."""

    READY = "Ready"  # everything that the spec asks for is there and serves
    AVAILABLE = "Available"  # at least one pod answers through its gateway
    RECONCILING = "Reconciling"  # the operator is still working towards the spec
    STALLED = "Stalled"  # no retry can help: a person must act


class Reason(StrEnum):
    """Why a condition has its status."""

    SERVING = "Serving"  # all replicas answer
    PROGRESSING = "Progressing"  # children are applied, pods are not all ready yet
    SUSPENDED = "Suspended"  # spec.suspend is set
    SCALED_TO_ZERO = "ScaledToZero"  # spec.replicas is 0
    NO_REPLICA_READY = "NoReplicaReady"  # no pod answers
    MINIMUM_AVAILABLE = "MinimumReplicasAvailable"  # at least one pod answers
    INVALID_SPEC = "InvalidSpec"  # the stored spec breaks a rule of this version
    NAME_CONFLICT = "NameConflict"  # an object of somebody else has a child's name
    APPLY_REFUSED = "ApplyRefused"  # the API server refused a child for good
    DEADLINE_EXCEEDED = "ProgressDeadlineExceeded"  # the rollout did not finish in time


class Condition(ApiModel):
    """A condition as in the Kubernetes API conventions."""

    type: Annotated[str, Field(max_length=316)]
    """What it speaks about."""
    status: Literal["True", "False", "Unknown"]
    """Whether it holds."""
    observed_generation: Annotated[int, Field(ge=0)] = 0
    """The generation of the spec that it speaks of."""
    last_transition_time: Annotated[
        str, Field(max_length=64, json_schema_extra={"format": "date-time"})
    ]
    """When the status last changed."""
    reason: Annotated[str, Field(min_length=1, max_length=128)]
    """Why, for machines."""
    message: Annotated[str, Field(max_length=32768)]
    """Why, for people."""


Conditions = Annotated[
    list[Condition],
    Field(
        max_length=16,
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
        },
    ),
]
"""Conditions keyed by type, so that two writers can each own theirs."""
