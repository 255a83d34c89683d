"""Who asks, as CEL: the operator, the cluster's own controllers, or who breaks the glass."""

from casemate.admission.policy import OPERATOR, WARDEN
from casemate.api.rules import literal
from casemate.api.terms import one_of
from casemate.api.v1alpha1 import GROUP, PLURAL

_SYSTEM = "system:serviceaccount:kube-system:"

POD_MAKER = f"{_SYSTEM}replicaset-controller"
"""The one account that makes model pods."""

NAMESPACE_CONTROLLERS = (f"{_SYSTEM}namespace-controller", "system:kube-controller-manager")
"""The one that empties namespaces, also where the controller manager runs under its own name."""

CONTROLLERS = (
    f"{_SYSTEM}deployment-controller",
    f"{_SYSTEM}replicaset-controller",
    f"{_SYSTEM}disruption-controller",
    f"{_SYSTEM}endpoint-controller",
    f"{_SYSTEM}endpointslice-controller",
    f"{_SYSTEM}endpointslicemirroring-controller",
    f"{_SYSTEM}generic-garbage-collector",
    # The second is all of them, where the controller manager runs without an account for each.
    *NAMESPACE_CONTROLLERS,
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

IS_WARDEN = f"request.userInfo.username == {literal(WARDEN)}"

ENDS_NAMESPACES = f"request.userInfo.username in {one_of([*NAMESPACE_CONTROLLERS])}"
"""Who takes away everything in a namespace that ends."""

_NO_PEOPLE = ("system:serviceaccounts", "system:nodes")

PERSON = (
    "!request.userInfo.username.startsWith('system:') &&"
    f" !request.userInfo.?groups.orValue([]).exists(g, g in {one_of([*_NO_PEOPLE])})"
)
"""Neither a program nor a node nor a part of the cluster, as far as the API server can tell."""


def named_as(person: str) -> str:
    """Tell whether an object's person is whoever makes the request; uid empty where none is."""
    return (
        f"{person}.username == request.userInfo.username"
        f" && {person}.uid == request.userInfo.?uid.orValue('')"
    )


def also(person: str) -> str:
    """Tell whether an object's person is, by name or by uid, whoever makes the request."""
    return (
        f"({person}.username == request.userInfo.username || {person}.uid != ''"
        f" && {person}.uid == request.userInfo.?uid.orValue(''))"
    )


def may_approve(agreement: str) -> str:
    """Tell whether whoever makes the request may approve under an agreement, named in CEL."""
    return (
        f"authorizer.group('{GROUP}').resource('usageagreements').name({agreement})"
        ".check('approve').allowed()"
    )


def not_their_groups(groups: str) -> str:
    """List which of some groups whoever makes the request has not."""
    return f"{groups}.filter(g, !(g in request.userInfo.?groups.orValue([])))"


NODE = (
    'request.userInfo.username.startsWith("system:node:")'
    ' && "system:nodes" in request.userInfo.?groups.orValue([])'
)
"""A kubelet."""

FOUND_USER = f"{literal('; found ')} + request.userInfo.username"
"""The end of a message that refuses a caller."""
