"""Who asks, as CEL: the operator, the cluster's own controllers, or who breaks the glass."""

from casemate.admission.policy import OPERATOR
from casemate.api.rules import literal
from casemate.api.terms import one_of
from casemate.api.v1alpha1 import GROUP, PLURAL

_SYSTEM = "system:serviceaccount:kube-system:"

POD_MAKER = f"{_SYSTEM}replicaset-controller"
"""The one account that makes model pods."""

CONTROLLERS = (
    f"{_SYSTEM}deployment-controller",
    f"{_SYSTEM}replicaset-controller",
    f"{_SYSTEM}disruption-controller",
    f"{_SYSTEM}endpoint-controller",
    f"{_SYSTEM}endpointslice-controller",
    f"{_SYSTEM}endpointslicemirroring-controller",
    f"{_SYSTEM}generic-garbage-collector",
    f"{_SYSTEM}namespace-controller",
    # All of them, where the controller manager runs without an account for each.
    "system:kube-controller-manager",
)


def _may(verb: str) -> str:
    return (
        f'authorizer.group("{GROUP}").resource("{PLURAL}")'
        f'.namespace(request.namespace).check("{verb}").allowed()'
    )


BREAK_GLASS = _may("break-glass")
"""A right of its own: what it opens is open for whoever has it, and RBAC says who that is."""

GLASS = "the RBAC verb break-glass on modeldeployments.casemate.dev in this namespace"
"""How a message names that right."""

LOADS = _may("load")
"""The right to run pods that load weights in an enclave, where else only models run."""

STANDING = f"request.userInfo.username in {one_of([OPERATOR, *CONTROLLERS])}"
"""Who writes what belongs to a ModelDeployment day by day, and leaves no note."""

TRUSTED = f"({STANDING} || {BREAK_GLASS})"
"""Whoever may write what belongs to a ModelDeployment."""

TRUSTED_TEXT = f"the Casemate operator, the cluster's own controllers, or who has {GLASS}"

NODE = (
    'request.userInfo.username.startsWith("system:node:")'
    ' && "system:nodes" in request.userInfo.?groups.orValue([])'
)
"""A kubelet."""

FOUND_USER = f"{literal('; found ')} + request.userInfo.username"
"""The end of a message that refuses a caller."""
