"""Alerts about held requests, and their part of the dashboard."""

from casemate.monitoring.expressions import summed
from casemate.monitoring.model import Alert, Group, Severity
from casemate.monitoring.panels import Panel, Query, Row
from casemate.monitoring.queries import quantiles, rate

_FAILED = "rate(casemate_warden_approval_passes_failed_total[$__rate_interval])"
_OLDEST = "casemate_warden_approval_oldest_seconds"

APPROVALS = Group(
    "casemate-approvals",
    (
        Alert(
            name="CasemateApprovalWaiting",
            severity=Severity.WARNING,
            expr=f"max({_OLDEST}) > 300",
            hold="1m",
            summary="A held request waits for people.",
            description="The oldest has waited for {{ $value | humanizeDuration }}. When its time"
            " is over it is denied.",
        ),
    ),
)
PEOPLE = Row(
    "Approvals",
    (
        Panel(
            "Waiting for people",
            "none",
            (Query("casemate_warden_approvals_pending", "{{pod}}"),),
        ),
        Panel("Oldest that waits", "s", (Query(_OLDEST, "{{pod}}"),)),
        Panel(
            "Time until people have decided",
            "s",
            quantiles("casemate_warden_approval_seconds", chosen=False),
        ),
        Panel(
            "Decisions",
            "cpm",
            (
                Query(
                    rate("casemate_warden_approval_decisions_total", "outcome", chosen=False),
                    "{{outcome}}",
                ),
            ),
            "`ignored` do not count: see the status of the request.",
        ),
        Panel(
            "Held and let go",
            "reqps",
            (
                Query(rate("casemate_warden_holds_total", "result", chosen=False), "{{result}}"),
                Query(
                    rate("casemate_warden_consumptions_total", "result", chosen=False),
                    "retry {{result}}",
                ),
                Query(
                    rate("casemate_warden_approval_reviews_total", "result", chosen=False),
                    "reading {{result}}",
                ),
            ),
        ),
        Panel(
            "Rounds that failed",
            "reqps",
            (Query(summed(_FAILED, "pod"), "{{pod}}"),),
            "While they do, a status is late; nothing is let go by it.",
        ),
    ),
)
