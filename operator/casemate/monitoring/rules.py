"""All groups of rules."""

from typing import Any

from casemate.monitoring.approvals import APPROVALS
from casemate.monitoring.guard import GUARD
from casemate.monitoring.isolation import ISOLATION
from casemate.monitoring.model import Alert, Record
from casemate.monitoring.operator import OPERATOR
from casemate.monitoring.serving import SERVING
from casemate.monitoring.slo import BURNS, RECORDS
from casemate.monitoring.stops import STOPS
from casemate.monitoring.terms import TERMS
from casemate.monitoring.witnesses import WITNESSES

GROUPS = (
    OPERATOR,
    ISOLATION,
    WITNESSES,
    GUARD,
    APPROVALS,
    STOPS,
    SERVING,
    TERMS,
    RECORDS,
    BURNS,
)

ALERTS = tuple(one for group in GROUPS for one in group.rules if isinstance(one, Alert))
RECORDED = tuple(one for group in GROUPS for one in group.rules if isinstance(one, Record))


def document() -> dict[str, Any]:
    """Return the content of a rules file; it is also the spec of a PrometheusRule."""
    return {"groups": [group.document() for group in GROUPS]}
