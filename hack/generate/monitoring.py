"""Rules and dashboard as files: for Prometheus and Grafana, and the same for the chart."""

import json

from casemate.monitoring import dashboard, rules
from generate.manifest import documents_yaml

_PLACES = ("monitoring", "charts/casemate/files/monitoring")


def monitoring_files() -> dict[str, str]:
    """Return the text of every file by its path in the checkout."""
    files = {
        "rules.yaml": documents_yaml([rules.document()], "operator/casemate/monitoring"),
        "dashboard.json": json.dumps(dashboard.document(), indent=1) + "\n",
    }
    return {f"{place}/{name}": text for place in _PLACES for name, text in files.items()}
