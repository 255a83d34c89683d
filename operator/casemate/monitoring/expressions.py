"""Parts of expressions that several rules share.

Samples of gateways carry `namespace` and `model_deployment` of their scrape target; what the
operator says of a deployment carries `namespace` and `name`.
"""

from casemate.api.conditions import ConditionType

DEPLOYMENT = "ModelDeployment {{ $labels.namespace }}/{{ $labels.name }}"
"""What an alert on what the operator says is about."""
WHERE = "{{ $labels.namespace }}/{{ $labels.model_deployment }}"
"""What an alert on gateways together is about."""
POD = "Pod {{ $labels.namespace }}/{{ $labels.pod }}"
"""What an alert on one gateway is about."""
DAY = 86_400
LEADS = "on (job, instance) casemate_leader == 1"
"""The replica that leads: a follower has the zero of its start for what it does not know."""


def days(count: int) -> str:
    """Spell days in seconds."""
    return str(count * DAY)


def summed(expr: str, *labels: str) -> str:
    """Sum, by labels or over all."""
    return f"sum by ({', '.join(labels)}) ({expr})" if labels else f"sum({expr})"


def by_deployment(expr: str) -> str:
    """Sum over the gateways of each deployment."""
    return summed(expr, "namespace", "model_deployment")


def condition(kind: ConditionType, status: str) -> str:
    """The deployments of which a condition has a status, whichever replica says so."""
    metric = f'casemate_modeldeployment_condition{{type="{kind}",status="{status}"}}'
    return f"max by (namespace, name) ({metric}) == 1"


def soon(moment: str, seconds: str) -> str:
    """How long it is to a moment that is near, and not yet past."""
    left = f"({moment} - time())"
    return f"{left} < {seconds} and {left} > 0"
