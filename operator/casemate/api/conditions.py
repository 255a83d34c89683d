"""Condition types and reasons, each with its meaning. Machines read these; people read messages."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from casemate.api.model import ApiModel


class ConditionType(StrEnum):
    """What a condition speaks about (kstatus: Reconciling and Stalled exist only while true)."""

    READY = "Ready"  # everything that the spec asks for is there and serves
    AVAILABLE = "Available"  # at least one pod answers through its gateway
    AGREEMENT_IN_FORCE = "AgreementInForce"  # the agreement allows this deployment now
    SUPPLIER_PERMITTED = "SupplierPermitted"  # no supplier behind the model is excluded
    CAPACITY_GRANTED = "CapacityGranted"  # the agreement's capacity has room for it
    NETWORK_ISOLATED = "NetworkIsolated"  # every pod has proven that its network is closed
    GUARDRAILS_ENFORCED = "GuardrailsEnforced"  # every ready pod keeps to the agreement's policy
    NOT_STOPPED = "NotStopped"  # no kill switch stops it
    RECONCILING = "Reconciling"  # the operator is still working towards the spec
    STALLED = "Stalled"  # no retry can help: a person must act


class Reason(StrEnum):
    """Why a condition has its status."""

    SERVING = "Serving"  # all replicas answer
    PROGRESSING = "Progressing"  # children are applied, pods are not all ready yet
    SUSPENDED = "Suspended"  # spec.suspend is set
    SCALED_TO_ZERO = "ScaledToZero"  # spec.replicas is 0
    STOPPED = "Stopped"  # a kill switch is on that stops it
    NOT_STOPPED = "NotStopped"  # no kill switch stops it
    STOPS_UNKNOWN = "StopsUnknown"  # the operator cannot tell which kill switches are on
    NO_REPLICA_READY = "NoReplicaReady"  # no pod answers
    MINIMUM_AVAILABLE = "MinimumReplicasAvailable"  # at least one pod answers
    INVALID_SPEC = "InvalidSpec"  # the stored spec breaks a rule of this version
    NAME_CONFLICT = "NameConflict"  # an object of somebody else has a child's name
    CONTESTED = "Contested"  # somebody else changes a child again and again
    APPLY_REFUSED = "ApplyRefused"  # the API server refused a child for good
    CLOCK_DOUBTFUL = "ClockDoubtful"  # our clock and the API server's differ: nothing is decided
    IN_FORCE = "InForce"  # the agreement is in force
    WINDING_DOWN = "WindingDown"  # the agreement ended; what ran may go on for some days
    AGREEMENT_UNKNOWN = "AgreementUnknown"  # no UsageAgreement has the name given
    AGREEMENT_INVALID = "AgreementInvalid"  # the stored agreement breaks a rule of this version
    AGREEMENT_PENDING = "AgreementPending"  # the agreement's term has not begun
    AGREEMENT_ENDED = "AgreementEnded"  # the term, and the time to wind down, are over
    USE_NOT_ALLOWED = "UseNotAllowed"  # the agreement does not allow the declared use
    SUPPLIER_NOT_LISTED = "SupplierNotListed"  # the agreement does not name the supplier
    REGISTRY_NOT_ALLOWED = "RegistryNotAllowed"  # an image comes from a registry it does not name
    PROFILE_UNKNOWN = "ProfileUnknown"  # the agreement has no capacity profile of that name
    EGRESS_NOT_ALLOWED = "EgressNotAllowed"  # egress leads outside the agreement's enclaveCIDRs
    GUARDRAIL_CONFLICT = "GuardrailConflict"  # something has a required guardrail's name or port
    GUARD_OUTDATED = "GuardOutdated"  # the agreement asks for a newer bundle than there is
    POLICY_ENFORCED = "PolicyEnforced"  # every ready pod runs under the current guard policy
    POLICY_OUTDATED = "PolicyOutdated"  # a ready pod runs under another guard policy
    APPROVED = "Approved"  # the supplier is in good standing
    PHASING_OUT = "PhasingOut"  # an order ends the supplier's models; what existed counts down
    WAIVED = "Waived"  # a waiver keeps this deployment running past the order's deadline
    SUPPLIER_UNKNOWN = "SupplierUnknown"  # no Supplier has the name given
    SUPPLIER_INVALID = "SupplierInvalid"  # the stored supplier breaks a rule of this version
    SUPPLIER_NOT_APPROVED = "SupplierNotApproved"  # there is no approval, or it has ended
    SUPPLIER_BLOCKED = "SupplierBlocked"  # the order's deadline has passed
    NOT_IN_INVENTORY = "NotInInventory"  # it did not exist as it is when the order took effect
    INVENTORY_PENDING = "InventoryPending"  # what existed is being recorded; nothing changes
    WITHIN_CAPACITY = "WithinCapacity"  # all pods asked for are granted
    CAPACITY_EXCEEDED = "CapacityExceeded"  # older deployments use the agreement's capacity
    ENFORCED = "Enforced"  # only the allowed was reached, from inside and from outside
    NOT_ENFORCED = "NotEnforced"  # something was reached that no policy allows
    INCONCLUSIVE = "Inconclusive"  # a pod has not proven its isolation, or not lately
    WARDEN_SILENT = "WardenSilent"  # the operator does not hear what is proven
    NO_PODS = "NoPods"  # no pod runs
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
