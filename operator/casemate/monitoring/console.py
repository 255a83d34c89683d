"""Panels about the console: who comes in, what they decide there, and what it turns away."""

from casemate.monitoring.panels import Panel, Query, Row
from casemate.monitoring.queries import rate

_MADE = 'casemate_console_decisions_total{result="made"}'
_NOT_MADE = 'casemate_console_decisions_total{result!="made"}'

CONSOLE = Row(
    "Console",
    (
        Panel(
            "Attempts to sign in",
            "reqps",
            (Query(rate("casemate_console_sign_ins_total", "result", chosen=False), "{{result}}"),),
            "Many bad tokens, or `too_often`, are somebody who guesses.",
        ),
        Panel(
            "People who are signed in",
            "none",
            (Query("sum(casemate_console_sessions)", "people"),),
            "In the memory of one pod: they sign in anew when it is replaced.",
        ),
        Panel(
            "Decisions in an hour",
            "none",
            (Query(f"sum by (verdict) (increase({_MADE}[1h]))", "{{verdict}}"),),
            "That were made through the console; those by any other way are under Approvals.",
        ),
        Panel(
            "Decisions that were not made",
            "reqps",
            (
                Query(
                    f"sum by (verdict, result) (rate({_NOT_MADE}[$__rate_interval]))",
                    "{{verdict}} {{result}}",
                ),
            ),
            "`refused` by the API server; `changed`: the request was another one by then.",
        ),
        Panel(
            "Turned away by the console",
            "reqps",
            (Query(rate("casemate_console_refusals_total", "reason", chosen=False), "{{reason}}"),),
            "`foreign`: a form that another site may have made; `host`: asked for by another name.",
        ),
    ),
)
