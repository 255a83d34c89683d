"""casemate.dev/v1alpha1: UsageAgreement, the terms under which models may run."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from casemate.api.cidrs import Cidr
from casemate.api.conditions import Conditions
from casemate.api.guard import GuardTerms, Patterns, Quotas
from casemate.api.model import ApiModel, DnsLabel, Plain
from casemate.api.quantities import Resources
from casemate.api.rules import Rule, literal
from casemate.api.selectors import Labels
from casemate.api.terms import (
    RED_LINES,
    Accountable,
    Guardrails,
    Instant,
    Name,
    Registry,
    distinct,
    in_order,
    keyed,
    one_of,
)

Verdict = Literal["Hold", "Refuse"]
Text = Annotated[str, Field(max_length=4096)]


class Party(ApiModel):
    """One side of the agreement."""

    name: Plain
    """Its name."""
    role: Plain
    """What it is in the agreement, such as customer or supplier."""


class Term(ApiModel):
    """From when to when the agreement is in force."""

    RULES: ClassVar[tuple[Rule, ...]] = (in_order("start", "end"),)

    start: Instant
    """First moment."""
    end: Instant
    """First moment after it; nothing new is admitted from then on."""
    wind_down_days: Annotated[int, Field(ge=0, le=3650)] = 0
    """Days (of 24 hours) after the end in which what runs may go on."""


class AllowedUse(ApiModel):
    """One use that deployments may declare."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel=f"!(self.id in {one_of([*RED_LINES])})",
            message="accepts no red line as an allowed use",
            finding="self.id",
            holds=lambda self: self.id not in RED_LINES,
        ),
    )

    id: DnsLabel
    """Id, such as `logistics-optimization`."""
    description: Plain
    """What it covers."""


class RedLine(ApiModel):
    """What must not happen, and what the guard does when it is asked for."""

    id: DnsLabel
    """Id; built in are `domestic-mass-surveillance` and `use-of-force`."""
    verdict: Verdict
    """`Hold`: a human must approve. `Refuse`: never."""
    description: Text = ""
    """What the line forbids, for further lines of this agreement."""
    patterns: Patterns = Field(default=[])
    """Texts that cross the line, beside what the guard finds itself."""


def _keeps(lines: "list[RedLine]") -> bool:
    verdicts = {line.id: line.verdict for line in lines}
    return all(verdicts.get(name) in {least, "Refuse"} for name, least in RED_LINES.items())


RedLines = Annotated[
    list[RedLine],
    Field(max_length=16, json_schema_extra=keyed("id")),
    distinct("id"),
    Rule(
        cel=" && ".join(
            f"self.exists(one, one.id == {literal(name)} && one.verdict in "
            f"{one_of(sorted({least, 'Refuse'}))})"
            for name, least in RED_LINES.items()
        ),
        message="must keep domestic-mass-surveillance with verdict Refuse, and use-of-force with "
        "verdict Hold or Refuse",
        finding="self.map(one, one.id + '=' + one.verdict)",
        holds=_keeps,
    ),
]
BUILT_IN: list[RedLine] = [RedLine(id=name, verdict=least) for name, least in RED_LINES.items()]  # type: ignore[arg-type]


class SigningKey(ApiModel):
    """A public key that signs model weights."""

    name: DnsLabel
    """Name of the key."""
    public_key: Text
    """The key, as PEM."""


class Trust(ApiModel):
    """Whose signatures on models count."""

    model_signing_keys: Annotated[
        list[SigningKey], Field(max_length=16, json_schema_extra=keyed("name")), distinct("name")
    ] = Field(default=[])
    """Public keys."""


class Approvals(ApiModel):
    """Who decides about held requests, and how many of them it takes."""

    quorum: Annotated[int, Field(ge=1, le=10)] = 2
    """Distinct approvers that a held request needs; for `use-of-force` at least 2 all the same."""
    expiry_minutes: Annotated[int, Field(ge=1, le=1440)] = 15
    """Minutes after which an undecided request is denied."""
    approver_groups: Annotated[list[Plain], Field(max_length=16)] = Field(default=[])
    """Groups that approvers must belong to; empty: any, with the right to approve."""


class Toleration(ApiModel):
    """A taint of nodes that pods of a profile accept."""

    key: Annotated[str, Field(max_length=253)]
    """The taint's key."""
    operator: Literal["Exists", "Equal"] = "Exists"
    """How value is compared."""
    value: Annotated[str, Field(max_length=63)] | None = None
    """The taint's value, for Equal."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] = "NoSchedule"
    """The taint's effect."""


class Profile(ApiModel):
    """A named kind of place to run, such as nodes with one kind of accelerator."""

    name: DnsLabel
    """Name that deployments give."""
    node_selector: Labels | None = None
    """Labels that the nodes have."""
    tolerations: Annotated[list[Toleration], Field(max_length=16)] = Field(default=[])
    """Taints that the pods accept."""
    runtime_class_name: Name | None = None
    """RuntimeClass of the pods."""
    resources: Resources = Resources()
    """Resources of the engine, where the deployment names none."""


class Capacity(ApiModel):
    """How much may run under the agreement."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="self.floor <= self.maxReplicas",
            message="needs floor to be at most maxReplicas",
            holds=lambda self: self.floor <= self.max_replicas,
        ),
    )

    max_replicas: Annotated[int, Field(ge=0, le=100_000)]
    """Pods of all deployments together."""
    max_accelerators: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Devices (resources such as example.com/gpu) of all deployments together."""
    floor: Annotated[int, Field(ge=0, le=1000)] = 0
    """Pods that every deployment is granted before any gets more, oldest first."""
    max_replicas_each: Annotated[int, Field(ge=0, le=1000)] = 1000
    """Pods of one deployment."""
    profiles: Annotated[
        list[Profile], Field(max_length=16, json_schema_extra=keyed("name")), distinct("name")
    ] = Field(default=[])
    """Places to run that deployments may name."""


SEALED: Literal["Sealed"] = "Sealed"
"""Value of `audit.record`: contents are kept, sealed."""


class Audit(ApiModel):
    """What the record of requests keeps."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="self.record != 'Sealed' || has(self.publicKey)",
            message="needs publicKey with record Sealed",
            holds=lambda self: self.record != SEALED or self.public_key is not None,
        ),
    )

    record: Literal["Digest", "Sealed"] = "Digest"
    """`Digest`: digests only. `Sealed`: content too, encrypted to publicKey."""
    public_key: Text | None = None
    """Key that content is sealed to: an X25519 public key, as PEM."""
    retention_days: Annotated[int, Field(ge=1, le=36_500)] = 3650
    """Days that contents are kept; records are never deleted."""


class UsageAgreementSpec(ApiModel):
    """The terms."""

    reference: Plain
    """Reference of the contract, as its parties know it."""
    parties: Annotated[list[Party], Field(min_length=1, max_length=8)]
    """Who made it."""
    term: Term
    """When it is in force."""
    allowed_uses: Annotated[
        list[AllowedUse],
        Field(min_length=1, max_length=64, json_schema_extra=keyed("id")),
        distinct("id"),
    ]
    """The only uses that deployments may declare."""
    red_lines: RedLines = Field(default=BUILT_IN)
    """What must not happen."""
    system_instruction: Text = ""
    """Put before every conversation by the gateway; callers can neither read nor remove it."""
    guard: GuardTerms = GuardTerms()
    """What the guard must be like."""
    quotas: Quotas = Quotas()
    """What one caller may ask for in a while; absent limits: any amount."""
    required_guardrails: Guardrails = Field(default=[])
    """Guards that every deployment runs beside the gateway."""
    registries: Annotated[list[Registry], Field(min_length=1, max_length=16)]
    """Where images of models, engines and guardrails may come from."""
    suppliers: Annotated[list[Name], Field(min_length=1, max_length=64)]
    """Names of the Suppliers whose models may run."""
    enclave_cidrs: Annotated[list[Cidr], Field(max_length=16)] = Field(
        default=[], alias="enclaveCIDRs"
    )
    """Addresses inside the enclave that deployments may connect to; empty: none."""
    trust: Trust = Trust()
    """Whose signatures count."""
    approvals: Approvals = Approvals()
    """Who decides about held requests."""
    capacity: Capacity
    """How much may run."""
    audit: Audit = Audit()
    """What is recorded."""
    accountable: Accountable
    """Who answers for it."""


class UsageAgreementStatus(ApiModel):
    """What was seen of it."""

    observed_generation: Annotated[int, Field(ge=-1)] = -1
    """The generation of the terms that this status speaks of; -1: none yet."""
    phase: Literal["Pending", "InForce", "WindingDown", "Ended"] | None = None
    """Where it stands by the clock."""
    wind_down_ends_at: Instant | None = None
    """When what runs must stop."""
    terms_digest: Annotated[str, Field(max_length=71)] | None = None
    """SHA-256 of the terms, stamped on everything that is made under them."""
    deployments: Annotated[int, Field(ge=0)] | None = None
    """Deployments that name it."""
    replicas_used: Annotated[int, Field(ge=0)] | None = None
    """Pods that they ask for."""
    replicas_granted: Annotated[int, Field(ge=0)] | None = None
    """Pods that they may have."""
    accelerators_granted: Annotated[int, Field(ge=0)] | None = None
    """Devices that they may have."""
    conditions: Conditions | None = None
    """Conditions by type; `Ready` is always among them."""


class UsageAgreement(ApiModel):
    """The terms under which models may run, as the parties agreed them."""

    spec: UsageAgreementSpec
    """The terms."""
    status: UsageAgreementStatus = UsageAgreementStatus()
    """What was seen."""
