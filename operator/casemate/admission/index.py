"""The list of the terms that exist, which admission reads: only the operator writes it."""

from casemate.admission.cel import listed, text
from casemate.admission.deployments import INDEX
from casemate.admission.policy import OPERATOR, Check, Policy, Target

_ENDERS = (
    "system:serviceaccount:kube-system:namespace-controller",
    "system:kube-controller-manager",
)
"""Who empties a namespace that is deleted."""

_NAMED = "(object != null ? object : oldObject).metadata"
_HOME = f'{text(OPERATOR)}.startsWith("system:serviceaccount:" + {_NAMED}.namespace + ":")'

INDEXED = Policy(
    name="casemate-terms-index",
    targets=(Target("", ("configmaps",), ("CREATE", "UPDATE", "DELETE")),),
    when={"index": f"{_NAMED}.name == {text(INDEX)} && {_HOME}"},
    checks=(
        Check(
            f"request.userInfo.username == {text(OPERATOR)} || (request.operation == 'DELETE' &&"
            f" request.userInfo.username in {listed(*_ENDERS)})",
            f'"ConfigMap {INDEX} is accepted from {OPERATOR} only; found " + '
            "request.userInfo.username",
        ),
    ),
)
