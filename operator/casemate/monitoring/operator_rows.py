"""What the operator does."""

from casemate.monitoring.expressions import LEADS
from casemate.monitoring.panels import Panel, Query, Row
from casemate.monitoring.queries import CHOSEN, quantiles, rate

OPERATOR = Row(
    "Operator",
    (
        Panel(
            "Passes",
            "ops",
            (
                Query(rate("casemate_reconcile_total", "result", chosen=False), "{{result}}"),
                Query(
                    rate("casemate_reconcile_errors_total", "kind", chosen=False), "error {{kind}}"
                ),
            ),
        ),
        Panel(
            "Queue",
            "none",
            (
                Query(f"casemate_queue_depth and {LEADS}", "waiting"),
                Query(f"casemate_queue_age_seconds and {LEADS}", "age in s"),
            ),
        ),
        Panel(
            "Duration of a pass",
            "s",
            quantiles("casemate_reconcile_duration_seconds", chosen=False),
        ),
        Panel(
            "Requests to the API server",
            "reqps",
            (Query(rate("casemate_api_requests_total", "code", chosen=False), "{{code}}"),),
        ),
        Panel(
            "Repairs and exceptions",
            "ops",
            (
                Query(rate("casemate_drift_repairs_total", "kind", chosen=False), "{{kind}}"),
                Query(rate("casemate_contests_total", "kind", chosen=False), "contest {{kind}}"),
                Query(
                    rate("casemate_break_glass_total", "kind", chosen=False), "by glass {{kind}}"
                ),
            ),
        ),
        Panel(
            "Certificates: hours left",
            "none",
            (
                Query(
                    "min by (namespace, model_deployment)"
                    " (casemate_gateway_tls_certificate_not_after_timestamp_seconds"
                    f"{{{CHOSEN}}} - time()) / 3600",
                    "{{namespace}}/{{model_deployment}}",
                ),
                Query(
                    rate("casemate_certificates_total", "result", chosen=False),
                    "{{result}} a second",
                ),
            ),
        ),
    ),
)
