"""What an intent says that it was under: agreements and bundles that are known, terms in force."""

from datetime import datetime, timedelta

from pydantic import ValidationError

from casemate.api.agreement import UsageAgreementSpec
from casemate.audit.bundle import Bundle, BundleError, agreement_file, whole
from casemate.audit.entries import Entry
from casemate.audit.findings import Findings
from casemate.audit.kinds import Intent
from casemate.audit.policy import Policy
from casemate.audit.times import milliseconds

GRACE_MS = 120_000
"""How long pods may take to end once the terms do, in ms."""


class Terms:
    """Agreements by digest, read when an intent first names them."""

    def __init__(self, bundle: Bundle, policy: Policy, findings: Findings) -> None:
        self._bundle, self._policy, self._findings = bundle, policy, findings
        self._known: dict[str, UsageAgreementSpec | None] = {}
        self._windows: dict[str, tuple[int, int]] = {}
        self._judges: set[str] = set()

    def meet(self, entry: Entry[Intent]) -> None:
        """Look at the digests that an intent names."""
        agreement, judge = entry.record.agreement, entry.record.guard.bundle
        if agreement is not None and agreement.digest not in self._known:
            self._known[agreement.digest] = self._read(entry, agreement.digest)
        if judge not in self._judges:
            self._judges.add(judge)
            self._judge(entry, judge)

    def released(self, entry: Entry[Intent]) -> None:
        """Look whether something might be released under the terms that an intent names."""
        agreement = entry.record.agreement
        if agreement is None:
            self._broken(entry, "agreement", "bytes were released under no agreement")
            return
        window = self._windows.get(agreement.digest)
        if window is not None and not window[0] <= milliseconds(entry.record.time) <= window[1]:
            told = f"bytes were released when agreement {agreement.name} was not in force"
            self._broken(entry, "time", told)

    def agreement(self, digest: str) -> UsageAgreementSpec | None:
        """Return the terms; None: they are not in the bundle, or cannot be read."""
        return self._known.get(digest)

    def longest_retention(self) -> int | None:
        """Return the most days for which any of the terms keeps contents; None: none is known."""
        known = (one.audit.retention_days for one in self._known.values() if one is not None)
        return max(known, default=None)

    def _read(self, entry: Entry[Intent], digest: str) -> UsageAgreementSpec | None:
        if self._policy.agreements is not None and digest not in self._policy.agreements:
            self._broken(entry, "agreement.digest", f"{digest} is not one that you know")
        name = agreement_file(digest)
        try:
            raw = whole(self._bundle.source, name)
            found = UsageAgreementSpec.model_validate_json(raw)
        except (BundleError, ValidationError) as error:
            told = f"terms that cannot be read: {str(error).splitlines()[0]}"
            self._findings.incomplete(entry.pod, entry.at, "agreement.digest", told)
            return None
        self._windows[digest] = _window(found)
        return found

    def _judge(self, entry: Entry[Intent], digest: str) -> None:
        pinned = self._policy.guard_bundles
        if pinned is not None and digest not in pinned:
            self._broken(entry, "guard.bundle", f"{digest} is not one that you know")
        if digest not in self._bundle.manifest.guard_bundles:
            told = f"{digest} is not among those that the evidence names"
            self._findings.incomplete(entry.pod, entry.at, "guard.bundle", told)

    def _broken(self, entry: Entry[Intent], field: str, why: str) -> None:
        self._findings.broken(entry.pod, entry.at, field, why)


def _window(terms: UsageAgreementSpec) -> tuple[int, int]:
    """Return from when to when something may be released, in ms since 1970."""
    start, end = (datetime.fromisoformat(one) for one in (terms.term.start, terms.term.end))
    last = end + timedelta(days=terms.term.wind_down_days)
    return int(start.timestamp()) * 1000, int(last.timestamp()) * 1000 + GRACE_MS
