"""Alerts and panels about kill switches."""

from casemate.monitoring.expressions import POD
from casemate.monitoring.model import Alert, Group, Severity
from casemate.monitoring.panels import Panel, Query, Row
from casemate.monitoring.queries import BY, CHOSEN
from casemate.stops import UNKNOWN

_ON = "max by (scope) (casemate_warden_kill_switches)"

STOPS = Group(
    "casemate-stops",
    (
        Alert(
            name="CasemateStopped",
            severity=Severity.WARNING,
            expr=f"{_ON} > 0",
            summary="Kill switches of scope {{ $labels.scope }} are on.",
            description="{{ $value | humanize }} of them. What they name answers nothing until"
            " another person than who stopped it lifts them.",
        ),
        Alert(
            name="CasemateStopsUnknown",
            severity=Severity.CRITICAL,
            expr=f'casemate_gateway_stopped{{why="{UNKNOWN}"}} == 1',
            hold="2m",
            summary=f"{POD} cannot tell whether it is stopped.",
            description="For 2 minutes neither warden nor API server has told it, so it answers"
            " nothing.",
        ),
    ),
)

SWITCHES = Row(
    "Kill switches",
    (
        Panel(
            "In force",
            "none",
            (Query(_ON, "{{scope}}"),),
            "By what they stop.",
        ),
        Panel(
            "Pods that answer nothing",
            "none",
            (
                Query(
                    f"sum by ({BY}, why) (casemate_gateway_stopped{{{CHOSEN}}})",
                    "{{namespace}}/{{model_deployment}} {{why}}",
                ),
            ),
            "Because a switch is on, or nobody tells whether one is.",
        ),
        Panel(
            "Age of the last look",
            "s",
            (Query("time() - casemate_warden_stops_looked_timestamp_seconds", "{{pod}}"),),
            "Half a second is usual; with 10 s, everything is stopped.",
        ),
    ),
)
