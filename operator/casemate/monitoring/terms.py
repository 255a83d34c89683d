"""Alerts about terms that end: people need the time to act."""

from casemate.monitoring.expressions import days, soon
from casemate.monitoring.model import Alert, Group, Severity

_DEADLINE = "max by (supplier) (casemate_supplier_deadline_timestamp_seconds)"
_BEHIND = "max by (supplier) (casemate_supplier_deployments) > 0"
_END = "max by (agreement) (casemate_agreement_end_timestamp_seconds)"
_STOP = "max by (agreement) (casemate_agreement_wind_down_end_timestamp_seconds)"
_USED = "max by (agreement) (casemate_agreement_replicas_used) > 0"

TERMS = Group(
    "casemate-terms",
    (
        Alert(
            name="CasemateSupplierDeadlineNear",
            severity=Severity.WARNING,
            expr=f"({soon(_DEADLINE, days(14))}) and {_BEHIND}",
            summary="Models of supplier {{ $labels.supplier }} must stop within two weeks.",
            description="They stop in {{ $value | humanizeDuration }}, and deployments still use"
            " them.",
        ),
        Alert(
            name="CasemateSupplierDeadlineImminent",
            severity=Severity.CRITICAL,
            expr=f"({soon(_DEADLINE, days(2))}) and {_BEHIND}",
            summary="Models of supplier {{ $labels.supplier }} stop within two days.",
            description="They stop in {{ $value | humanizeDuration }}, and deployments still use"
            " them.",
        ),
        Alert(
            name="CasemateAgreementEndNear",
            severity=Severity.WARNING,
            expr=f"({soon(_END, days(30))}) and {_USED}",
            summary="UsageAgreement {{ $labels.agreement }} ends within 30 days.",
            description="Its term ends in {{ $value | humanizeDuration }}, and deployments run"
            " under it.",
        ),
        Alert(
            name="CasemateAgreementStopNear",
            severity=Severity.CRITICAL,
            expr=f"({soon(_STOP, days(3))}) and {_USED}",
            summary="What runs under UsageAgreement {{ $labels.agreement }} stops within three"
            " days.",
            description="Term and wind-down end in {{ $value | humanizeDuration }}; then all pods"
            " under it are stopped.",
        ),
    ),
)
