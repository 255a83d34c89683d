"""The kinds of records that a log holds."""

from typing import Annotated, Literal

from pydantic import Field

from casemate.audit.fields import (
    Agreement,
    Approval,
    Deployment,
    Digest,
    Guard,
    Index,
    Judged,
    Keys,
    Name,
    Person,
    Pod,
    RecordId,
    Recovered,
    Request,
    Response,
    Scope,
    Sha256,
    Strict,
    Switch,
    Text,
    Time,
    Username,
    Uuid,
    Verdict,
    Word,
)


class Stamped(Strict):
    """What every record says."""

    v: Annotated[int, Field(ge=1, le=1)]
    """Version of this format."""
    seq: Index
    """Its index in the log."""
    time: Time
    boot: Uuid
    """Start of the process that wrote it."""


class Started(Stamped):
    """A process opened the log; the first record of each boot."""

    kind: Literal["started"]
    version: Text
    recovered: Recovered
    keys: Keys


class Stopped(Stamped):
    """The process ends in order; the last record of its boot."""

    kind: Literal["stopped"]


class Intent(Stamped):
    """A request that is about to be answered; durable before the engine sees anything of it."""

    kind: Literal["intent"]
    deployment: Deployment
    pod: Pod
    caller: Person
    route: Annotated[str, Field(max_length=64, pattern="^/[a-z0-9/_]*$")]
    model: Text
    image: Text
    supplier: Name | None = None
    agreement: Agreement | None
    guard: Guard
    request: Request
    verdict: Judged
    approval: Approval | None = None
    """The approval that the caller named, for a request that is held."""


class Outcome(Stamped):
    """What became of an intent; durable before the last bytes leave."""

    kind: Literal["outcome"]
    intent: RecordId
    """The intent, in this log or, where its warden was gone, in another's."""
    status: Annotated[int, Field(ge=100, le=599)]
    verdict: Verdict | None
    """On the answer; null: there was none to judge."""
    response: Response | None
    """Null: nothing of an answer was released."""
    latency_ms: Index
    reason: Word | None
    """Why it was refused or ended early."""


class Refused(Stamped):
    """A request that was refused before it had an intent."""

    kind: Literal["refused"]
    deployment: Deployment
    pod: Pod
    caller: Person | None
    """Null: nobody could be named."""
    status: Annotated[int, Field(ge=400, le=599)]
    reason: Word


class ApprovalRequested(Stamped):
    """A held request asks for people."""

    kind: Literal["approval-requested"]
    approval: Approval
    intent: RecordId
    """The intent that was held."""
    deployment: Deployment
    agreement: Agreement
    requester: Person
    line: Word
    digest: Sha256
    """Over what must be forwarded, exactly."""
    quorum: Annotated[int, Field(ge=1, le=10)]
    expires: Time


class ApprovalDecided(Stamped):
    """One person decided."""

    kind: Literal["approval-decided"]
    approval: Approval
    approver: Person
    verdict: Literal["approve", "deny"]
    digest: Sha256
    """What the approver decided about."""
    justification: Text


class ApprovalConsumed(Stamped):
    """An approval is spent on one intent; durable before the engine sees anything of it."""

    kind: Literal["approval-consumed"]
    approval: Approval
    intent: RecordId
    """The intent that goes on."""
    digest: Sha256
    caller: Person
    approvers: Annotated[tuple[Username, ...], Field(min_length=1, max_length=64, strict=False)]
    """Usernames whose decisions counted."""


class ApprovalExpired(Stamped):
    """Nobody decided in time, which is a deny."""

    kind: Literal["approval-expired"]
    approval: Approval


class ApprovalRevoked(Stamped):
    """Taken back before it was consumed."""

    kind: Literal["approval-revoked"]
    approval: Approval
    by: Person


class Kill(Stamped):
    """A kill switch took effect."""

    kind: Literal["kill"]
    switch: Switch
    scope: Scope
    by: Person | None
    """Null: the switch says it in no way that can be read; then it stops everything."""
    reason: Text


class Lift(Stamped):
    """A kill switch was lifted, by another person."""

    kind: Literal["lift"]
    switch: Switch
    by: Person | None
    """Null: this replica was not there, or the switch did not say."""
    reason: Text | None = None
    """Why, in the words of who lifted it; null or absent: this replica does not know."""


class KeyRotated(Stamped):
    """A key of the replica was changed; both sign until the overlap ends."""

    kind: Literal["key-rotated"]
    role: Literal["log", "witness"]
    old: Text
    new: Text
    until: Time
    note: Text
    """Signed note in which both keys say so."""
    by: Person | None = None
    """Who asked for it, as the API server let them into the pod; absent: the log does not know."""
    reason: Text | None = None
    """Why, in their words."""


class PeerKeys(Stamped):
    """From here on this replica knows another one, whose log it witnesses, by these keys.

    They are those that it saw first, or that took over from these by a change that both signed.
    """

    kind: Literal["peer-keys"]
    peer: Name
    """The other replica's pod."""
    log: Text
    witness: Text


class ClockJump(Stamped):
    """The machine's clock was set."""

    kind: Literal["clock-jump"]
    before: Time
    after: Time
    milliseconds: Annotated[int, Field(gt=-(1 << 53), lt=1 << 53)]


class SupplierStanding(Stamped):
    """A supplier's standing changed, as the warden saw it."""

    kind: Literal["supplier-standing"]
    supplier: Name
    standing: Literal["Approved", "PhasingOut", "Blocked"]
    digest: Digest
    """Of the Supplier's spec."""


Record = Annotated[
    Started
    | Stopped
    | Intent
    | Outcome
    | Refused
    | ApprovalRequested
    | ApprovalDecided
    | ApprovalConsumed
    | ApprovalExpired
    | ApprovalRevoked
    | Kill
    | Lift
    | KeyRotated
    | PeerKeys
    | ClockJump
    | SupplierStanding,
    Field(discriminator="kind"),
]
