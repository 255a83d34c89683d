"""Alerts about the isolation of models, and about the warden that proves it."""

from casemate.api.conditions import ConditionType
from casemate.core.isolation import FRESH_SECONDS
from casemate.monitoring.expressions import (
    DEPLOYMENT,
    LEADS,
    POD,
    WHERE,
    by_deployment,
    condition,
    summed,
)
from casemate.monitoring.model import Alert, Group, Record, Severity

_PROOF = "casemate_gateway_isolation_proof_timestamp_seconds"
_BROKEN = 'increase(casemate_gateway_isolation_rounds_total{verdict="NotEnforced"}[5m])'
_FOREIGN = 'increase(casemate_warden_refusals_total{reason="foreign_token"}[10m])'
_HEARD = "(time() - casemate_warden_heard_timestamp_seconds)"
AGE = "casemate:isolation_proof_age:seconds"
STALE = "casemate:isolation_proof_stale:bool"

ISOLATION = Group(
    "casemate-isolation",
    (
        # Its age when it was scraped: an age that grew with the time since would depend on that.
        Record(AGE, f"timestamp({_PROOF}) - {_PROOF}"),
        Record(STALE, f"{AGE} > bool {FRESH_SECONDS:.0f}"),
        Alert(
            name="CasemateDeploymentNotIsolated",
            severity=Severity.CRITICAL,
            expr=condition(ConditionType.NETWORK_ISOLATED, "False"),
            summary=f"{DEPLOYMENT} is not isolated.",
            description="A pod reached what no policy allows, or was reached. Its gateway answers"
            " nothing; the engine may still reach out.",
        ),
        Alert(
            name="CasemateIsolationBroken",
            severity=Severity.CRITICAL,
            expr=f"{by_deployment(_BROKEN)} > 0",
            summary=f"Gateways of {WHERE} found the network open.",
            description="{{ $value | humanize }} rounds of the proof found an open way in the last"
            " 5 minutes.",
        ),
        Alert(
            name="CasemateIsolationProofOld",
            severity=Severity.WARNING,
            expr=f"{AGE} > {FRESH_SECONDS:.0f}",
            hold="2m",
            summary=f"{POD} lacks a fresh proof of isolation.",
            description="For 2 minutes its newest proof has been older than"
            f" {FRESH_SECONDS:.0f} s, so it answers nothing.",
        ),
        Alert(
            name="CasemateWardenUnreachable",
            severity=Severity.CRITICAL,
            expr=f"{_HEARD} > 120 and {LEADS}",
            hold="1m",
            summary="The Casemate operator does not hear the warden.",
            description="For {{ $value | humanizeDuration }} the warden has not told what is"
            " proven. If gateways do not reach it either, all of them stop answering.",
        ),
        Alert(
            name="CasemateWardenAbsent",
            severity=Severity.CRITICAL,
            expr="absent(casemate_warden_build_info)",
            hold="5m",
            summary="The Casemate warden is gone, or is not scraped.",
            description="No warden has been scraped for 5 minutes. Without one, no model proves"
            " its isolation, and none answers.",
        ),
        Alert(
            name="CasemateForeignToken",
            severity=Severity.CRITICAL,
            expr=f"{summed(_FOREIGN)} > 0",
            summary="The token of a model pod was used from elsewhere.",
            description="{{ $value | humanize }} calls in the last 10 minutes showed the warden a"
            " model pod's token from an address that is not the pod's.",
        ),
    ),
)
