"""Alerts about the guard: what it cannot judge, what it judges by, and what it refuses a lot of."""

from casemate.api.conditions import ConditionType, Reason
from casemate.gateway import errors
from casemate.gateway.errors import Cause
from casemate.monitoring.expressions import DEPLOYMENT, WHERE, by_deployment, condition, summed
from casemate.monitoring.model import Alert, Group, Severity

_CLOSED = (
    errors.Reason.GUARD_UNAVAILABLE,
    errors.Reason.NOT_ISOLATED,
    errors.Reason.IDENTITY_UNAVAILABLE,
    errors.Reason.EVIDENCE_UNAVAILABLE,
    errors.Reason.STOPS_UNKNOWN,
)
FAIL_CLOSED = "|".join(_CLOSED)
"""Reasons of refusals that are no verdict on the request: something that must be there is not."""

_ASKED = by_deployment('rate(casemate_gateway_requests_total{path!="other"}[5m])')
_QUOTA = by_deployment('rate(casemate_gateway_refusals_total{reason="quota_exceeded"}[5m])')
_DIGESTS = "count by (namespace, model_deployment, digest) (casemate_guard_bundle_info)"


def _refused(window: str, *causes: Cause) -> str:
    matcher = f'casemate_guard_refusals_total{{reason=~"{"|".join(causes)}"}}'
    return by_deployment(f"increase({matcher}[{window}])")


def _fail_closed() -> str:
    refused = f'rate(casemate_gateway_refusals_total{{reason=~"{FAIL_CLOSED}"}}[5m])'
    return f"{by_deployment(refused)} / ({_ASKED} > 0)"


GUARD = Group(
    "casemate-guard",
    (
        Alert(
            name="CasemateGuardFailsClosed",
            severity=Severity.CRITICAL,
            expr=f"{_fail_closed()} > 0.05",
            hold="5m",
            summary=f"{WHERE} refuses requests that it cannot judge.",
            description="{{ $value | humanizePercentage }} of requests were refused in the last"
            " 5 minutes because the guard, the proof of isolation, names, records or word of kill"
            " switches were missing.",
        ),
        Alert(
            name="CasemateGuardPolicyOutdated",
            severity=Severity.WARNING,
            expr=condition(ConditionType.GUARDRAILS_ENFORCED, "False"),
            hold="5m",
            summary=f"{DEPLOYMENT} serves under an older guard policy.",
            description="For 5 minutes a ready pod has kept to another policy than its agreement's."
            " Such a pod stops answering after 10 minutes.",
        ),
        Alert(
            name="CasemateGuardPolicyStale",
            severity=Severity.CRITICAL,
            expr=f"{_refused('10m', Cause.STALE)} > 0",
            summary=f"{WHERE} has stopped answering: its guard policy is stale.",
            description="The policy file has differed from the one that its pods are made for, for"
            " 10 minutes, and the rollout did not come.",
        ),
        Alert(
            name="CasemateGuardBundleOutdated",
            severity=Severity.CRITICAL,
            expr=summed(f'casemate_modeldeployments_refused{{reason="{Reason.GUARD_OUTDATED}"}}')
            + " > 0",
            hold="5m",
            summary="Agreements ask for a newer guard bundle than this version ships.",
            description="{{ $value }} deployments are stopped until a version with a newer bundle"
            " is installed.",
        ),
        Alert(
            name="CasemateGuardBundlesDiffer",
            severity=Severity.WARNING,
            expr=f"count by (namespace, model_deployment) ({_DIGESTS}) > 1",
            hold="30m",
            summary=f"Pods of {WHERE} judge by different bundles.",
            description="For 30 minutes {{ $value }} bundles have been in force at once: a rollout"
            " does not end.",
        ),
        Alert(
            name="CasemateQuotaRefusals",
            severity=Severity.WARNING,
            expr=f"{_QUOTA} / ({_ASKED} > 0) > 0.2 and {_QUOTA} > 0.1",
            hold="5m",
            summary=f"Callers of {WHERE} run into their quotas.",
            description="{{ $value | humanizePercentage }} of requests were refused in the last"
            " 5 minutes because a quota was used up.",
        ),
        Alert(
            name="CasematePersonsQuotaExceeded",
            severity=Severity.CRITICAL,
            expr=f"{_refused('15m', Cause.PERSONS, Cause.CALLERS)} > 0",
            summary=f"A caller asks {WHERE} about too many different persons.",
            description="{{ $value | humanize }} requests were refused in the last 15 minutes; it"
            " may be an attempt at surveillance in small steps.",
        ),
        Alert(
            name="CasemateRedLineBurst",
            severity=Severity.WARNING,
            expr=f"{_refused('15m', Cause.RED_LINE)} > 20",
            summary=f"Many requests to {WHERE} cross a red line.",
            description="{{ $value | humanize }} requests were refused in the last 15 minutes;"
            " somebody may search for a way round the guard.",
        ),
    ),
)
