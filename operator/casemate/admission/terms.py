"""Agreements, suppliers and the index themselves: what may be loosened, removed or written."""

from casemate.admission.cel import text
from casemate.admission.deployments import INDEX
from casemate.admission.policy import OPERATOR, Check, Policy, Target

_LOOSEN = (
    'authorizer.group("casemate.dev").resource("usageagreements").name(object.metadata.name)'
    '.check("loosen").allowed()'
)
_NEEDS = '"; loosening needs the RBAC verb loosen on usageagreements.casemate.dev " + request.name'


def _tightens(holds: str, field: str, change: str) -> Check:
    """A change that only goes one way without the right to loosen."""
    message = f"{text(f'spec.{field}: {change}')} + {_NEEDS}"
    return Check(f"({holds}) || variables.may", message)


def _number(field: str, *, more: bool, change: str) -> Check:
    """A number that may only become larger (`more`), or only smaller."""
    sign = ">=" if more else "<="
    path = field.replace(".", ".?")
    new, old = (f"{owner}.spec.?{path}.orValue(0)" for owner in ("object", "oldObject"))
    what = f'{text(f"spec.{field}: {change} from ")} + string({old}) + " to " + string({new})'
    return Check(f"{new} {sign} {old} || variables.may", f"{what} + {_NEEDS}")


def _only_fewer(field: str, key: str, what: str) -> Check:
    """A list to which nothing may be added, nor anything in it changed."""
    new, old = f"object.spec.{field}", f"oldObject.spec.{field}"
    added = f"{new}.filter(a, !{old}.exists(b, a == b))"
    named = f"{added}.map(a, a{key})" if key else added
    return Check(
        f"size({added}) == 0 || variables.may",
        f'{text(f"spec.{field}: {what} ")} + {named}.join(", ") + {_NEEDS}',
    )


LOOSENING = Policy(
    name="casemate-agreement-loosening",
    targets=(Target("casemate.dev", ("usageagreements",), ("UPDATE",)),),
    when={"changed": "object.spec != oldObject.spec"},
    variables={"may": _LOOSEN},
    checks=(
        _tightens(
            "oldObject.spec.redLines.all(b, object.spec.redLines.exists(a, a.id == b.id && "
            '(a.verdict == b.verdict || a.verdict == "Refuse")))',
            "redLines",
            "a line was removed, or its verdict relaxed",
        ),
        _tightens(
            "oldObject.spec.requiredGuardrails.all(b, "
            "object.spec.requiredGuardrails.exists(a, a == b))",
            "requiredGuardrails",
            "a guardrail was removed or changed",
        ),
        _tightens(
            "timestamp(object.spec.term.end) <= timestamp(oldObject.spec.term.end)",
            "term.end",
            "was put off",
        ),
        _tightens(
            "timestamp(object.spec.term.start) >= timestamp(oldObject.spec.term.start)",
            "term.start",
            "was brought forward",
        ),
        _number("term.windDownDays", more=False, change="raised"),
        _number("capacity.maxReplicas", more=False, change="raised"),
        _number("capacity.maxReplicasEach", more=False, change="raised"),
        _number("capacity.maxAccelerators", more=False, change="raised"),
        _number("capacity.floor", more=False, change="raised"),
        _number("approvals.quorum", more=True, change="lowered"),
        _number("approvals.expiryMinutes", more=False, change="raised"),
        _number("audit.retentionDays", more=True, change="lowered"),
        _tightens(
            "size(object.spec.approvals.approverGroups) == 0"
            " ? size(oldObject.spec.approvals.approverGroups) == 0"
            " : size(oldObject.spec.approvals.approverGroups) == 0"
            " || object.spec.approvals.approverGroups.all(a, "
            "a in oldObject.spec.approvals.approverGroups)",
            "approvals.approverGroups",
            "a group was added, or all were removed",
        ),
        _tightens(
            'object.spec.audit.record == "Sealed" || oldObject.spec.audit.record == "Digest"',
            "audit.record",
            "was lowered from Sealed to Digest",
        ),
        _only_fewer("allowedUses", ".id", "added or changed"),
        _only_fewer("registries", "", "added"),
        _only_fewer("suppliers", "", "added"),
        _only_fewer("capacity.profiles", ".name", "added or changed"),
        _only_fewer("trust.modelSigningKeys", ".name", "added or changed"),
    ),
)

IN_USE = Policy(
    name="casemate-terms-in-use",
    targets=(Target("casemate.dev", ("usageagreements", "suppliers"), ("DELETE",)),),
    checks=(
        Check(
            "oldObject.?status.?deployments.orValue(0) == 0",
            'oldObject.kind + " " + oldObject.metadata.name + " is in use by " + '
            'string(oldObject.status.deployments) + " ModelDeployments: delete them first"',
        ),
    ),
)

_NAMED = "(object != null ? object : oldObject).metadata"
_HOME = f'{text(OPERATOR)}.startsWith("system:serviceaccount:" + {_NAMED}.namespace + ":")'

INDEXED = Policy(
    name="casemate-terms-index",
    targets=(Target("", ("configmaps",), ("CREATE", "UPDATE", "DELETE")),),
    when={"index": f"{_NAMED}.name == {text(INDEX.name)} && {_HOME}"},
    checks=(
        Check(
            f"request.userInfo.username in [{text(OPERATOR)}, "
            '"system:serviceaccount:kube-system:namespace-controller"]',
            f'"ConfigMap {INDEX.name} is accepted from {OPERATOR} only; found " + '
            "request.userInfo.username",
        ),
    ),
)
