"""The few rules that the API server reads from its own disk, so that no API call removes them.

They take no parameters and ask nobody's rights: whoever owns the cluster's API is bound by them.
"""

from casemate.admission import callers
from casemate.admission.cel import ours
from casemate.admission.policy import Check, Policy, Target
from casemate.api.rules import literal
from casemate.api.terms import RED_LINES, one_of
from casemate.api.v1alpha1 import GROUP, PLURAL

_GATEWAY = (
    "object.spec.?initContainers.orValue([]).exists(c, c.name == 'gateway' &&"
    " c.?restartPolicy.orValue('') == 'Always' && c.?args[?0].orValue('') == 'gateway' &&"
    " c.?command.orValue([]).size() == 0)"
)
_USES = " or ".join(RED_LINES)

GATEWAYS = Policy(
    name="casemate-gateway.static.k8s.io",
    targets=(Target("", ("pods",)),),
    when={
        "model-pod": ours("object"),
        # A pod whose specification stays is no way in, and must be able to end.
        "new-or-changed": "request.operation == 'CREATE' || object.spec != oldObject.spec ||"
        f" !({ours('oldObject')})",
    },
    checks=(
        Check(
            _GATEWAY,
            literal(
                "spec.initContainers: a model pod must have the native sidecar gateway, with"
                " restartPolicy Always, gateway as first of its args, and no command"
            ),
        ),
    ),
)

USES = Policy(
    name="casemate-red-lines.static.k8s.io",
    targets=(Target(GROUP, (PLURAL,)),),
    checks=(
        Check(
            " && ".join(f"object.spec.use != {literal(use)}" for use in RED_LINES),
            literal(f"spec.use: {_USES} is never accepted as a use; found ") + " + object.spec.use",
        ),
    ),
)

_VERDICTS = " && ".join(
    f"object.spec.?redLines.orValue([]).exists(l, l.id == {literal(line)}"
    f" && l.verdict in {one_of(sorted({mildest, 'Refuse'}))})"
    for line, mildest in RED_LINES.items()
)
_KEPT = ", ".join(
    f"{line} with verdict {' or '.join(sorted({mildest, 'Refuse'}))}"
    for line, mildest in RED_LINES.items()
)

# The kind says so itself; but whoever may change its definition may take the rule away.
AGREEMENTS = Policy(
    name="casemate-agreement-red-lines.static.k8s.io",
    targets=(Target(GROUP, ("usageagreements",)),),
    checks=(
        Check(_VERDICTS, literal(f"spec.redLines: must hold {_KEPT}")),
        Check(
            f"!object.spec.?allowedUses.orValue([]).exists(u, u.id in {one_of([*RED_LINES])})",
            literal(f"spec.allowedUses: {_USES} is never accepted as a use"),
        ),
    ),
)

_APPROVALS = ("approvalrequests", "approvaldecisions", "approvalreviews")

# What is held, and what was said, cannot be rewritten either: not with the rules of the kinds gone.
UNCHANGED = Policy(
    name="casemate-approvals-unchanged.static.k8s.io",
    targets=(Target(GROUP, _APPROVALS, ("UPDATE",)),),
    checks=(
        Check(
            "object.spec == oldObject.spec",
            "request.resource.resource + '.spec: must stay as it was made'",
        ),
    ),
)

APPROVERS = Policy(
    name="casemate-approvers.static.k8s.io",
    targets=(Target(GROUP, ("approvaldecisions",), ("CREATE",)),),
    checks=(
        Check(
            f"{callers.PERSON} && {callers.named_as('object.spec.approver')}",
            literal("spec.approver: must be whoever makes the decision, a person")
            + f" + {callers.FOUND_USER}",
        ),
    ),
)

LIFTERS = Policy(
    name="casemate-lifters.static.k8s.io",
    targets=(Target(GROUP, ("killswitches",), ("DELETE",)),),
    checks=(
        Check(
            f"{callers.PERSON} && !{callers.also('oldObject.spec.stoppedBy')}",
            literal("spec.stoppedBy: must be lifted by another person")
            + f" + {callers.FOUND_USER}",
        ),
    ),
)

STATIC: dict[str, tuple[Policy, ...]] = {
    "gateway": (GATEWAYS,),
    "red-lines": (USES, AGREEMENTS),
    "approvals": (UNCHANGED, APPROVERS, LIFTERS),
}
"""The policies by the file that they are generated into."""
