"""Alerts about the logs of the warden's replicas, which witness one another."""

from casemate.monitoring.expressions import POD, summed
from casemate.monitoring.model import Alert, Group, Severity

_SEEN = "max without (peer) (casemate_warden_witnessed_timestamp_seconds)"
_WRONG = "contradicted|changed_keys|bad_signature"
_REFUSED = f'increase(casemate_warden_witness_refusals_total{{reason=~"{_WRONG}"}}[15m])'

WITNESSES = Group(
    "casemate-witnesses",
    (
        Alert(
            name="CasemateLogUnwitnessed",
            severity=Severity.WARNING,
            expr=f"time() - {_SEEN} > 600",
            summary=f"{POD}: no other replica of the warden witnesses its log.",
            description="For {{ $value | humanizeDuration }} no other replica has signed for all"
            " that is in its log. Whoever has its volume and key could write that part anew.",
        ),
        Alert(
            name="CasemateLogContradicted",
            severity=Severity.CRITICAL,
            expr=f"{summed(_REFUSED)} > 0",
            summary="A log of the warden is not the one that its witness knows.",
            description="{{ $value | humanize }} checkpoints in the last 15 minutes did not begin"
            " with what was signed before, or were signed with other keys: a volume was rolled"
            " back, exchanged or forged.",
        ),
    ),
)
