"""The list of the terms that exist, which admission reads: only the operator writes it."""

from casemate.admission.policy import OPERATOR, Check, Policy, Target
from casemate.api.rules import literal
from casemate.api.v1alpha1 import GROUP

INDEXED = Policy(
    name="casemate-terms-index",
    targets=(Target(GROUP, ("termsindexes",), ("CREATE", "UPDATE", "DELETE")),),
    checks=(
        Check(
            f"request.userInfo.username == {literal(OPERATOR)}",
            f'"termsindexes: accepted from {OPERATOR} only; found " + request.userInfo.username',
        ),
    ),
)
