"""The dashboard: one page from what callers see down to the processes."""

from typing import Any

from casemate.monitoring.approvals import PEOPLE
from casemate.monitoring.caller_rows import LEVELS, TRAFFIC
from casemate.monitoring.console import CONSOLE
from casemate.monitoring.guard_rows import EVIDENCE, GUARD, ISOLATION, TERMS
from casemate.monitoring.operator_rows import OPERATOR
from casemate.monitoring.panels import laid_out, source, variable
from casemate.monitoring.stops import SWITCHES

ROWS = (LEVELS, TRAFFIC, GUARD, EVIDENCE, PEOPLE, CONSOLE, SWITCHES, ISOLATION, TERMS, OPERATOR)


def document() -> dict[str, Any]:
    """Return the dashboard as Grafana imports it."""
    served = "casemate_gateway_build_info"
    return {
        "uid": "casemate",
        "title": "Casemate",
        "tags": ["casemate"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {
            "list": [
                source(),
                variable("namespace", "Namespace", f"label_values({served}, namespace)"),
                variable(
                    "deployment",
                    "Deployment",
                    f'label_values({served}{{namespace=~"$namespace"}}, model_deployment)',
                ),
            ]
        },
        "panels": list(laid_out(ROWS)),
    }
