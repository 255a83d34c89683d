"""What callers see: objectives, and requests."""

from casemate.monitoring.panels import Panel, Query, Row
from casemate.monitoring.queries import BY, CHOSEN, quantiles, rate
from casemate.monitoring.slo import ERRORS, OBJECTIVE

_HOUR = f"{ERRORS}1h{{{CHOSEN}}}"

LEVELS = Row(
    "Objectives",
    (
        Panel(
            "Good share in an hour",
            "percentunit",
            (Query(f"1 - {_HOUR}", "{{slo}} {{namespace}}/{{model_deployment}}"),),
            "Answered without an error of ours; judged; isolation proven.",
        ),
        Panel(
            "Burn of the error budget",
            "none",
            (
                Query(
                    f"{_HOUR} / on (slo) group_left () (1 - {OBJECTIVE})",
                    "{{slo}} {{namespace}}/{{model_deployment}}",
                ),
            ),
            "1 uses up the budget of 30 days in 30 days; 14.4 for an hour pages somebody.",
        ),
        Panel(
            "Alerts that fire",
            "none",
            (Query('ALERTS{alertname=~"Casemate.*",alertstate="firing"}', "{{alertname}}"),),
            kind="table",
        ),
    ),
)
TRAFFIC = Row(
    "Requests",
    (
        Panel(
            "Requests",
            "reqps",
            (Query(rate("casemate_gateway_requests_total", "code"), "{{code}}"),),
            "By HTTP status; 499: the client left first.",
        ),
        Panel(
            "Refusals",
            "reqps",
            (Query(rate("casemate_gateway_refusals_total", "reason"), "{{reason}}"),),
        ),
        Panel("Duration", "s", quantiles("casemate_gateway_request_duration_seconds")),
        Panel(
            "Time to the first token",
            "s",
            quantiles("casemate_gateway_time_to_first_token_seconds"),
            "Of streams.",
        ),
        Panel(
            "Time between events",
            "s",
            quantiles("casemate_gateway_time_between_events_seconds"),
            "Of streams.",
        ),
        Panel(
            "Tokens",
            "none",
            (Query(rate("casemate_gateway_tokens_total", "kind"), "{{kind}}"),),
            "A second, as engines report them.",
        ),
        Panel(
            "At work",
            "none",
            (
                Query(
                    f"sum by ({BY}) (casemate_gateway_requests_in_flight{{{CHOSEN}}})",
                    "requests {{namespace}}/{{model_deployment}}",
                ),
                Query(
                    f"sum by ({BY}) (casemate_gateway_connections{{{CHOSEN}}})",
                    "connections {{namespace}}/{{model_deployment}}",
                ),
            ),
        ),
        Panel(
            "Failures of engines",
            "reqps",
            (Query(rate("casemate_gateway_upstream_errors_total", "kind"), "{{kind}}"),),
        ),
        Panel(
            "Pods that are ready",
            "none",
            (
                Query(
                    f"sum by ({BY}) (casemate_gateway_ready{{{CHOSEN}}})",
                    "{{namespace}}/{{model_deployment}}",
                ),
            ),
        ),
    ),
)
