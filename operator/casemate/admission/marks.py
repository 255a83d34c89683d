"""Labels and annotations of pods: what tells a model pod from others must stay as it was made."""

from casemate.admission.cel import PREFIX, annotations, labels, ours, same
from casemate.admission.policy import Check, Policy, Target
from casemate.api.rules import literal

_ANY = f"exists(k, k.startsWith({literal(PREFIX)}))"
_MARKED = " || ".join(
    f"{marks(owner)}.{_ANY}" for owner in ("object", "oldObject") for marks in (labels, annotations)
)
_BOUND = "topology.kubernetes.io/"

POD_MARKS = Policy(
    name="casemate-pod-marks",
    # The status is written by whoever runs a node, and labels can be written along with it.
    targets=(Target("", ("pods", "pods/status"), ("UPDATE",)),),
    when={"marked": _MARKED},
    variables={
        "labels": labels("object"),
        "before": labels("oldObject"),
        "notes": annotations("object"),
        "noted": annotations("oldObject"),
    },
    checks=(
        Check(
            same("variables.labels", "variables.before", PREFIX),
            literal(f"metadata.labels: {PREFIX}* must not change on a pod; make the pod anew"),
        ),
        Check(
            same("variables.notes", "variables.noted", PREFIX),
            literal(f"metadata.annotations: {PREFIX}* must not change on a pod; make the pod anew"),
        ),
        Check(
            # Another label could bring a model pod under a NetworkPolicy or Service of others.
            f"!({ours('oldObject')}) || {same('variables.labels', 'variables.before')}",
            literal("metadata.labels: must not change on a model pod"),
        ),
    ),
)

BINDINGS = Policy(
    name="casemate-bindings",
    # What a binding carries is copied to the pod, past every policy on pods.
    targets=(Target("", ("pods/binding", "bindings"), ("CREATE",)),),
    checks=(
        Check(
            f"{labels('object')}.all(k, k.startsWith({literal(_BOUND)}))",
            literal(f"metadata.labels: {_BOUND}* is accepted on a binding"),
        ),
        Check(
            f"!{annotations('object')}.{_ANY}",
            literal(f"metadata.annotations: {PREFIX}* is not accepted on a binding; others are"),
        ),
    ),
    enclaves_only=True,
)
