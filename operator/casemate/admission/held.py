"""Checks that decisions and reviews share: both are what people write about a held request."""

from casemate.admission import callers
from casemate.admission.expressions import listed, say
from casemate.admission.policy import Check, Params
from casemate.api.approval import OPEN
from casemate.api.rules import literal
from casemate.api.terms import one_of
from casemate.api.v1alpha1 import API_VERSION, GROUP

SPEC = "object.spec"
USER = "request.userInfo.username"
REQUEST = Params(API_VERSION, "ApprovalRequest")
"""The parameter of policies that compare with the request."""
PHASE = "params.?status.?phase.orValue('Pending')"
OPEN_PHASES = one_of([*OPEN])


def in_own_name(plural: str, noun: str, field: str) -> tuple[Check, ...]:
    """Ask for a person who writes in their own name, with groups that they have.

    Args:
        plural: The resource.
        noun: One of them, in messages.
        field: Of its spec, which says who writes.
    """
    person = f"{SPEC}.{field}"
    foreign = callers.not_their_groups(f"{person}.groups")
    return (
        Check(
            callers.PERSON,
            say(f"{plural}: accepted from people, not from programs; found {{}}", USER),
        ),
        Check(
            callers.named_as(person),
            say(
                f"spec.{field}: found {{}} with uid '{{}}'; accepted: whoever makes the {noun},"
                " {} with uid '{}'",
                *(f"{person}.username", f"{person}.uid"),
                *(USER, "request.userInfo.?uid.orValue('')"),
            ),
        ),
        Check(
            f"size({foreign}) == 0",
            say(
                f"spec.{field}.groups: {{}} has not {{}}; accepted: groups that it has",
                *(USER, listed(foreign)),
            ),
        ),
    )


MAY_APPROVE = Check(
    callers.may_approve(f"{SPEC}.agreement"),
    say(
        "spec.agreement: {} has not the RBAC verb approve on usageagreements {} in "
        f"{GROUP}; accepted: who has it",
        *(USER, f"{SPEC}.agreement"),
    ),
)


def unbound(noun: str) -> Check:
    """Refuse what would keep an object longer than it is good for, or take it away sooner."""
    return Check(
        "!has(object.metadata.finalizers) && !has(object.metadata.ownerReferences)",
        literal(f"metadata: accepted on a {noun} without finalizers and ownerReferences"),
    )


def same(field: str, said: str, wanted: str) -> Check:
    """Ask for a field of the spec to be what a field of the request is."""
    return Check(
        f"{SPEC}.{said} == {wanted}",
        say(
            f"spec.{said}: found {{}}; accepted: {field} of ApprovalRequest {{}}, {{}}",
            *(f"{SPEC}.{said}", "params.metadata.name", wanted),
        ),
    )


STILL_OPEN = (
    Check(
        f"{PHASE} in {OPEN_PHASES}",
        say(
            "spec.request: {} is {}; accepted: a request that has not ended",
            *("params.metadata.name", PHASE),
        ),
    ),
    Check(
        "variables.now < timestamp(params.spec.expiresAt)",
        say(
            "spec.request: {} expired at {}; accepted: before that",
            *("params.metadata.name", "params.spec.expiresAt"),
        ),
    ),
)
"""For a policy with the variables of `CLOCK`."""
