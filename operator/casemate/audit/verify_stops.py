"""What forbade an intent when it was recorded: a kill switch, or a supplier that is blocked."""

import unicodedata
from typing import NamedTuple

from casemate.audit.entries import Entry
from casemate.audit.fields import Person, Scope
from casemate.audit.findings import Findings
from casemate.audit.kinds import Intent, Kill, Lift, SupplierStanding
from casemate.audit.policy import Policy
from casemate.audit.times import milliseconds

KILL_MS = 2000
"""Within how long a kill switch stops everything, in ms."""
BLOCKED_MS = 120_000
"""How long pods of a supplier may take to end once it is blocked, in ms."""


class _Switch(NamedTuple):
    pod: str
    name: str
    scope: Scope
    by: Person | None
    time: int


class Stops:
    """What is stopped at the moment, over all logs."""

    def __init__(self, policy: Policy, findings: Findings) -> None:
        self._skew, self._findings = policy.skew_ms, findings
        self._killed: dict[str, _Switch] = {}
        self._lifted: dict[str, Entry[Lift]] = {}
        self._blocked: dict[str, int] = {}

    def kill(self, entry: Entry[Kill]) -> None:
        """A replica began to deny."""
        record = entry.record
        time = milliseconds(record.time)
        switch = _Switch(entry.pod, record.switch.name, record.scope, record.by, time)
        self._killed.setdefault(record.switch.uid, switch)

    def lift(self, entry: Entry[Lift]) -> None:
        """A replica ceased to deny."""
        uid = entry.record.switch.uid
        known = self._lifted.get(uid)
        # Of several replicas, one that saw who lifted it tells more than one that was away.
        if known is None or known.record.by is None:
            self._lifted[uid] = entry

    def standing(self, entry: Entry[SupplierStanding]) -> None:
        """A supplier's standing changed."""
        record = entry.record
        if record.standing == "Blocked":
            self._blocked.setdefault(record.supplier, milliseconds(record.time))
        else:
            self._blocked.pop(record.supplier, None)

    def reason(self, entry: Entry[Intent]) -> str:
        """Return why nothing may be released for an intent, or nothing."""
        if not self._killed and not self._blocked:
            return ""
        intent = entry.record
        time = milliseconds(intent.time)
        blocked = self._blocked.get(intent.supplier or "")
        if blocked is not None and time > blocked + BLOCKED_MS:
            return f"supplier {intent.supplier} was blocked"
        for uid, one in self._killed.items():
            late = one.time + KILL_MS + (0 if one.pod == entry.pod else self._skew)
            if uid not in self._lifted and time > late and _covers(one.scope, intent):
                return f"kill switch {one.name} was on"
        return ""

    def end(self) -> None:
        """Look who lifted what."""
        for uid, entry in self._lifted.items():
            switch, by = self._killed.get(uid), entry.record.by
            if switch is None:
                self._broken(entry, "switch", "no log says that it was ever on")
            elif by is None:
                why = "no log says who lifted it"
                self._findings.incomplete(entry.pod, entry.at, "by", why)
            elif switch.by is not None and same(switch.by, by):
                self._broken(entry, "by", f"{by.username} lifted a switch of their own")

    def _broken(self, entry: Entry[Lift], field: str, why: str) -> None:
        self._findings.broken(entry.pod, entry.at, field, why)


def same(one: Person, other: Person) -> bool:
    """Whether two may be one person: by UID, or by names that differ in case or form at most."""
    return bool(one.uid and one.uid == other.uid) or _folded(one) == _folded(other)


def _folded(person: Person) -> str:
    return unicodedata.normalize("NFKC", person.username).casefold()


def _covers(scope: Scope, intent: Intent) -> bool:
    if scope.kind == "agreement":
        return intent.agreement is None or intent.agreement.name == scope.name
    deployment = intent.deployment
    return scope.kind == "all" or (deployment.namespace, deployment.name) == (
        scope.namespace,
        scope.name,
    )
