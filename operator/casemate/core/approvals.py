"""What people's decisions make of a held request, at a moment: in every doubt, not approved.

Admission refuses most of what is ignored here already. It is checked again, since policies can be
taken away, since they see requests a moment late, and since rights end.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from casemate.api.agreement import Approvals
from casemate.api.approval import OPEN, ApprovalRequestSpec, ApprovalRequestStatus, Phase
from casemate.api.terms import instant, spelled
from casemate.core.decisions import Decided, Held, Ignored, read
from casemate.core.findings import first
from casemate.core.quorum import Rights, counted, needed

Json = Mapping[str, Any]

CLOCK_TOLERANCE = timedelta(seconds=60)
"""How far the API server's clock may be ahead of ours, as `cluster.clock` has it."""

_MESSAGE, _APPROVALS, _IGNORED = 1024, 16, 32
"""What the status has room for: characters of a text, and entries of its lists."""


@dataclass(frozen=True)
class Outcome:
    """What becomes of a request.

    Attributes:
        phase: Where it stands; only `Approved` lets it go, once.
        message: Why.
        needed: Approvals that it takes.
        approvals: Those that count, oldest first.
        ignored: Decisions that do not count, with the reasons.
        decided_at: When it was approved, denied, revoked or too late.
        end: The denial or revocation that ended it.
    """

    phase: Phase
    message: str
    needed: int = 0
    approvals: tuple[Decided, ...] = ()
    ignored: tuple[Ignored, ...] = ()
    decided_at: datetime | None = None
    end: Decided | None = None


def decide(request: Json, decisions: Iterable[Json], rights: Rights, now: datetime) -> Outcome:
    """Judge a held request by what people have said so far.

    What the warden's log says beside it, as that it was consumed, is not asked here.

    Args:
        request: The ApprovalRequest, whole.
        decisions: ApprovalDecisions of its namespace, whole; those about others are passed over.
        rights: What the cluster says now.
        now: The moment.
    """
    meta = request.get("metadata", {})
    try:
        status = ApprovalRequestStatus.model_validate(request.get("status", {}))
    except ValidationError:
        return Outcome("Denied", "the status breaks a rule of this version", decided_at=now)
    if status.phase not in OPEN:
        return Outcome(status.phase, status.message or f"it is {status.phase}")
    try:
        spec = ApprovalRequestSpec.model_validate(request.get("spec"))
        created = instant(str(meta.get("creationTimestamp", "")))
    except ValidationError as error:
        text = f"the request breaks a rule of this version: {first(error)}"
        return Outcome("Denied", text, decided_at=now)
    except ValueError as error:
        return Outcome("Denied", f"metadata.creationTimestamp: {error}", decided_at=now)
    held = Held(meta, spec, created, _expires(spec, created, rights.approvals))
    return _judged(held, [one for one in decisions if _names(one, held)], rights, now)


def approvers(decisions: Iterable[Json], request: str) -> set[str]:
    """User names of those whose right to approve a request must be asked about."""
    specs = (one["spec"] for one in decisions)
    return {one["approver"]["username"] for one in specs if one["request"]["name"] == request}


def report(outcome: Outcome) -> dict[str, Any]:
    """Return the status that tells of an outcome."""
    approvals = [
        {"decision": one.name, "approver": one.username, "time": spelled(one.created)}
        for one in outcome.approvals
    ]
    ignored = [{"decision": one.decision, "why": one.why[:_MESSAGE]} for one in outcome.ignored]
    decided = {"decidedAt": spelled(outcome.decided_at)} if outcome.decided_at else {}
    return {
        "phase": outcome.phase,
        "tally": f"{len(approvals)}/{outcome.needed}",
        "approvals": approvals[:_APPROVALS],
        "ignored": ignored[:_IGNORED],
        "message": outcome.message[:_MESSAGE],
        **decided,
    }


def _expires(spec: ApprovalRequestSpec, created: datetime, approvals: Approvals) -> datetime:
    """The first moment that is too late: the agreement bounds what the request says."""
    return min(instant(spec.expires_at), created + timedelta(minutes=approvals.expiry_minutes))


def _names(body: Json, held: Held) -> bool:
    return bool(body["spec"]["request"]["name"] == held.meta["name"])


def _judged(held: Held, decisions: list[Json], rights: Rights, now: datetime) -> Outcome:
    found = [read(body, held) for body in decisions]
    said = sorted((one for one in found if isinstance(one, Decided)), key=Decided.order)
    approvals, others = counted(said, rights)
    ignored = (*(one for one in found if isinstance(one, Ignored)), *others)
    takes = needed(held.spec, rights.approvals)

    def outcome(
        phase: Phase, message: str, at: datetime | None = None, end: Decided | None = None
    ) -> Outcome:
        return Outcome(phase, message, takes, approvals, ignored, at, end)

    if end := next((one for one in said if one.verdict != "Approve"), None):
        phase: Phase = "Denied" if end.verdict == "Deny" else "Revoked"
        why = f"{phase.lower()} by {end.username}: {end.justification}"
        return outcome(phase, why, end.created, end)
    if trouble := _trouble(held, rights):
        return outcome("Denied", trouble, now)
    if now >= held.expires:
        why = f"not let go before {spelled(held.expires)}, which denies it"
        return outcome("Expired", why, held.expires)
    latest = max([now, *(one.created for one in said)])
    if latest > now + CLOCK_TOLERANCE:
        return outcome("Pending", f"our clock is behind what was written at {spelled(latest)}")
    if len(approvals) < takes:
        return outcome("Pending", f"{len(approvals)} of {takes} approvals")
    return outcome("Approved", f"{takes} of {takes} approvals", approvals[takes - 1].created)


def _trouble(held: Held, rights: Rights) -> str:
    """Why the request is denied whatever people say, or nothing."""
    if rights.stopped:
        return rights.stopped
    if "deletionTimestamp" in held.meta:
        return "the request is being deleted"
    if held.meta.get("generation") != 1:
        return f"the request was edited: its generation is {held.meta.get('generation')}, not 1"
    if held.spec.agreement.digest != rights.agreement:
        return (
            f"UsageAgreement {held.spec.agreement.name} has changed: its terms are "
            f"{rights.agreement}, not {held.spec.agreement.digest}"
        )
    return ""
