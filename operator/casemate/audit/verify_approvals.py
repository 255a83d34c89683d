"""Held requests: a quorum of people, none of them the requester, decided before anything happened.

What is looked at record by record is where requests and consumptions point; whether each
consumption rests on its decisions is looked at in the end, over all logs.
"""

from typing import NamedTuple

from casemate.audit.entries import Entry, Place, before, place
from casemate.audit.findings import Findings
from casemate.audit.kinds import (
    ApprovalConsumed,
    ApprovalDecided,
    ApprovalExpired,
    ApprovalRequested,
    ApprovalRevoked,
    Intent,
    Outcome,
)
from casemate.audit.policy import Policy
from casemate.audit.verify_case import Case, CaseCheck
from casemate.audit.verify_terms import Terms

MOST_HELD = 5000
"""Held intents that are remembered: requests and consumptions follow them within seconds."""
Pointing = Entry[ApprovalRequested] | Entry[ApprovalConsumed]


class _Released(NamedTuple):
    intent: Entry[Intent]
    outcome: Entry[Outcome]


class Approvals:
    """All approvals that anybody decided about."""

    def __init__(self, policy: Policy, terms: Terms, findings: Findings) -> None:
        self._skew, self._terms, self._findings = policy.skew_ms, terms, findings
        self._cases: dict[str, Case] = {}
        self._held: dict[Place, Entry[Intent]] = {}
        self._forgot = False
        self._early: dict[Place, list[Pointing]] = {}
        self._spent: dict[Place, Entry[ApprovalConsumed]] = {}
        self._released: list[_Released] = []
        self.consumed = 0

    def held(self, entry: Entry[Intent]) -> None:
        """An intent is held."""
        self._held[entry.place] = entry
        if len(self._held) > MOST_HELD:
            del self._held[next(iter(self._held))]
            self._forgot = True
        for one in self._early.pop(entry.place, ()):
            self._points(one, entry)

    def requested(self, entry: Entry[ApprovalRequested]) -> None:
        """People are asked."""
        case = self._case(entry.record.approval.uid)
        if case.requested is not None:
            self._broken(entry, "approval.uid", "was requested before")
            return
        case.requested = entry
        self._follow(entry)

    def decided(self, entry: Entry[ApprovalDecided]) -> None:
        """Somebody decided."""
        self._case(entry.record.approval.uid).decided.append(entry)

    def spent(self, entry: Entry[ApprovalConsumed]) -> None:
        """An approval was consumed."""
        self.consumed += 1
        self._case(entry.record.approval.uid).consumed.append(entry)
        wanted = place(entry.record.intent)
        if wanted in self._spent:
            self._broken(entry, "intent", f"{entry.record.intent} has consumed another one")
        self._spent.setdefault(wanted, entry)
        self._follow(entry)

    def ended(self, entry: Entry[ApprovalExpired] | Entry[ApprovalRevoked]) -> None:
        """An approval expired or was revoked."""
        uid = entry.record.approval.uid
        case = self._cases.get(uid)
        if case is None:
            return
        case.ended.append(entry)
        if not case.decided and not case.consumed:
            # Anybody can have requests held, so what came to nothing must not be kept for ever.
            del self._cases[uid]

    def released(self, intent: Entry[Intent], outcome: Entry[Outcome]) -> None:
        """Bytes of an answer to a held intent left."""
        self._released.append(_Released(intent, outcome))

    def end(self) -> None:
        """No record comes any more."""
        for pointing in self._early.values():
            for entry in pointing:
                self._nowhere(entry)
        check = CaseCheck(self._terms, self._skew, self._findings)
        for case in self._cases.values():
            check.run(case)
        for one in self._released:
            self._rests(one)

    def _case(self, uid: str) -> Case:
        return self._cases.setdefault(uid, Case())

    def _follow(self, entry: Pointing) -> None:
        wanted = place(entry.record.intent)
        intent = self._held.get(wanted)
        if intent is None:
            self._early.setdefault(wanted, []).append(entry)
        else:
            self._points(entry, intent)

    def _points(self, entry: Pointing, intent: Entry[Intent]) -> None:
        record, held = entry.record, intent.record
        pairs: tuple[tuple[str, object, object], ...]
        if isinstance(record, ApprovalConsumed):
            pairs = (
                ("caller", record.caller, held.caller),
                ("approval", record.approval, held.approval),
            )
        else:
            pairs = (
                ("requester", record.requester, held.caller),
                ("deployment", record.deployment, held.deployment),
                ("agreement", record.agreement, held.agreement),
                ("line", record.line, held.verdict.line),
            )
        for field, said, wanted in pairs:
            if said != wanted:
                self._broken(entry, field, f"is not that of the intent {record.intent}")
        if not before(intent, entry, self._skew):
            self._broken(entry, "intent", f"{record.intent} is not before it")

    def _nowhere(self, entry: Pointing) -> None:
        told = f"{entry.record.intent} is no held intent"
        if self._forgot:
            told += f", or was one of more than {MOST_HELD}"
            self._findings.incomplete(entry.pod, entry.at, "intent", told)
        else:
            self._broken(entry, "intent", told)

    def _rests(self, released: _Released) -> None:
        """Look whether a consumption stands between an intent and what was released for it."""
        intent, outcome = released
        spent = self._spent.get(intent.place)
        if spent is None:
            told = "bytes were released for a held intent, and no approval was consumed for it"
            self._broken(outcome, "response.bytes", told)
            return
        if not before(spent, outcome, self._skew):
            told = f"its approval was consumed afterwards, at {spent.pod}/{spent.at}"
            self._broken(outcome, "response.bytes", told)
        request = self._cases[spent.record.approval.uid].requested
        if request is None:
            return
        asked, given = request.record, intent.record
        if asked.deployment != given.deployment or asked.agreement != given.agreement:
            told = "the approval was for another deployment or other terms"
            self._broken(outcome, "intent", told)

    def _broken(
        self, entry: Pointing | Entry[Outcome] | Entry[ApprovalRequested], field: str, why: str
    ) -> None:
        self._findings.broken(entry.pod, entry.at, field, why)
