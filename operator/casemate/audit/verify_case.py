"""One approval: what was asked, who decided, and whether its consumption rests on that."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from casemate.audit.entries import Entry, before
from casemate.audit.findings import Findings
from casemate.audit.kinds import (
    ApprovalConsumed,
    ApprovalDecided,
    ApprovalExpired,
    ApprovalRequested,
    ApprovalRevoked,
)
from casemate.audit.times import milliseconds
from casemate.audit.verify_stops import same
from casemate.audit.verify_terms import Terms

_MINUTE_MS = 60_000
_SYSTEM = "system:"
"""Names of service accounts, nodes and the like: no person has one."""

_FORCE = "use-of-force"
_FORCE_LEAST = 2
"""People that every use of force needs, whatever an agreement says."""


@dataclass(slots=True)
class Case:
    """All records about one approval."""

    requested: Entry[ApprovalRequested] | None = None
    decided: list[Entry[ApprovalDecided]] = field(default_factory=list)
    consumed: list[Entry[ApprovalConsumed]] = field(default_factory=list)
    ended: list[Entry[ApprovalExpired] | Entry[ApprovalRevoked]] = field(default_factory=list)


class CaseCheck:
    """Looks at approvals one by one."""

    def __init__(self, terms: Terms, skew_ms: int, findings: Findings) -> None:
        self._terms, self._skew, self._findings = terms, skew_ms, findings

    def run(self, case: Case) -> None:
        """Look at all that was recorded of an approval."""
        if case.requested is not None:
            for name, why in self._asked(case.requested):
                self._findings.broken(case.requested.pod, case.requested.at, name, why)
        for number, spent in enumerate(case.consumed):
            if number:
                self._findings.broken(spent.pod, spent.at, "approval", "was consumed before")
            for name, why in self._spent(case, spent):
                self._findings.broken(spent.pod, spent.at, name, why)

    def _asked(self, asked: Entry[ApprovalRequested]) -> Iterator[tuple[str, str]]:
        record = asked.record
        terms = self._terms.agreement(record.agreement.digest)
        if terms is None:
            return
        if record.quorum < terms.approvals.quorum:
            yield (
                "quorum",
                f"{record.quorum} people; the agreement asks for {terms.approvals.quorum}",
            )
        most = terms.approvals.expiry_minutes * _MINUTE_MS
        if milliseconds(record.expires) > milliseconds(record.time) + most + self._skew:
            yield "expires", f"is more than {terms.approvals.expiry_minutes} minutes away"

    def _spent(self, case: Case, spent: Entry[ApprovalConsumed]) -> Iterator[tuple[str, str]]:
        record, asked = spent.record, case.requested
        if asked is None:
            yield "approval", "was never requested, or had come to an end"
            return
        if record.approval != asked.record.approval:
            yield "approval", "has another name than when it was requested"
        if record.digest != asked.record.digest:
            yield "digest", "is not the one that was asked about"
        if record.caller != asked.record.requester:
            yield "caller", "is not who asked"
        if not before(asked, spent, self._skew):
            yield "approval", "was consumed before it was requested"
        if milliseconds(record.time) > milliseconds(asked.record.expires) + self._skew:
            yield "time", f"is after its expiry, {asked.record.expires}"
        if any(before(one, spent, 0) for one in case.ended):
            yield "approval", "had expired or had been revoked"
        if any(one.record.verdict == "deny" and before(one, spent, 0) for one in case.decided):
            yield "approval", "had been denied, which is final"
        yield from self._quorum(case, asked, spent)

    def _quorum(
        self, case: Case, asked: Entry[ApprovalRequested], spent: Entry[ApprovalConsumed]
    ) -> Iterator[tuple[str, str]]:
        people: list[ApprovalDecided] = []
        for name in spent.record.approvers:
            decision = self._decision(case, name, spent)
            if decision is None:
                yield "approvers", f"{name} had not approved of it"
            elif same(decision.record.approver, asked.record.requester):
                yield "approvers", f"{name} is the requester"
            elif name.casefold().startswith(_SYSTEM):
                yield "approvers", f"{name} is no person"
            elif not any(same(decision.record.approver, one.approver) for one in people):
                people.append(decision.record)
        terms = self._terms.agreement(asked.record.agreement.digest)
        agreed = terms.approvals.quorum if terms else 0
        least = _FORCE_LEAST if asked.record.line == _FORCE else 1
        needed = max(asked.record.quorum, agreed, least)
        if len(people) < needed:
            yield "approvers", f"{len(people)} distinct people approved; {needed} must"

    def _decision(
        self, case: Case, name: str, spent: Entry[ApprovalConsumed]
    ) -> Entry[ApprovalDecided] | None:
        """Return somebody's approval of the same bytes, made before it was consumed."""
        for one in case.decided:
            record = one.record
            if (record.verdict, record.approver.username) != ("approve", name):
                continue
            if record.digest == spent.record.digest and before(one, spent, self._skew):
                return one
        return None
