"""casemate.dev/v1alpha1: ApprovalRequest and ApprovalDecision: what is held, what people say."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from casemate.api.model import ApiModel, DnsLabel, Hex64, ModelName, Plain, Reasoning, Uid
from casemate.api.persons import Approver, Person
from casemate.api.rules import IMMUTABLE, Rule, matching
from casemate.api.terms import FORCE, Digest, Instant, Name

REQUEST_NAME_LENGTH = 40
"""The longest name of an ApprovalRequest: names of decisions are made from it."""

OPEN = ("Pending", "Approved")
"""Phases that can still change; the others are the end."""
Phase = Literal["Pending", "Approved", "Denied", "Expired", "Revoked", "Consumed"]
Verdict = Literal["Approve", "Deny", "Revoke"]

FORCE_QUORUM = 2
"""People that every use of force needs, whatever an agreement says."""

RecordId = Annotated[
    str,
    Field(max_length=96),
    matching(
        "[a-z0-9](?:[-a-z0-9]*[a-z0-9])?/(?:0|[1-9][0-9]{0,18})",
        "the id of a record, LOG/INDEX, such as casemate-warden-0/1842",
    ),
]
Nonce = Annotated[
    str,
    Field(max_length=64),
    matching("[0-9a-f]{32,64}", "a random number of 32 to 64 lower-case hex digits"),
]


class HeldDeployment(ApiModel):
    """The ModelDeployment, in this namespace, that the request was made to."""

    name: DnsLabel
    """Its name."""
    uid: Uid
    """Its uid: one of the same name made later is another."""


class HeldModel(ApiModel):
    """The model that would answer."""

    name: ModelName
    """Its public name."""
    image_digest: Digest | None = None
    """Digest of the image with its weights; absent: they are on a volume."""


class HeldAgreement(ApiModel):
    """The UsageAgreement whose red line holds the request."""

    name: Name
    """Its name."""
    digest: Digest
    """Digest of its terms as they were."""


class HeldGuard(ApiModel):
    """The guard that holds the request."""

    bundle: Digest
    """Digest of its bundle of rules and weights."""
    policy: Digest
    """Digest of the policy that it keeps to."""


class ApprovalRequestSpec(ApiModel):
    """What is held, and what it takes to let it go. Nobody changes it."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        IMMUTABLE,
        Rule(
            cel=f"self.line != '{FORCE}' || self.approvers >= {FORCE_QUORUM}",
            message=f"needs {FORCE_QUORUM} approvers or more for {FORCE}",
            finding="self.approvers",
            field=".approvers",
            holds=lambda self: self.line != FORCE or self.approvers >= FORCE_QUORUM,
        ),
    )

    request_digest: Hex64
    """SHA-256 over the RFC 8785 form of the very body that would be forwarded."""
    deployment: HeldDeployment
    """Whom it was asked of."""
    model: HeldModel
    """The model that would answer."""
    agreement: HeldAgreement
    """Under which terms."""
    guard: HeldGuard
    """What judged it."""
    requester: Person
    """Who asked."""
    line: DnsLabel
    """Id of the red line that it touches."""
    rule: Plain
    """What the guard found, by its own id."""
    nonce: Nonce
    """Makes each held request another one."""
    expires_at: Instant
    """First moment at which it is too late."""
    approvers: Annotated[int, Field(ge=1, le=10)]
    """Distinct people who must approve."""
    record: RecordId
    """The record of the request in the warden's log."""


class CountedApproval(ApiModel):
    """An approval that counts."""

    decision: Annotated[str, Field(max_length=253)]
    """Name of the ApprovalDecision."""
    approver: Annotated[str, Field(max_length=256)]
    """Who approved."""
    time: Instant
    """When."""


class IgnoredDecision(ApiModel):
    """A decision that does not count."""

    decision: Annotated[str, Field(max_length=253)]
    """Name of the ApprovalDecision."""
    why: Annotated[str, Field(max_length=1024)]
    """Why it does not."""


class ApprovalRequestStatus(ApiModel):
    """What came of it, as the warden says. What has ended stays as it is."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel=f"oldSelf.phase in {list(OPEN)} || self == oldSelf",
            message="must stay as it is once the request has ended",
            holds=lambda _: True,
        ),
        Rule(
            cel="self.phase == 'Pending' || has(self.decidedAt)",
            message="needs decidedAt once it is decided",
            holds=lambda self: self.phase == "Pending" or self.decided_at is not None,
        ),
        Rule(
            cel="(self.phase == 'Consumed') == has(self.consumedAt)",
            message="needs consumedAt with phase Consumed, and with no other",
            holds=lambda self: (self.phase == "Consumed") == (self.consumed_at is not None),
        ),
    )

    phase: Phase = "Pending"
    """`Approved`: it may be sent once, until it expires. `Consumed`: it was sent, or is spent."""
    tally: Annotated[str, Field(max_length=8)] | None = None
    """Approvals that count, of those that it takes, such as 1/2."""
    approvals: Annotated[list[CountedApproval], Field(max_length=16)] | None = None
    """The approvals that count."""
    ignored: Annotated[list[IgnoredDecision], Field(max_length=32)] | None = None
    """Decisions that do not count."""
    decided_at: Instant | None = None
    """When it was approved, denied, revoked or too late."""
    consumed_at: Instant | None = None
    """When it was sent to the model."""
    message: Annotated[str, Field(max_length=1024)] | None = None
    """Why, for people."""


class ApprovalRequest(ApiModel):
    """A request that the guard holds until enough people let it go. The warden makes it."""

    spec: ApprovalRequestSpec
    """What is held."""
    status: ApprovalRequestStatus = ApprovalRequestStatus()
    """What came of it."""


class DecidedRequest(ApiModel):
    """The ApprovalRequest, in this namespace, that is decided."""

    name: DnsLabel
    """Its name."""
    uid: Uid
    """Its uid."""


class ApprovalDecisionSpec(ApiModel):
    """What one person says about one held request. Nobody changes it."""

    RULES: ClassVar[tuple[Rule, ...]] = (IMMUTABLE,)

    request: DecidedRequest
    """Which request."""
    request_digest: Hex64
    """Its requestDigest, as the approver saw it."""
    agreement: Name
    """Its agreement: to approve takes the right to, on that UsageAgreement."""
    verdict: Verdict
    """`Approve`; `Deny`: never; `Revoke`: no more, though it was approved."""
    justification: Reasoning
    """Why."""
    approver: Approver
    """Who says it: whoever makes the object, as the API server knows them."""


class ApprovalDecision(ApiModel):
    """What one person says about one held request."""

    spec: ApprovalDecisionSpec
    """What is said."""
