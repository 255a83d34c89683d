"""casemate.dev/v1alpha1: Supplier, who makes models, and what was decided about them."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from casemate.api.conditions import Conditions
from casemate.api.model import ApiModel, DnsLabel, Plain
from casemate.api.rules import Rule
from casemate.api.terms import Instant, Name, Registry, distinct, in_order, keyed

HISTORY = 32
"""Changes of standing that the status remembers."""

INVENTORY = 2000
"""Deployments that all inventories of a supplier can hold together.

With everything else at its own bound too, an object stays below 1 MiB; etcd takes 1.5 MiB.
"""


class Identities(ApiModel):
    """How the supplier is recognised."""

    names: Annotated[list[Plain], Field(max_length=16)] = Field(default=[])
    """Legal and trade names."""
    registries: Annotated[list[Registry], Field(max_length=16)] = Field(default=[])
    """Where its images are: an image from there belongs to no other supplier."""
    signing_identities: Annotated[list[Plain], Field(max_length=16)] = Field(default=[])
    """Identities that sign its models."""


class Approval(ApiModel):
    """The decision that the supplier may be used."""

    reference: Plain
    """Reference of the decision."""
    approved_by: Plain
    """Who decided."""
    until: Instant | None = None
    """When it ends; absent: it does not end."""


class Stay(ApiModel):
    """A time in which a directive does not hold and its clock stands still."""

    RULES: ClassVar[tuple[Rule, ...]] = (in_order("from", "until"),)

    from_: Annotated[Instant, Field(alias="from")]
    """When the stay began."""
    until: Instant | None = None
    """When it ended; absent: it lasts."""


class Waiver(ApiModel):
    """Lets a part of what a directive stops run on for some time."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel=" || ".join(
                f"has(self.{scope}) && size(self.{scope}) > 0"
                for scope in ("agreements", "uses", "namespaces")
            ),
            message="needs a scope: at least one of agreements, uses, namespaces",
            holds=lambda self: bool(self.agreements or self.uses or self.namespaces),
        ),
    )

    name: DnsLabel
    """Name of the waiver."""
    agreements: Annotated[list[Name], Field(max_length=16)] = Field(default=[])
    """Agreements that it covers; empty: all."""
    uses: Annotated[list[DnsLabel], Field(max_length=16)] = Field(default=[])
    """Uses that it covers; empty: all."""
    namespaces: Annotated[list[DnsLabel], Field(max_length=16)] = Field(default=[])
    """Namespaces that it covers; empty: all."""
    until: Instant
    """When it ends."""
    owner: Plain
    """Who answers for it."""
    justification: Annotated[str, Field(min_length=1, max_length=512)]
    """Why it was given."""


class Directive(ApiModel):
    """One order about the supplier."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        in_order("effectiveAt", "phaseOutEndsAt"),
        Rule(
            cel="(self.state == 'Stayed') =="
            " (has(self.stays) && self.stays.exists(one, !has(one.until)))",
            message="needs state Stayed exactly while one of stays has no `until`",
            finding="self.state",
            holds=lambda self: (self.state == "Stayed") == any(not s.until for s in self.stays),
        ),
    )

    reference: Plain
    """Reference of the order."""
    legal_basis: Plain
    """The law or clause that it rests on."""
    state: Literal["Proposed", "Effective", "Stayed", "Revoked"]
    """Only an Effective order holds."""
    effective_at: Instant
    """From when on nothing new and no growth is admitted."""
    phase_out_ends_at: Instant | None = None
    """When what runs must stop; absent: at once."""
    stays: Annotated[list[Stay], Field(max_length=8)] = Field(default=[])
    """Times in which the order was stayed: the phase-out is longer by them."""
    waivers: Annotated[
        list[Waiver], Field(max_length=8, json_schema_extra=keyed("name")), distinct("name")
    ] = Field(default=[])
    """Exceptions, each with an end and an owner."""


class SupplierSpec(ApiModel):
    """Who the supplier is, and what was decided."""

    identities: Identities = Identities()
    """How it is recognised."""
    approval: Approval | None = None
    """The decision that it may be used; absent: it may not."""
    directives: Annotated[
        list[Directive],
        Field(max_length=8, json_schema_extra=keyed("reference")),
        distinct("reference"),
    ] = Field(default=[])
    """Orders about it."""


class Entry(ApiModel):
    """One deployment that existed when a directive took effect; no names, to stay small."""

    uid: Annotated[str, Field(max_length=36)]
    """Its UID: a later one of the same name is new."""
    replicas: Annotated[int, Field(ge=0, le=1000)]
    """Pods that it asked for."""
    artifacts: Annotated[str, Field(max_length=71)]
    """SHA-256 over supplier, model, base and engine as they were."""


class Inventory(ApiModel):
    """What existed when a directive took effect."""

    reference: Annotated[str, Field(max_length=256)]
    """The directive."""
    effective_since: Instant
    """When it took effect, or again after a stay."""
    deployments: Annotated[list[Entry], Field(max_length=INVENTORY)]
    """The deployments, oldest first."""
    omitted: Annotated[int, Field(ge=0)] | None = None
    """Deployments that existed too, and did not fit."""
    omitted_until: Instant | None = None
    """When the youngest of these was created: what is as old goes on with the pods it has."""


class Change(ApiModel):
    """One change of standing."""

    time: Instant
    """When it was seen."""
    standing: Annotated[str, Field(max_length=16)]
    """The new standing."""
    reference: Annotated[str, Field(max_length=256)]
    """The directive behind it; empty: there is none."""


class SupplierStatus(ApiModel):
    """What was seen of it."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="!has(self.inventory) || "
            f"self.inventory.map(one, size(one.deployments)).sum() <= {INVENTORY}",
            message=f"accepts {INVENTORY} deployments in all of inventory together",
            holds=lambda self: (
                sum(len(one.deployments) for one in self.inventory or []) <= INVENTORY
            ),
        ),
    )

    observed_generation: Annotated[int, Field(ge=-1)] = -1
    """The generation of the spec that this status speaks of; -1: none yet."""
    standing: Literal["Approved", "PhasingOut", "Blocked"] | None = None
    """What follows from the spec and the clock."""
    effective_since: Instant | None = None
    """Since when the directive holds that decides the standing."""
    phase_out_ends_at: Instant | None = None
    """When what runs must stop, stays counted in."""
    deployments: Annotated[int, Field(ge=0)] | None = None
    """Deployments of its models and of variants of them."""
    inventory: Annotated[list[Inventory], Field(max_length=8)] | None = None
    """What existed when each directive in force took effect."""
    history: Annotated[list[Change], Field(max_length=HISTORY)] | None = None
    """The newest changes of standing, oldest first."""
    conditions: Conditions | None = None
    """Conditions by type; `Ready` is always among them."""


class Supplier(ApiModel):
    """Who makes models, and what was decided about them."""

    spec: SupplierSpec
    """Who it is."""
    status: SupplierStatus = SupplierStatus()
    """What was seen."""
