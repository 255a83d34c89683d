"""ModelDeployments: only in an enclave, under a known agreement, from suppliers in good standing.

What only takes away is always accepted: whoever runs a model can stop it, whatever the terms say.
"""

from casemate.admission.cel import listed, text
from casemate.admission.policy import API, ENCLAVE_LABEL, Check, Params, Policy, Target

INDEX = Params("v1", "ConfigMap", name="casemate-terms", namespace="casemate-system")
"""Which agreements and suppliers there are, as the operator says."""

AGREEMENTS = Params(API, "UsageAgreement")
SUPPLIERS = Params(API, "Supplier")
_TARGETS = (Target("casemate.dev", ("modeldeployments",)),)
_FROZEN = ("model", "engine", "use", "agreementRef", "guardrails")

_SAME = " && ".join(f"object.spec.{name} == oldObject.spec.{name}" for name in _FROZEN)
_SHRINKS = (
    f'request.operation == "UPDATE" && {_SAME}'
    ' && object.spec.?profile.orValue("") == oldObject.spec.?profile.orValue("")'
    " && object.spec.replicas <= oldObject.spec.replicas"
    " && (object.spec.suspend || !oldObject.spec.suspend)"
)
_VARIABLES = {
    "shrinks": _SHRINKS,
    "base": 'object.spec.model.?base.?supplier.orValue("")',
    "image": 'object.spec.model.source.?oci.?image.orValue("")',
}
_AGREEMENT = '" is accepted by UsageAgreement " + params.metadata.name'


def _unless_smaller(expression: str, message: str) -> Check:
    return Check(f"variables.shrinks || ({expression})", message)


PLACE = Policy(
    name="casemate-deployment-place",
    targets=_TARGETS,
    variables={"shrinks": _SHRINKS},
    checks=(
        _unless_smaller(
            f'namespaceObject.metadata.?labels[?{text(ENCLAVE_LABEL)}].orValue("") == "true"',
            '"metadata.namespace: found " + request.namespace + "; ModelDeployments are accepted '
            f'in namespaces with label {ENCLAVE_LABEL}=true"',
        ),
    ),
)


def _known(kind: str, value: str, field: str) -> Check:
    """A name that must be in the index."""
    names = (
        f"params.?data.orValue({{}}).map(k, k).filter(k, k.startsWith({text(kind + '.')}))"
        f".map(k, k.substring({len(kind) + 1}))"
    )
    return Check(
        f'{value} == "" || ({text(kind + ".")} + {value}) in params.?data.orValue({{}})',
        f'{text(field + ": found ")} + {value} + "; accepted: " + {names}.join(", ")',
    )


KNOWN = Policy(
    name="casemate-deployment-known",
    targets=_TARGETS,
    params=INDEX,
    when={
        "named-anew": 'request.operation == "CREATE" || object.spec.model != oldObject.spec.model'
        " || object.spec.agreementRef != oldObject.spec.agreementRef"
    },
    variables={"base": _VARIABLES["base"]},
    checks=(
        _known("agreement", "object.spec.agreementRef.name", "spec.agreementRef.name"),
        _known("supplier", "object.spec.model.supplier", "spec.model.supplier"),
        _known("supplier", "variables.base", "spec.model.base.supplier"),
    ),
)

_NOW = "timestamp(object.metadata.creationTimestamp)"
"""The API server's own time, on creation: it stamps an object before it validates it."""

_IMAGES = (
    "[object.spec.engine.image] + (variables.image == '' ? [] : [variables.image])"
    " + object.spec.guardrails.map(g, g.image)"
)
_FOREIGN = "variables.images.filter(i, !params.spec.registries.exists(r, i.startsWith(r + '/')))"
_TAKEN = (
    "object.spec.guardrails.map(g, g.name)"
    ".filter(n, params.spec.requiredGuardrails.exists(r, r.name == n))"
)
_PROFILES = "params.spec.capacity.profiles.map(p, p.name)"


def _among(field: str, value: str, accepted: str, *, empty: bool = False) -> Check:
    """A value that must be in one of the agreement's lists."""
    absent = f'{value} == "" || ' if empty else ""
    return _unless_smaller(
        f"{absent}{value} in {accepted}",
        f'{text(field + ": found ")} + {value} + "; " + {accepted}.join(", ") + {_AGREEMENT}',
    )


AGREEMENT = Policy(
    name="casemate-deployment-agreement",
    targets=_TARGETS,
    params=AGREEMENTS,
    when={"named": "object.spec.agreementRef.name == params.metadata.name"},
    variables={
        **_VARIABLES,
        "images": _IMAGES,
        "foreign": _FOREIGN,
        "taken": _TAKEN,
        "profile": 'object.spec.?profile.orValue("")',
        "phase": 'params.?status.?phase.orValue("Unknown")',
    },
    checks=(
        _unless_smaller(
            'variables.phase == "InForce"',
            '"spec.agreementRef.name: found " + params.metadata.name + " in phase " + '
            'variables.phase + "; accepted: an agreement in phase InForce"',
        ),
        Check(
            f'request.operation != "CREATE" || ({_NOW} >= timestamp(params.spec.term.start)'
            f" && {_NOW} < timestamp(params.spec.term.end))",
            '"spec.agreementRef.name: found " + params.metadata.name + ", whose term is from " + '
            'params.spec.term.start + " to " + params.spec.term.end + "; accepted: an agreement '
            'within its term"',
        ),
        _among("spec.use", "object.spec.use", "params.spec.allowedUses.map(u, u.id)"),
        _among("spec.model.supplier", "object.spec.model.supplier", "params.spec.suppliers"),
        _among("spec.model.base.supplier", "variables.base", "params.spec.suppliers", empty=True),
        _unless_smaller(
            "size(variables.foreign) == 0",
            '"images: found " + variables.foreign.join(", ") + "; " + '
            f'params.spec.registries.join(", ") + {_AGREEMENT}',
        ),
        _unless_smaller(
            "size(variables.taken) == 0",
            '"spec.guardrails: found " + variables.taken.join(", ") + ", required by '
            'UsageAgreement " + params.metadata.name + "; accepted: other names"',
        ),
        _among("spec.profile", "variables.profile", _PROFILES, empty=True),
        _unless_smaller(
            "object.spec.replicas <= params.spec.capacity.maxReplicasEach"
            " && object.spec.replicas <= params.spec.capacity.maxReplicas",
            '"spec.replicas: found " + string(object.spec.replicas) + "; at most " + '
            "string(params.spec.capacity.maxReplicasEach < params.spec.capacity.maxReplicas ? "
            "params.spec.capacity.maxReplicasEach : params.spec.capacity.maxReplicas) + "
            f"{_AGREEMENT}",
        ),
    ),
)

_EFFECTIVE = 'params.spec.directives.filter(d, d.state == "Effective")'
_ORDERED = (
    'request.operation == "CREATE"'
    f" ? {_EFFECTIVE}.exists(d, timestamp(d.effectiveAt) <= {_NOW})"
    # An update carries no time. The operator has judged these very orders, or they count as held.
    f" : {_EFFECTIVE}.size() > 0"
    " && params.?status.?observedGeneration.orValue(-1) != params.metadata.generation"
)
_WHO = '"supplier " + params.metadata.name + '
_BIGGER = '; accepted: another supplier, or fewer pods of what runs"'

SUPPLIER = Policy(
    name="casemate-deployment-supplier",
    targets=_TARGETS,
    params=SUPPLIERS,
    when={
        "behind": "params.metadata.name in [object.spec.model.supplier, "
        'object.spec.model.?base.?supplier.orValue("")]'
    },
    variables={**_VARIABLES, "standing": 'params.?status.?standing.orValue("Unknown")'},
    checks=(
        _unless_smaller(
            'variables.standing == "Approved"', f'{_WHO}" is " + variables.standing + "{_BIGGER}'
        ),
        _unless_smaller(
            f"!({_ORDERED})",
            f'{_WHO}" is under order " + {_EFFECTIVE}.map(d, d.reference).join(", ") + "{_BIGGER}',
        ),
        _unless_smaller(
            'has(params.spec.approval) && (request.operation != "CREATE"'
            " || !has(params.spec.approval.until)"
            f" || {_NOW} < timestamp(params.spec.approval.until))",
            f'{_WHO}" has no approval that holds{_BIGGER}',
        ),
    ),
)

PROVENANCE = Policy(
    name="casemate-deployment-provenance",
    targets=_TARGETS,
    params=SUPPLIERS,
    when={
        "not-behind": "!(params.metadata.name in [object.spec.model.supplier, "
        'object.spec.model.?base.?supplier.orValue("")])'
    },
    variables=_VARIABLES,
    checks=(
        _unless_smaller(
            "!params.spec.?identities.?registries.orValue([])"
            '.exists(r, variables.image.startsWith(r + "/"))',
            '"spec.model.source.oci.image: found " + variables.image + ", which belongs to '
            'supplier " + params.metadata.name + "; accepted as spec.model.supplier: " + '
            "params.metadata.name",
        ),
    ),
)

SCALE = Policy(
    name="casemate-deployment-scale",
    targets=(Target("casemate.dev", ("modeldeployments/scale",), ("UPDATE",)),),
    params=SUPPLIERS,
    when={"grows": "object.spec.?replicas.orValue(0) > oldObject.spec.?replicas.orValue(0)"},
    variables={
        "standing": 'params.?status.?standing.orValue("Unknown")',
        "listed": "params.?status.?inventory.orValue([]).exists(i, "
        "i.deployments.exists(d, d.uid == object.metadata.uid))",
    },
    checks=(
        Check(
            f"!(variables.standing in {listed('PhasingOut', 'Blocked')} && variables.listed)",
            '"spec.replicas: found " + string(object.spec.replicas) + "; supplier " + '
            'params.metadata.name + " is " + variables.standing + ": at most " + '
            'string(oldObject.spec.?replicas.orValue(0)) + " is accepted"',
        ),
    ),
)
