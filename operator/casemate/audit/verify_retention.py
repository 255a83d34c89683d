"""Contents that are not there: deleted when their time was up, or missing too early.

How old a content is, the log's own records say: from the one that names it to the last one, less
what its clock was set by in between. So setting a clock ahead makes nothing old.
"""

from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import NamedTuple

from casemate.audit.entries import Place
from casemate.audit.fields import Agreement
from casemate.audit.findings import Findings
from casemate.audit.kinds import ClockJump, Record
from casemate.audit.times import milliseconds
from casemate.audit.verify_terms import Terms

MOST_MISSED = 50_000
"""Contents that may be missing and not old yet; further ones are told of at once."""
DAY_MS = 86_400_000
GRACE_MS = 60_000
"""A content is named by its last day before its record is written, which may be after midnight."""
_GONE = "the content is not in contents.jsonl"


class _Missing(NamedTuple):
    due: int
    """From when on it may be gone, on the log's clock as it would be had nobody set it."""
    at: int
    part: str
    days: int


@dataclass
class _Log:
    """What is missing of one log."""

    set_by: int = 0
    """By how much its clock was set so far, in ms."""
    last: str = ""
    waiting: list[_Missing] = field(default_factory=list)
    deleted: int = 0

    def now(self) -> int:
        """Time of the last record, had nobody set the clock."""
        return milliseconds(self.last) - self.set_by


class Retention:
    """Looks at every content that a record names and that is not there."""

    def __init__(self, terms: Terms, findings: Findings) -> None:
        """Know of none.

        Args:
            terms: Say for how long contents are kept.
            findings: Take what is missing too early.
        """
        self._terms, self._findings = terms, findings
        self._logs: dict[str, _Log] = {}
        self._unknown: dict[Place, tuple[str, int]] = {}
        """Which part of a record is missing, and when it was written; terms are not known yet."""

    def reached(self, pod: str, record: Record) -> None:
        """Take in the next record of a log."""
        log = self._logs.setdefault(pod, _Log())
        log.last = record.time
        if type(record) is ClockJump:
            log.set_by += record.milliseconds
        if log.waiting:
            self._settle(log)

    def missed(self, pod: str, at: int, part: str) -> None:
        """Take in that a content of the record that was just reached is not there."""
        if len(self._unknown) >= MOST_MISSED:
            self._tell(pod, at, part, f"{_GONE}, as {MOST_MISSED} others are not")
            return
        self._unknown[pod, at] = part, self._logs[pod].now()

    def under(self, place: Place, agreement: Agreement | None) -> None:
        """Say under which terms a record was written, whether a content of it is missing or not."""
        if place in self._unknown:
            spec = None if agreement is None else self._terms.agreement(agreement.digest)
            self._await(place, None if spec is None else spec.audit.retention_days)

    def end(self) -> None:
        """No record comes any more."""
        for place in list(self._unknown):
            # Nobody tells under which terms it was: then the longest time counts.
            self._await(place, self._terms.longest_retention())
        for pod, log in self._logs.items():
            for one in sorted(log.waiting, key=lambda each: each.at):
                told = (
                    f"{_GONE}, and its {one.days} days were not over at the log's end, {log.last}"
                )
                if log.set_by:
                    told += f", whose clock was set by {log.set_by} ms in all"
                self._tell(pod, one.at, one.part, told)
            if log.deleted:
                told = f"{log.deleted} contents were deleted by retention: their days were over"
                self._findings.note(pod, None, "contents.jsonl", told)

    def deleted(self, pod: str) -> int:
        """Return how many contents of a log are gone as their time was up."""
        log = self._logs.get(pod)
        return log.deleted if log else 0

    def _await(self, place: Place, days: int | None) -> None:
        (pod, at), (part, written) = place, self._unknown.pop(place)
        log = self._logs[pod]
        if days is None:
            self._tell(pod, at, part, f"{_GONE}; for how long it is kept is not known")
            return
        heappush(log.waiting, _Missing(written + days * DAY_MS - GRACE_MS, at, part, days))
        self._settle(log)
        if len(log.waiting) > MOST_MISSED:
            self._tell(pod, at, part, f"{_GONE}, as {MOST_MISSED} others are not")
            log.waiting = [one for one in log.waiting if one.at != at]

    def _settle(self, log: _Log) -> None:
        now = log.now()
        while log.waiting and log.waiting[0].due <= now:
            heappop(log.waiting)
            log.deleted += 1

    def _tell(self, pod: str, at: int, part: str, why: str) -> None:
        self._findings.incomplete(pod, at, f"{part}.sealed", why)
