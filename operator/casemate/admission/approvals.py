"""Held requests and what people say about them: who may write which of it, and when it goes.

Admission sees what a cluster's administrator cannot claim later: who really makes a decision. The
warden checks everything again before it lets a request go (`core.approvals`).
"""

from casemate.admission import callers, held
from casemate.admission.expressions import CLOCK, listed, say
from casemate.admission.held import OPEN_PHASES, PHASE, SPEC, USER
from casemate.admission.policy import WARDEN, Check, Params, Policy, Target
from casemate.api.names import decision_name_in_cel
from casemate.api.rules import literal
from casemate.api.v1alpha1 import API_VERSION, GROUP

_REQUESTS, _DECISIONS = "approvalrequests", "approvaldecisions"

REQUESTS = Policy(
    name="casemate-approval-requests",
    targets=(Target(GROUP, (_REQUESTS, f"{_REQUESTS}/*"), ("CREATE", "UPDATE", "DELETE")),),
    checks=(
        Check(
            f"{callers.IS_WARDEN} || request.operation == 'DELETE' && {callers.ENDS_NAMESPACES}",
            say(f"{_REQUESTS}: accepted from {WARDEN} only; found {{}}", USER),
        ),
        Check(
            "request.operation != 'DELETE' || !(oldObject.?status.?phase.orValue('Pending') in"
            f" {OPEN_PHASES}) || {callers.ENDS_NAMESPACES}",
            say(
                "status.phase: {} is no end; accepted: deletion once the request has ended",
                "oldObject.?status.?phase.orValue('Pending')",
            ),
        ),
    ),
)

_NAME = decision_name_in_cel(SPEC)

DECISIONS = Policy(
    name="casemate-approval-decisions",
    targets=(Target(GROUP, (_DECISIONS,), ("CREATE",)),),
    checks=(
        *held.in_own_name(_DECISIONS, "decision", "approver"),
        Check(
            f"object.metadata.name == {_NAME}",
            say("metadata.name: found {}; accepted: {}", "object.metadata.name", _NAME),
        ),
        held.MAY_APPROVE,
        held.unbound("decision"),
    ),
)

# The kind itself keeps the spec, while nobody edits the kind; this keeps the whole.
KEPT = Policy(
    name="casemate-approval-decisions-kept",
    targets=(Target(GROUP, (_DECISIONS, f"{_DECISIONS}/*"), ("UPDATE", "DELETE")),),
    checks=(
        Check(
            "request.operation != 'UPDATE'",
            literal(f"{_DECISIONS}: nobody changes one; accepted: a decision to Revoke beside it"),
        ),
        Check(
            f"request.operation != 'DELETE' || {callers.IS_WARDEN} || {callers.ENDS_NAMESPACES}",
            say(
                f"{_DECISIONS}: deleted by {WARDEN} only; accepted: a decision to Revoke beside it;"
                " found {}",
                USER,
            ),
        ),
    ),
)

BOUND = Policy(
    name="casemate-approval-decisions-bound",
    targets=(Target(GROUP, (_DECISIONS,), ("CREATE",)),),
    params=held.REQUEST,
    when={"its": f"params.metadata.name == {SPEC}.request.name"},
    variables=CLOCK,
    checks=(
        held.same("metadata.uid", "request.uid", "params.metadata.uid"),
        held.same("spec.requestDigest", "requestDigest", "params.spec.requestDigest"),
        held.same("spec.agreement.name", "agreement", "params.spec.agreement.name"),
        Check(
            f"!{callers.also('params.spec.requester')}",
            say(
                "spec.approver: {} made ApprovalRequest {}; accepted: another person",
                *(USER, "params.metadata.name"),
            ),
        ),
        *held.STILL_OPEN,
    ),
)

_GROUPS = "params.spec.approvals.approverGroups"

GROUPS = Policy(
    name="casemate-approval-groups",
    targets=(Target(GROUP, (_DECISIONS,), ("CREATE",)),),
    params=Params(API_VERSION, "UsageAgreement"),
    when={"its": f"params.metadata.name == {SPEC}.agreement"},
    checks=(
        Check(
            f"size({_GROUPS}) == 0 || {SPEC}.approver.groups.exists(g, g in {_GROUPS})",
            say(
                "spec.approver.groups: {}; accepted by agreement {}: at least one of {}",
                *(listed(f"{SPEC}.approver.groups"), "params.metadata.name", listed(_GROUPS)),
            ),
        ),
    ),
)

ENDED = Policy(
    name="casemate-approval-decisions-ended",
    targets=(Target(GROUP, (_DECISIONS,), ("DELETE",)),),
    # A decision may outlive its request.
    params=Params(API_VERSION, "ApprovalRequest", absent="Allow"),
    when={
        "its": "params.metadata.uid == oldObject.spec.request.uid",
        # Nobody else takes one away at all, but with its namespace.
        "by-the-warden": callers.IS_WARDEN,
    },
    checks=(
        Check(
            f"!({PHASE} in {OPEN_PHASES})",
            say(
                "spec.request: {} is {}; accepted: deletion once the request has ended",
                *("params.metadata.name", PHASE),
            ),
        ),
    ),
)

APPROVALS = (REQUESTS, DECISIONS, KEPT, BOUND, GROUPS, ENDED)
