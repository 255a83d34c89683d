"""The inspector's checks over an exported bundle: offline, one pass, memory that stays flat."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from casemate.audit.bundle import MANIFEST, POLICY, Bundle, agreement_file, record_file, whole
from casemate.audit.entries import Entry
from casemate.audit.findings import Findings, Verdict
from casemate.audit.kinds import Record
from casemate.audit.policy import Policy
from casemate.audit.verify_approvals import Approvals
from casemate.audit.verify_heads import Head
from casemate.audit.verify_log import LogCheck
from casemate.audit.verify_pairs import Pairs
from casemate.audit.verify_retention import Retention
from casemate.audit.verify_stops import Stops
from casemate.audit.verify_terms import Terms
from casemate.audit.verify_witness import Witnesses


@dataclass(frozen=True, slots=True)
class LogReport:
    """What one log is.

    Attributes:
        pod: Whose it is.
        origin: Its name in checkpoints.
        size: Records.
        root: Over all of them, in hexadecimal.
        checkpoint: The last signed note; empty: there is none.
        first: Time of the first record.
        last: Time of the last record.
        boots: Starts of the process.
        witnesses: Who signed the last checkpoint, without the log's own replica.
        contents: Sealed contents that are as they were recorded.
        deleted: Sealed contents that are gone, as their time was up.
    """

    pod: str
    origin: str
    size: int
    root: str
    checkpoint: str
    first: str
    last: str
    boots: int
    witnesses: tuple[str, ...]
    contents: int
    deleted: int


@dataclass(frozen=True, slots=True)
class Report:
    """What an inspection found.

    Attributes:
        findings: All of them.
        logs: Each log.
        intents: Requests.
        outcomes: What became of them.
        unfinished: Intents without outcome.
        approvals: Approvals that were consumed.
        policy: That of the inspector, with the keys that took over.
    """

    findings: Findings
    logs: tuple[LogReport, ...]
    intents: int
    outcomes: int
    unfinished: int
    approvals: int
    policy: Policy

    @property
    def verdict(self) -> Verdict:
        """On the bundle as a whole."""
        return self.findings.verdict


class Inspection:
    """One bundle under one policy."""

    def __init__(self, bundle: Bundle, policy: Policy | None, since: Sequence[Head] = ()) -> None:
        """Prepare.

        Args:
            bundle: The bundle.
            policy: Whom the inspector believes; None: nobody but the bundle itself.
            since: Checkpoints that the inspector has from earlier.
        """
        self._bundle, self._given, self._since = bundle, policy, since
        self._policy = policy or bundle.policy
        self._findings = findings = Findings()
        self._witnesses = Witnesses(self._policy, findings)
        self._stops, self._terms = (
            Stops(self._policy, findings),
            Terms(bundle, self._policy, findings),
        )
        self._retention = Retention(self._terms, findings)
        self._logs = [
            LogCheck(bundle, pod, self._retention, findings) for pod in bundle.manifest.logs
        ]
        self._approvals = Approvals(self._policy, self._terms, findings)
        self._pairs = Pairs(
            bundle.manifest.logs,
            self._policy,
            stops=self._stops,
            terms=self._terms,
            approvals=self._approvals,
            retention=self._retention,
            findings=findings,
        )
        self._of: dict[str, Any] = {
            "intent": self._pairs.intent,
            "outcome": self._pairs.outcome,
            "approval-requested": self._approvals.requested,
            "approval-decided": self._approvals.decided,
            "approval-consumed": self._approvals.spent,
            "approval-expired": self._approvals.ended,
            "approval-revoked": self._approvals.ended,
            "kill": self._stops.kill,
            "lift": self._stops.lift,
            "supplier-standing": self._stops.standing,
        }

    def run(self) -> Report:
        """Read everything once.

        Raises:
            BundleError: A file cannot be read at all.
        """
        self._files()
        for log in self._logs:
            self._witnesses.follow(log.witness)
        merged = heapq.merge(
            *(log.entries(self._witnesses, self._older(log.pod)) for log in self._logs), key=_time
        )
        for entry in merged:
            self._pairs.reached(entry.pod, entry.at)
            meet = self._of.get(entry.record.kind)
            if meet is not None:
                meet(entry)
        for part in (self._pairs, self._approvals, self._stops, self._retention):
            part.end()
        reports = tuple(self._report(log) for log in self._logs)
        self._trusted()
        pairs = self._pairs
        return Report(
            self._findings, reports, pairs.intents, pairs.outcomes, pairs.unfinished,
            self._approvals.consumed, self._followed(),
        )  # fmt: skip

    def _older(self, pod: str) -> list[Head]:
        return [one for one in self._since if one.checkpoint.origin.rpartition("/")[2] == pod]

    def _files(self) -> None:
        """Look at the files that are no log's."""
        known, there = self._bundle.files(), self._bundle.source.names()
        for pod in self._bundle.manifest.logs:
            if record_file(pod) not in there:
                self._findings.broken("", None, MANIFEST, f"logs: {record_file(pod)} is missing")
        for name in sorted(there):
            if name in known:
                continue
            if not name.startswith("agreements/"):
                self._findings.incomplete("", None, name, "no such file is known: not looked at")
            elif agreement_file(sha256(whole(self._bundle.source, name)).hexdigest()) != name:
                self._findings.broken("", None, name, "its SHA-256 is not its name")

    def _report(self, log: LogCheck) -> LogReport:
        seen: list[str] = []
        head = log.heads.last if log.heads else None
        if log.heads is None or head is None:
            self._findings.broken(log.pod, None, "", "no checkpoint: nothing of it is signed")
        else:
            log.heads.settle()
            seen = self._witnesses.enough(
                log.keys, head.note, log.heads.tail(log.size, log.order.latest)
            )
        if not log.keys.known(self._policy.logs):
            told = "no key that you trust is this log's"
            self._findings.broken(log.pod, None, "keys.log", told)
        note = str(head.note) if head else ""
        return LogReport(
            log.pod, log.keys.name, log.size, log.root.hex(), note, log.order.first,
            log.order.latest, log.order.boots, tuple(seen), log.contents,
            self._retention.deleted(log.pod),
        )  # fmt: skip

    def _followed(self) -> Policy:
        logs, witnesses = self._policy.logs, self._policy.witnesses
        for log in self._logs:
            logs, witnesses = log.keys.followed(logs), log.witness.followed(witnesses)
        return self._policy.model_copy(update={"logs": logs, "witnesses": witnesses})

    def _trusted(self) -> None:
        """Look what the policy expects, and what it leaves open."""
        there = {log.keys.name for log in self._logs}
        for name in sorted({key.name for key in self._policy.trust().logs} - there):
            self._findings.incomplete("", None, "logs", f"the log {name} is not in the bundle")
        for one in self._since:
            if one.checkpoint.origin not in there:
                told = f"you brought a checkpoint of {one.checkpoint.origin}, which is missing"
                self._findings.broken("", None, "logs", told)
        if self._given is None:
            told = (
                "no policy was given: its keys are what the bundle says itself, and prove nothing"
            )
            self._findings.incomplete("", None, POLICY, told)
        elif self._given != self._bundle.policy:
            self._findings.note("", None, POLICY, "the bundle says otherwise than your policy")
        if not self._policy.quorum:
            told = "no witness is asked for: a log's own key could have written it anew"
            self._findings.note("", None, "quorum", told)


def verify(bundle: Bundle, policy: Policy | None = None, since: Sequence[Head] = ()) -> Report:
    """Inspect a bundle.

    Args:
        bundle: The bundle.
        policy: Whom the inspector believes; None: nobody but the bundle, which is never enough.
        since: Checkpoints that the inspector has from earlier: each log must begin with them.

    Raises:
        BundleError: A file cannot be read at all.
    """
    return Inspection(bundle, policy, since).run()


def _time(entry: Entry[Record]) -> str:
    return entry.record.time
