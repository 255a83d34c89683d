"""Intents and their outcomes: one of each for the other, and nothing released without.

Logs are read side by side, in the order of time: a gateway takes whichever warden answers, so an
outcome may be in another log than its intent. What waits for its other half is all that is kept.
"""

from collections.abc import Iterable
from typing import NamedTuple

from casemate.audit.entries import Entry, Place, before, place
from casemate.audit.findings import Findings
from casemate.audit.kinds import Intent, Outcome
from casemate.audit.policy import Policy
from casemate.audit.verify_approvals import Approvals
from casemate.audit.verify_retention import Retention
from casemate.audit.verify_stops import Stops
from casemate.audit.verify_terms import Terms

MOST_OPEN = 50_000
"""Intents that may wait for their outcome; with more, the oldest are given up."""

MOST_ENDED = 50_000
"""Outcomes that are remembered, in case that one was recorded twice."""

_WHOLE = 200
"""Status of an answer that came to its end; one that broke off has no verdict on the whole."""


class _Open(NamedTuple):
    entry: Entry[Intent]
    stop: str
    """Why nothing may be released for it."""


class Pairs:
    """Every intent that waits for its outcome, and the few outcomes that were read too early."""

    def __init__(
        self,
        pods: Iterable[str],
        policy: Policy,
        *,
        stops: Stops,
        terms: Terms,
        approvals: Approvals,
        retention: Retention,
        findings: Findings,
    ) -> None:
        self._read = dict.fromkeys(pods, -1)
        """Index of the last record that was read, by log."""
        self._skew, self._findings = policy.skew_ms, findings
        self._stops, self._terms, self._approvals = stops, terms, approvals
        self._retention = retention
        self._open: dict[Place, _Open] = {}
        self._early: dict[Place, Entry[Outcome]] = {}
        self._ended: dict[Place, tuple[object, ...]] = {}
        """What became of the last intents."""
        self.intents = self.outcomes = self.unfinished = 0

    def reached(self, pod: str, index: int) -> None:
        """Say how far a log is read."""
        self._read[pod] = index

    def intent(self, entry: Entry[Intent]) -> None:
        """Take in an intent."""
        self.intents += 1
        self._terms.meet(entry)
        self._retention.under(entry.place, entry.record.agreement)
        if entry.record.verdict.verdict == "hold":
            self._approvals.held(entry)
        opened = _Open(entry, self._stops.reason(entry))
        early = self._early.pop(entry.place, None)
        if early is not None:
            self._pair(opened, early)
            return
        self._open[entry.place] = opened
        if len(self._open) > MOST_OPEN:
            oldest = self._open.pop(next(iter(self._open))).entry
            told = f"more than {MOST_OPEN} intents wait for an outcome: this one was given up"
            self._findings.incomplete(oldest.pod, oldest.at, "", told)

    def outcome(self, entry: Entry[Outcome]) -> None:
        """Take in an outcome."""
        wanted = place(entry.record.intent)
        said = _said(entry.record)
        if self._ended.get(wanted) == said:
            told = f"says again what became of {entry.record.intent}: its answer was lost"
            self._findings.note(entry.pod, entry.at, "intent", told)
            return
        self.outcomes += 1
        opened = self._open.pop(wanted, None)
        self._remember(wanted, said)
        if opened is not None:
            self._pair(opened, entry)
        elif wanted[0] not in self._read:
            told = f"{entry.record.intent} is in a log that the bundle has not"
            self._findings.incomplete(entry.pod, entry.at, "intent", told)
        elif wanted[1] <= self._read[wanted[0]] or wanted in self._early:
            told = f"{entry.record.intent} is no intent, or has its outcome"
            self._broken(entry, "intent", told)
        elif wanted[0] == entry.pod:
            self._broken(entry, "intent", f"{entry.record.intent} is not before it")
        else:
            self._early[wanted] = entry

    def _remember(self, intent: Place, said: tuple[object, ...]) -> None:
        self._ended.setdefault(intent, said)
        if len(self._ended) > MOST_ENDED:
            del self._ended[next(iter(self._ended))]

    def end(self) -> None:
        """No record comes any more."""
        for entry in self._early.values():
            told = f"{entry.record.intent} is behind the end of its log, which was cut"
            self._broken(entry, "intent", told)
        self.unfinished = len(self._open)
        for opened in self._open.values():
            told = "unfinished: no outcome was recorded; its gateway or its warden ended"
            self._findings.note(opened.entry.pod, opened.entry.at, "", told)

    def _pair(self, opened: _Open, outcome: Entry[Outcome]) -> None:
        intent, record = opened.entry, outcome.record
        self._retention.under(outcome.place, intent.record.agreement)
        if not before(intent, outcome, self._skew):
            self._broken(outcome, "time", f"is before that of its intent, {intent.record.time}")
        if record.response is None or not record.response.bytes:
            return
        if record.verdict is None and record.status == _WHOLE:
            self._broken(outcome, "verdict", "bytes were released that nothing judged")
        if intent.record.verdict.verdict == "refuse":
            self._broken(outcome, "response.bytes", "bytes were released for a refused intent")
        if opened.stop:
            self._broken(outcome, "response.bytes", f"bytes were released while {opened.stop}")
        self._terms.released(intent)
        if intent.record.verdict.verdict == "hold":
            self._approvals.released(intent, outcome)

    def _broken(self, entry: Entry[Outcome], field: str, why: str) -> None:
        self._findings.broken(entry.pod, entry.at, field, why)


def _said(outcome: Outcome) -> tuple[object, ...]:
    """What an outcome says beside the log's own stamp: sent again, it is the same."""
    left = outcome.response
    response = (left.sha256, left.bytes) if left else None
    return outcome.status, outcome.verdict, response, outcome.latency_ms, outcome.reason
