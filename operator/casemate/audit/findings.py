"""What an inspection found: where, how bad, and the verdict that follows."""

from collections import Counter
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

MOST = 1000
"""Findings of each severity that are kept one by one; further ones are counted."""


class Severity(StrEnum):
    """What a finding means for the evidence."""

    BROKEN = "broken"
    """Something is not as it was written, or what was written breaks the rules."""
    INCOMPLETE = "incomplete"
    """Something that is needed for a proof is not there."""
    NOTE = "note"
    """An inspector should know; the evidence is as good with it."""


class Verdict(StrEnum):
    """On a bundle as a whole."""

    INTACT = "intact"
    BROKEN = "broken"
    INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found.

    Attributes:
        severity: How bad it is.
        log: Name of the pod whose log it is in; empty: the bundle as a whole.
        index: Of the record; None: the log as a whole.
        field: Of the record, or the file of the bundle.
        why: What is wrong.
        until: First index behind the records that are meant, where it is not one alone.
    """

    severity: Severity
    log: str
    index: int | None
    field: str
    why: str
    until: int | None = None

    def where(self) -> str:
        """Return the place: `LOG/INDEX field`."""
        span = "" if self.until is None else f"..{self.until - 1}"
        at = self.log if self.index is None else f"{self.log}/{self.index}{span}"
        return " ".join(part for part in (at, self.field) if part) or "bundle"


class Findings:
    """Collects, within bounds: a bundle that is all wrong must not fill the memory."""

    def __init__(self, most: int = MOST) -> None:
        self.kept: list[Finding] = []
        self.counts: Counter[Severity] = Counter()
        self._most = most

    def add(self, finding: Finding) -> None:
        """Take in a finding."""
        self.counts[finding.severity] += 1
        if self.counts[finding.severity] <= self._most:
            self.kept.append(finding)

    def broken(
        self, log: str, index: int | None, field: str, why: str, until: int | None = None
    ) -> None:
        """Take in what breaks the evidence."""
        self.add(Finding(Severity.BROKEN, log, index, field, why, until))

    def incomplete(
        self, log: str, index: int | None, field: str, why: str, until: int | None = None
    ) -> None:
        """Take in what is missing."""
        self.add(Finding(Severity.INCOMPLETE, log, index, field, why, until))

    def note(self, log: str, index: int | None, field: str, why: str) -> None:
        """Take in what an inspector should know."""
        self.add(Finding(Severity.NOTE, log, index, field, why))

    @property
    def verdict(self) -> Verdict:
        """On all that was found."""
        if self.counts[Severity.BROKEN]:
            return Verdict.BROKEN
        return Verdict.INCOMPLETE if self.counts[Severity.INCOMPLETE] else Verdict.INTACT

    def sorted(self) -> list[Finding]:
        """Return what was kept, the worst first."""
        order = list(Severity)
        return sorted(self.kept, key=lambda one: order.index(one.severity))

    def plain(self) -> list[dict[str, Any]]:
        """Return what was kept, as JSON values, the worst first."""
        return [asdict(one) for one in self.sorted()]
