"""Model pods and the agreement that they were made under: it exists, and its guards are there."""

from casemate.admission.cel import annotations
from casemate.admission.deployments import INDEX
from casemate.admission.expressions import listed
from casemate.admission.policy import Check, Params, Policy, Target
from casemate.api.rules import literal
from casemate.api.v1alpha1 import API_VERSION
from casemate.core.names import NAME_LABEL, TERMS_ANNOTATION

_PODS = (Target("", ("pods",), ("CREATE",)),)
_TERMS = f"{annotations('object')}[?{literal(TERMS_ANNOTATION)}].orValue('')"
_NAME = f"{_TERMS}.split('@')[0]"

KNOWN = Policy(
    name="casemate-pod-terms",
    targets=_PODS,
    params=INDEX,
    labelled=NAME_LABEL,
    checks=(
        Check(
            f"('agreement.' + {_NAME}) in params.?data.orValue({{}})",
            f"{literal(f'metadata.annotations {TERMS_ANNOTATION}: must name a UsageAgreement')}"
            f" + ' that exists, NAME@sha256:…; found ' + {_TERMS}",
        ),
    ),
)

_SIDECAR = (
    "object.spec.?initContainers.orValue([]).exists(c, c.name == 'guardrail-' + g.name"
    " && c.image == g.image && c.?restartPolicy.orValue('') == 'Always')"
)
_MISSING = (
    f"params.spec.requiredGuardrails.filter(g, !{_SIDECAR})"
    ".map(g, 'guardrail-' + g.name + ' of ' + g.image)"
)

REQUIRED = Policy(
    name="casemate-pod-guardrails",
    targets=_PODS,
    params=Params(API_VERSION, "UsageAgreement"),
    when={"under-it": f"{_NAME} == params.metadata.name"},
    labelled=NAME_LABEL,
    checks=(
        Check(
            f"size({_MISSING}) == 0",
            literal("spec.initContainers: lacks native sidecars that UsageAgreement ")
            + " + params.metadata.name + ' requires; accepted: a pod with '"
            f" + {listed(_MISSING)}",
        ),
    ),
)
