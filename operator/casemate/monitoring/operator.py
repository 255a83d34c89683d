"""Alerts about the operator, and about deployments that do not come to what they ask for."""

from casemate.api.conditions import ConditionType
from casemate.monitoring.expressions import DEPLOYMENT, LEADS, condition, summed
from casemate.monitoring.model import Alert, Group, Severity

_STUCK_SECONDS = 120
"""Less than half of what lets the liveness probe fail: the alert comes before the restart."""

_ERRORS = 'rate(casemate_reconcile_errors_total{kind=~"transient|bug"}[10m])'
_FAILED = summed(_ERRORS)
_PASSES = summed("rate(casemate_reconcile_total[10m])")

OPERATOR = Group(
    "casemate-operator",
    (
        Alert(
            name="CasemateOperatorAbsent",
            severity=Severity.CRITICAL,
            expr="absent(casemate_build_info)",
            hold="5m",
            summary="The Casemate operator is gone, or is not scraped.",
            description="No replica of the operator has been scraped for 5 minutes. Models go on"
            " serving, but nothing is deployed, repaired, stopped or certified.",
        ),
        Alert(
            name="CasemateOperatorNotLeading",
            severity=Severity.CRITICAL,
            expr="max(casemate_leader) == 0",
            hold="2m",
            summary="No replica of the Casemate operator leads.",
            description="Replicas run, and none has held the Lease for 2 minutes. Nothing is"
            " deployed, repaired, stopped or certified.",
        ),
        Alert(
            name="CasemateReconcileErrors",
            severity=Severity.WARNING,
            expr=f"{_FAILED} / ({_PASSES} + {_FAILED}) > 0.2",
            hold="10m",
            summary="Many passes of the Casemate operator fail.",
            description="{{ $value | humanizePercentage }} of passes over ModelDeployments failed"
            " in the last 10 minutes.",
        ),
        Alert(
            name="CasemateReconcileBug",
            severity=Severity.WARNING,
            expr=summed('increase(casemate_reconcile_errors_total{kind="bug"}[15m])') + " > 0",
            summary="A pass of the Casemate operator failed by its own fault.",
            description="The log has a trace of each; the pass is tried again with back-off.",
        ),
        Alert(
            name="CasemateReconcileStuck",
            severity=Severity.WARNING,
            expr=f"casemate_queue_age_seconds > {_STUCK_SECONDS} and {LEADS}",
            hold="1m",
            summary="The Casemate operator stands still.",
            description="A pass has been waiting or running for {{ $value | humanizeDuration }};"
            " after 5 minutes the operator is restarted.",
        ),
        Alert(
            name="CasemateDeploymentStalled",
            severity=Severity.WARNING,
            expr=condition(ConditionType.STALLED, "True"),
            hold="15m",
            summary=f"{DEPLOYMENT} is stalled.",
            description="It has been stalled for 15 minutes: no retry helps, a person must act.",
        ),
        Alert(
            name="CasemateDeploymentNotReady",
            severity=Severity.WARNING,
            expr=condition(ConditionType.RECONCILING, "True"),
            hold="30m",
            summary=f"{DEPLOYMENT} does not become ready.",
            description="It has been on the way to what its spec asks for, for 30 minutes.",
        ),
        Alert(
            name="CasemateDriftContested",
            severity=Severity.WARNING,
            expr=f"{summed('increase(casemate_contests_total[10m])', 'kind')} > 0",
            summary="Somebody undoes repairs of the Casemate operator.",
            description="A {{ $labels.kind }} of a model is changed again and again; its repair is"
            " put off, so what was changed holds for seconds at a time.",
        ),
        Alert(
            name="CasemateGlassBroken",
            severity=Severity.WARNING,
            expr=f"{summed('increase(casemate_break_glass_total[10m])', 'kind')} > 0",
            summary="Somebody broke the glass.",
            description="A {{ $labels.kind }} of a model was written by the right to break the"
            " glass. The Event and the audit log say who did it and why.",
        ),
    ),
)
