"""Children of ModelDeployments: written by the operator; and what else could open their pods."""

from casemate.admission import callers, glass
from casemate.admission.cel import ours
from casemate.admission.pods import LABEL_KEYS
from casemate.admission.policy import OPERATOR, Check, Policy, Target
from casemate.api.rules import literal
from casemate.core.names import GUARD_SUFFIX, NAME_LABEL

_WRITES = ("CREATE", "UPDATE", "DELETE")
_ENDPOINTS = (
    Target("", ("endpoints",), _WRITES),
    Target("discovery.k8s.io", ("endpointslices",), _WRITES),
)


def _of_model(owner: str) -> str:
    """Tell whether an object is a child, would make model pods, or is the scale of a child."""
    template = f"{owner}.?spec.?template.?metadata.?labels.orValue({{}})"
    selector = f"{owner}.?status.?selector.orValue('')"
    scale = f"request.subResource == 'scale' && {selector}.contains({literal(NAME_LABEL)})"
    return f"{owner} != null && ({ours(owner)} || {literal(NAME_LABEL)} in {template} || {scale})"


def _trusted(accepted: str) -> Check:
    """Return the check on who writes; its message begins with the resource, ends with the user."""
    message = f"request.resource.resource + {literal(accepted)} + {callers.FOUND_USER}"
    return Check(callers.TRUSTED, message)


CHILDREN = Policy(
    name="casemate-children",
    targets=(
        Target("apps", ("deployments", "deployments/*", "replicasets", "replicasets/*"), _WRITES),
        Target("networking.k8s.io", ("networkpolicies",), _WRITES),
        Target("policy", ("poddisruptionbudgets", "poddisruptionbudgets/status"), _WRITES),
        Target("", ("services", "services/status", "serviceaccounts", "configmaps"), _WRITES),
        *_ENDPOINTS,
    ),
    when={"of-a-model": f"({_of_model('object')}) || ({_of_model('oldObject')})"},
    variables=glass.NOTE,
    checks=(
        _trusted(
            f" with label {NAME_LABEL}: written by {callers.TRUSTED_TEXT}; change the"
            " ModelDeployment instead"
        ),
        glass.MAIN_ONLY,
        glass.noted(),
    ),
    audit=glass.audit(),
)


def _is_policy(owner: str) -> str:
    name = f"{owner}.metadata.labels[{literal(NAME_LABEL)}] + {literal(GUARD_SUFFIX)}"
    return f"{ours(owner)} && {owner}.metadata.name == {name}"


CONFIG_MAPS = Policy(
    name="casemate-operator-configmaps",
    # RBAC knows neither labels nor ends of names, and cluster components keep theirs in ConfigMaps.
    targets=(Target("", ("configmaps",), _WRITES),),
    when={"by-the-operator": f"request.userInfo.username == {literal(OPERATOR)}"},
    checks=(
        Check(
            " || ".join(f"({one} != null && {_is_policy(one)})" for one in ("object", "oldObject")),
            literal(
                f"configmaps: the Casemate operator is accepted to write NAME{GUARD_SUFFIX} with"
                f" label {NAME_LABEL}=NAME only; found "
            )
            + " + request.name",
        ),
    ),
)

# Labels that model pods have with one value only: another value selects others.
_FIXED = {
    "app.kubernetes.io/name": "model",
    "app.kubernetes.io/component": "model",
    "app.kubernetes.io/part-of": "casemate",
    "app.kubernetes.io/managed-by": "casemate",
}
_FIXED_CEL = "{" + ", ".join(f"{literal(k)}: {literal(v)}" for k, v in _FIXED.items()) + "}"
_OURS = " || ".join(f"k.startsWith({literal(key)})" for key in LABEL_KEYS)


def _misses(pairs: str) -> str:
    """Tell whether labels that are asked for are such as no model pod has."""
    other = f"(k in variables.fixed && variables.fixed[k] != {pairs}[k])"
    return f"{pairs}.exists(k, !({_OURS}) || {other})"


_EXPRESSIONS = (
    "variables.selector.?matchExpressions.orValue([]).exists(e,"
    f" (e.operator == 'DoesNotExist' && e.key == {literal(NAME_LABEL)}) ||"
    f" (e.operator in ['In', 'Exists'] && [e.key].all(k, !({_OURS}))))"
)


def _of_others(name: str, target: Target, selector: str, harmless: str, message: str) -> Policy:
    """Return the policy on what others write in an enclave, and what could select model pods.

    Args:
        name: Name of the policy.
        target: What it looks at.
        selector: CEL of the labels that an object asks for: the variable `selector`.
        harmless: CEL that is true where no model pod is selected, or nothing comes of it.
        message: What is accepted.
    """
    return Policy(
        name=name,
        targets=(target,),
        # What carries the label is a child, and refused as one.
        when={"of-others": f"!({ours('object')}) && (oldObject == null || !({ours('oldObject')}))"},
        variables={
            "selector": selector,
            "fixed": _FIXED_CEL,
            "harmless": harmless,
            **glass.NOTE,
        },
        checks=(
            Check(f"variables.harmless || {callers.TRUSTED}", literal(message)),
            glass.noted("variables.harmless"),
        ),
        audit=glass.audit(unless="variables.harmless || variables.standing"),
        enclaves_only=True,
    )


NETWORK_POLICIES = _of_others(
    "casemate-network-policies",
    # Policies only ever add: a second one is a way in.
    Target("networking.k8s.io", ("networkpolicies",)),
    "object.spec.?podSelector.orValue({})",
    "(object.spec.?ingress.orValue([]).size() == 0 &&"
    " object.spec.?egress.orValue([]).size() == 0) ||"
    f" {_misses('variables.selector.?matchLabels.orValue({})')} || {_EXPRESSIONS}",
    "spec.podSelector: must not match model pods if anything is allowed. Name a label of your own,"
    f" or {NAME_LABEL} with DoesNotExist; accepted otherwise from {callers.TRUSTED_TEXT}",
)

SERVICES = _of_others(
    "casemate-services",
    Target("", ("services",)),
    "object.spec.?selector.orValue({})",
    f"variables.selector.size() == 0 || {_misses('variables.selector')}",
    "spec.selector: must not match model pods: name a label of your own; accepted otherwise from"
    f" {callers.TRUSTED_TEXT}",
)

ENDPOINTS = Policy(
    name="casemate-endpoints",
    # They name addresses, not labels: one more sends a model's clients elsewhere.
    targets=_ENDPOINTS,
    variables=glass.NOTE,
    checks=(
        _trusted(
            f": written in an enclave by {callers.TRUSTED_TEXT}; a Service with a selector gets"
            " its endpoints by itself"
        ),
        glass.noted(),
    ),
    audit=glass.audit(),
    enclaves_only=True,
)
