"""What a ModelDeployment must name and keep to: its place, known names, and its agreement."""

from casemate.admission.expressions import (
    ASKS,
    BASE_SUPPLIER,
    CLOCK,
    CREATES,
    DEPLOYMENTS,
    MODEL_IMAGE,
    contained,
    differs,
    listed,
    say,
)
from casemate.admission.policy import ENCLAVE_LABEL, Check, Params, Policy, Target
from casemate.api.v1alpha1 import API_VERSION
from casemate.core.agreements import IN_FORCE
from casemate.core.names import TERMS_INDEX

INDEX = Params(API_VERSION, "TermsIndex", TERMS_INDEX)
"""Which agreements and suppliers there are, as the operator says."""

PLACE = Policy(
    name="casemate-deployment-place",
    targets=(Target(*DEPLOYMENTS),),
    when=ASKS,
    checks=(
        Check(
            f"namespaceObject.metadata.?labels[?'{ENCLAVE_LABEL}'].orValue('') == 'true'",
            say(
                "metadata.namespace: {} is no place for models; accepted: a namespace with the "
                f"label {ENCLAVE_LABEL}=true",
                "object.metadata.namespace",
            ),
        ),
    ),
)


def _known(kind: str) -> str:
    name = f"key.substring({len(kind) + 1})"
    return f"variables.index.map(key, key.startsWith('{kind}.'), {name}).sort()"


def _is_known(kind: str, field: str, name: str) -> Check:
    return Check(
        f"'{kind}.' + {name} in variables.index",
        say(f"spec.{field}: no {kind} {{}} is known; accepted: {{}}", name, listed(_known(kind))),
    )


# A policy that runs once for every agreement cannot see that none has the name, hence the index.
KNOWN = Policy(
    name="casemate-deployment-known",
    targets=(Target(*DEPLOYMENTS),),
    params=INDEX,
    when={
        "names": f"{CREATES} || "
        + differs("agreementRef.name", "model.supplier", "model.base.supplier")
    },
    variables={"index": "params.?data.orValue({})"},
    checks=(
        _is_known("agreement", "agreementRef.name", "object.spec.agreementRef.name"),
        _is_known("supplier", "model.supplier", "object.spec.model.supplier"),
        Check(
            f"{BASE_SUPPLIER} == '' || 'supplier.' + {BASE_SUPPLIER} in variables.index",
            say(
                "spec.model.base.supplier: no supplier {} is known; accepted: {}",
                BASE_SUPPLIER,
                listed(_known("supplier")),
            ),
        ),
    ),
)

_NAME = "params.metadata.name"
_TERM = "params.spec.term"
_USES = "params.spec.allowedUses.map(one, one.id)"
_SUPPLIERS = "params.spec.suppliers"
_PROFILES = "params.spec.capacity.profiles.map(one, one.name)"
_PROFILE = "object.spec.?profile.orValue('')"
_REQUIRED = "params.spec.requiredGuardrails.map(one, one.name)"
_PORTS = "params.spec.requiredGuardrails.map(one, one.port)"
_SAID = "params.spec.requiredGuardrails.map(one, string(one.port))"
_SHARED = f"object.spec.guardrails.filter(one, one.port in {_PORTS}).map(one, string(one.port))"
_TAKEN = f"object.spec.guardrails.filter(one, one.name in {_REQUIRED}).map(one, one.name)"


def _from_registries(image: str) -> str:
    return f"params.spec.registries.exists(one, {image}.startsWith(one + '/'))"


_ELSEWHERE = (
    f"object.spec.guardrails.map(one, one.image).filter(image, !{_from_registries('image')})"
)
_CIDRS = "params.spec.enclaveCIDRs"
_OUTSIDE = (
    "object.spec.access.egress.filter(one, has(one.cidr)).map(one, one.cidr)"
    f".filter(block, !{contained('block', _CIDRS)})"
)


def _allowed(expression: str, field: str, found: str, accepted: str) -> Check:
    text = f"spec.{field}: {{}} is not in agreement {{}}; accepted: {{}}"
    return Check(expression, say(text, found, _NAME, accepted))


def _at_most(limit: str) -> Check:
    most = f"params.spec.capacity.{limit}"
    return Check(
        f"object.spec.replicas <= {most}",
        say(
            f"spec.replicas: {{}} is more than capacity.{limit} of agreement {{}}; accepted: at "
            "most {}",
            *("object.spec.replicas", _NAME, most),
        ),
    )


AGREEMENT = Policy(
    name="casemate-deployment-agreement",
    targets=(Target(*DEPLOYMENTS),),
    params=Params(API_VERSION, "UsageAgreement"),
    when={**ASKS, "named": f"{_NAME} == object.spec.agreementRef.name"},
    variables=CLOCK,
    checks=(
        Check(
            f"params.?status.?phase.orValue('') == '{IN_FORCE}'",
            say(
                "spec.agreementRef.name: agreement {} is {}; accepted: an agreement whose phase "
                f"is {IN_FORCE}",
                *(_NAME, "params.?status.?phase.orValue('not judged yet')"),
            ),
        ),
        Check(
            f"timestamp({_TERM}.start) <= variables.now",
            say(
                "spec.agreementRef.name: agreement {} has not begun at {}; accepted: from {} on",
                *(_NAME, "variables.now", f"{_TERM}.start"),
            ),
        ),
        Check(
            f"variables.now < timestamp({_TERM}.end)",
            say(
                "spec.agreementRef.name: agreement {} is over at {}; accepted: before {}",
                *(_NAME, "variables.now", f"{_TERM}.end"),
            ),
        ),
        _allowed(f"object.spec.use in {_USES}", "use", "object.spec.use", listed(_USES)),
        _allowed(
            f"object.spec.model.supplier in {_SUPPLIERS}",
            *("model.supplier", "object.spec.model.supplier", listed(_SUPPLIERS)),
        ),
        _allowed(
            f"{BASE_SUPPLIER} == '' || {BASE_SUPPLIER} in {_SUPPLIERS}",
            *("model.base.supplier", BASE_SUPPLIER, listed(_SUPPLIERS)),
        ),
        _allowed(
            f"{MODEL_IMAGE} == '' || {_from_registries(MODEL_IMAGE)}",
            *("model.source.oci.image", MODEL_IMAGE),
            "'images of ' + " + listed("params.spec.registries"),
        ),
        _allowed(
            _from_registries("object.spec.engine.image"),
            *("engine.image", "object.spec.engine.image"),
            "'images of ' + " + listed("params.spec.registries"),
        ),
        _allowed(
            f"size({_ELSEWHERE}) == 0",
            *("guardrails[*].image", listed(_ELSEWHERE)),
            "'images of ' + " + listed("params.spec.registries"),
        ),
        Check(
            f"size({_TAKEN}) == 0",
            say(
                "spec.guardrails[*].name: {} is required by agreement {} already; accepted: names "
                "other than {}",
                *(listed(_TAKEN), _NAME, listed(_REQUIRED)),
            ),
        ),
        # A pod's containers share one loopback: who had the port would answer in the guard's place.
        Check(
            f"size({_SHARED}) == 0",
            say(
                "spec.guardrails[*].port: {} is the port of a guardrail that agreement {} requires"
                "; accepted: ports other than {}",
                *(listed(_SHARED), _NAME, listed(_SAID)),
            ),
        ),
        Check(
            f"!has(object.spec.engine.port) || !(object.spec.engine.port in {_PORTS})",
            say(
                "spec.engine.port: {} is the port of a guardrail that agreement {} requires; "
                "accepted: a port other than {}",
                *("object.spec.engine.port", _NAME, listed(_SAID)),
            ),
        ),
        _allowed(
            f"{_PROFILE} == '' || {_PROFILE} in {_PROFILES}",
            *("profile", _PROFILE, listed(_PROFILES)),
        ),
        _allowed(
            f"size({_OUTSIDE}) == 0",
            *("access.egress[*].cidr", listed(_OUTSIDE)),
            "'blocks inside ' + " + listed(_CIDRS),
        ),
        _at_most("maxReplicasEach"),
        _at_most("maxReplicas"),
    ),
)
