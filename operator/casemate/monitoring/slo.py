"""Service level objectives, and alerts on how fast their error budgets burn.

Windows and factors are those of the SRE workbook of Google, chapter 5: 2 % of a month's budget in
an hour or 5 % in six page a person; 10 % in one day or in three make a ticket.
"""

from dataclasses import dataclass
from typing import NamedTuple

from casemate.monitoring.expressions import WHERE, by_deployment, summed
from casemate.monitoring.guard import FAIL_CLOSED
from casemate.monitoring.isolation import STALE
from casemate.monitoring.model import Alert, Group, Record, Severity

ERRORS = "casemate:slo_errors:ratio_"
OBJECTIVE = "casemate:slo_objective:ratio"
WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
_GUARDED = 'path=~"/v1/(chat/completions|completions|embeddings)"'


class Burn(NamedTuple):
    """A pair of windows: the long one says that it matters, the short one that it goes on."""

    long: str
    short: str
    factor: float


_FAST = (Burn("1h", "5m", 14.4), Burn("6h", "30m", 6))
_SLOW = (Burn("1d", "2h", 3), Burn("3d", "6h", 1))


@dataclass(frozen=True)
class Objective:
    """An objective over 30 days, for each deployment or for all of them.

    Attributes:
        name: Value of the label `slo`.
        alert: Beginning of the names of its alerts.
        target: Share that must be good.
        errors: Share that is bad in a window, `{window}` in its place.
        meaning: What burns, as the end of a sentence.
        where: What it is about, for the beginning of that sentence.
    """

    name: str
    alert: str
    target: str
    errors: str
    meaning: str
    where: str = WHERE

    @property
    def budget(self) -> str:
        """The share that may be bad, as an expression."""
        return f"(1 - {self.target})"

    def records(self) -> tuple[Record, ...]:
        """Its objective, and its errors in all windows."""
        labels = {"slo": self.name}
        return (
            Record(OBJECTIVE, f"vector({self.target})", labels),
            *(
                Record(f"{ERRORS}{window}", self.errors.replace("{window}", window), labels)
                for window in WINDOWS
            ),
        )

    def alerts(self) -> tuple[Alert, ...]:
        """One that pages, one that makes a ticket."""
        return (
            self._alert("BurnFast", Severity.CRITICAL, _FAST, "within days"),
            self._alert("BurnSlow", Severity.WARNING, _SLOW, "before the month ends"),
        )

    def _alert(self, kind: str, severity: Severity, burns: tuple[Burn, ...], when: str) -> Alert:
        return Alert(
            name=f"{self.alert}{kind}",
            severity=severity,
            expr=" or ".join(f"({self._burns(one)})" for one in burns),
            summary=f"{self.where}: {self.meaning}.",
            description="{{ $value | humanizePercentage }} were bad over the longer window, where"
            f" {self.target} of all must be good: the error budget is used up {when}.",
        )

    def _burns(self, burn: Burn) -> str:
        limit = f"{burn.factor:g} * {self.budget}"
        long, short = (f'{ERRORS}{one}{{slo="{self.name}"}}' for one in (burn.long, burn.short))
        return f"{long} > {limit} and {short} > {limit}"


def _share(part: str, whole: str) -> str:
    """A share of what is asked; nothing bad is a share of 0, and nothing asked is none."""
    bad, every = (by_deployment(f"rate({one}[{{window}}])") for one in (part, whole))
    return f"({bad} or 0 * {every}) / ({every} > 0)"


def _late(histogram: str, seconds: str, missed: str = "") -> str:
    """The share that took longer; what never came, by another counter, was late too."""
    within = summed(f'rate({histogram}_bucket{{le="{seconds}"}}[{{window}}])')
    every = summed(f"rate({histogram}_count[{{window}}])")
    if missed:
        every = f"({every} + {summed(f'rate({missed}[{{window}}])')})"
    return f"1 - {within} / ({every} > 0)"


OBJECTIVES = (
    Objective(
        name="guarded-answers",
        alert="CasemateAvailability",
        target="0.995",
        errors=_share(
            f'casemate_gateway_requests_total{{{_GUARDED},code=~"5.."}}',
            f"casemate_gateway_requests_total{{{_GUARDED}}}",
        ),
        meaning="too many requests end in errors of ours",
    ),
    Objective(
        name="judged",
        alert="CasemateFailClosed",
        target="0.999",
        errors=_share(
            f'casemate_gateway_refusals_total{{reason=~"{FAIL_CLOSED}"}}',
            'casemate_gateway_requests_total{path!="other"}',
        ),
        meaning="too many requests are refused because they cannot be judged",
    ),
    Objective(
        name="isolation-proven",
        alert="CasemateIsolationProof",
        target="0.999",
        errors=f"avg by (namespace, model_deployment) (avg_over_time({STALE}[{{window}}]))",
        meaning="isolation is unproven for too much of the time",
    ),
    Objective(
        name="records-kept",
        alert="CasemateRecordLatency",
        target="0.99",
        errors=_late("casemate_warden_append_seconds", "0.1"),
        meaning="too many records take longer than 0.1 s to be on the disk",
        where="The warden",
    ),
    Objective(
        name="approvals-decided",
        alert="CasemateApprovalLatency",
        target="0.9",
        errors=_late(
            "casemate_warden_approval_seconds",
            "300.0",
            'casemate_warden_approval_decisions_total{outcome="expired"}',
        ),
        meaning="too many held requests wait longer than 5 minutes for people, or expire",
        where="Approvals",
    ),
)

RECORDS = Group("casemate-slo", tuple(one for slo in OBJECTIVES for one in slo.records()))
BURNS = Group("casemate-slo-alerts", tuple(one for slo in OBJECTIVES for one in slo.alerts()))
