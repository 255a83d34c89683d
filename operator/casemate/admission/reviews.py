"""Who may read a held request: people who may approve it, in their own name."""

from casemate.admission import callers, held
from casemate.admission.expressions import CLOCK, say
from casemate.admission.held import SPEC, USER
from casemate.admission.policy import WARDEN, Check, Policy, Target
from casemate.api.v1alpha1 import GROUP

_REVIEWS = "approvalreviews"

ASKED = Policy(
    name="casemate-approval-reviews",
    targets=(Target(GROUP, (_REVIEWS,), ("CREATE",)),),
    checks=(
        *held.in_own_name(_REVIEWS, "review", "reviewer"),
        held.MAY_APPROVE,
        held.unbound("review"),
    ),
)

ANSWERED = Policy(
    name="casemate-approval-reviews-answered",
    targets=(Target(GROUP, (_REVIEWS, f"{_REVIEWS}/*"), ("UPDATE", "DELETE")),),
    checks=(
        Check(
            f"request.operation != 'UPDATE' || {callers.IS_WARDEN}",
            say(f"{_REVIEWS}: answered by {WARDEN} only; found {{}}", USER),
        ),
        Check(
            f"request.operation != 'DELETE' || {callers.IS_WARDEN} || {callers.ENDS_NAMESPACES}"
            f" || {callers.also('oldObject.spec.reviewer')}",
            say(f"{_REVIEWS}: deleted by {WARDEN} or its reviewer only; found {{}}", USER),
        ),
    ),
)

BOUND = Policy(
    name="casemate-approval-reviews-bound",
    targets=(Target(GROUP, (_REVIEWS,), ("CREATE",)),),
    params=held.REQUEST,
    when={"its": f"params.metadata.name == {SPEC}.request.name"},
    variables=CLOCK,
    checks=(
        held.same("metadata.uid", "request.uid", "params.metadata.uid"),
        # The right is asked for under the agreement that the review names: it must be this one.
        held.same("spec.agreement.name", "agreement", "params.spec.agreement.name"),
        *held.STILL_OPEN,
    ),
)

REVIEWS = (ASKED, ANSWERED, BOUND)
