"""The list of the terms that exist, which admission reads: only the operator writes it."""

from casemate.admission.cel import text
from casemate.admission.deployments import INDEX
from casemate.admission.policy import OPERATOR, Check, Policy, Target

_NAMED = "(object != null ? object : oldObject).metadata"
_HOME = f'{text(OPERATOR)}.startsWith("system:serviceaccount:" + {_NAMED}.namespace + ":")'

INDEXED = Policy(
    name="casemate-terms-index",
    targets=(Target("", ("configmaps",), ("CREATE", "UPDATE", "DELETE")),),
    when={"index": f"{_NAMED}.name == {text(INDEX)} && {_HOME}"},
    checks=(
        Check(
            f"request.userInfo.username in [{text(OPERATOR)}, "
            '"system:serviceaccount:kube-system:namespace-controller"]',
            f'"ConfigMap {INDEX} is accepted from {OPERATOR} only; found " + '
            "request.userInfo.username",
        ),
    ),
)
