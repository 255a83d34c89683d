"""What an inspection found, for people and as JSON."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from casemate.audit.findings import Severity
from casemate.audit.verify import LogReport, Report
from casemate.cli.printable import printable


def plain(report: Report) -> dict[str, Any]:
    """Return a report as JSON values."""
    counts = report.findings.counts
    return {
        "verdict": report.verdict.value,
        "counts": {one.value: counts[one] for one in Severity},
        "findings": report.findings.plain(),
        "logs": [asdict(log) for log in report.logs],
        "intents": report.intents,
        "outcomes": report.outcomes,
        "unfinished": report.unfinished,
        "approvals": report.approvals,
    }


def told(report: Report) -> Iterator[str]:
    """Yield a report's lines."""
    for log in report.logs:
        yield from map(printable, _log(log))
    yield (
        f"{report.intents} intents, {report.outcomes} outcomes, {report.unfinished} unfinished, "
        f"{report.approvals} approvals consumed"
    )
    for one in report.findings.sorted():
        yield printable(f"{one.severity}: {one.where()}: {one.why}")
    counts = report.findings.counts
    left = sum(counts.values()) - len(report.findings.kept)
    if left:
        yield f"and {left} further findings"
    tally = ", ".join(f"{counts[one]} {one}" for one in Severity)
    yield f"verdict: {report.verdict} ({tally})"


def _log(log: LogReport) -> Iterator[str]:
    yield f"{log.pod}: {log.size} records, {log.boots} starts, {log.first} to {log.last}"
    yield f"  origin {log.origin}, root {log.root}"
    yield f"  last checkpoint seen by {', '.join(log.witnesses) or 'no witness'}"
    if log.contents:
        yield f"  {log.contents} sealed contents as recorded"
    if log.deleted:
        yield f"  {log.deleted} sealed contents deleted by retention"
