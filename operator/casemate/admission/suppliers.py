"""What a Supplier's standing forbids: new deployments of its models, growth, and scaling up."""

from casemate.admission.expressions import (
    BASE_SUPPLIER,
    CLOCK,
    CREATES,
    DEPLOYMENTS,
    MODEL_IMAGE,
    REDUCES,
    differs,
    listed,
    say,
)
from casemate.admission.policy import Check, Params, Policy, Target
from casemate.api.v1alpha1 import API_VERSION, GROUP, PLURAL
from casemate.core.standing import APPROVED, BLOCKED, EFFECTIVE, PHASING_OUT

_NAME = "params.metadata.name"
_STANDING = "params.?status.?standing"
_EFFECTIVE = f"params.spec.directives.filter(one, one.state == '{EFFECTIVE}')"
# The operator's standing.in_force, for one moment: stays that overlap need not be made one here.
_STAYED = (
    "one.?stays.orValue([]).exists(stay, timestamp(stay.from) <= variables.now"
    " && (!has(stay.until) || variables.now < timestamp(stay.until)))"
)
_IN_EFFECT = f"{_EFFECTIVE}.filter(one, timestamp(one.effectiveAt) <= variables.now && !{_STAYED})"
_CURRENT = (
    f"({_STANDING}.orValue('') == '{APPROVED}' && params.status.observedGeneration"
    " == params.metadata.generation)"
)
_UNTIL = "params.spec.?approval.?until.orValue('')"


def _devices(which: str, kind: str) -> str:
    amounts = f"{which}.spec.engine.?resources.?{kind}.orValue({{}})"
    return f"{amounts}.filter(key, key.contains('/'))"


def _more_devices(kind: str) -> str:
    now = f"object.spec.engine.resources.{kind}[key]"
    # dyn: with a plain 0 the checker takes every quantity for a number and binds string(int) alone.
    before = f"oldObject.spec.engine.?resources.?{kind}[?key].orValue(dyn(0))"
    greater = f"quantity(string({now})).isGreaterThan(quantity(string({before})))"
    return f"{_devices('object', kind)}.exists(key, {greater})"


# A profile gives its own resources where the deployment names none, and is not to be seen here.
_LEAVES_TO_PROFILE = (
    f"(has(object.spec.profile) && size({_devices('object', 'limits')}) == 0"
    f" && size({_devices('oldObject', 'limits')}) > 0)"
)
_GROWS = " || ".join(
    (
        "object.spec.replicas > oldObject.spec.replicas",
        "oldObject.spec.suspend && !object.spec.suspend",
        *map(_more_devices, ("limits", "requests")),
        differs("profile"),
        _LEAVES_TO_PROFILE,
    )
)
_FIELD = (
    f"({_NAME} == object.spec.model.supplier ? 'spec.model.supplier' : 'spec.model.base.supplier')"
)

SUPPLIER = Policy(
    name="casemate-deployment-supplier",
    targets=(Target(*DEPLOYMENTS),),
    params=Params(API_VERSION, "Supplier"),
    when={
        "named": f"{_NAME} in [object.spec.model.supplier, {BASE_SUPPLIER}]",
        "grows": f"{CREATES} || !{REDUCES} && ({differs('model', 'engine.image')} || {_GROWS})",
    },
    variables=CLOCK,
    checks=(
        Check(
            f"{_STANDING}.orValue('') == '{APPROVED}'",
            say(
                "{}: supplier {} is {}; accepted: a supplier whose standing is Approved; of this "
                "one only fewer replicas, suspend, or a change to another supplier",
                *(_FIELD, _NAME, f"{_STANDING}.orValue('not judged yet')"),
            ),
        ),
        Check(
            f"size({_IN_EFFECT}) == 0",
            say(
                "{}: supplier {} is under directive {} in effect; accepted: a supplier without",
                *(_FIELD, _NAME, listed(f"{_IN_EFFECT}.map(one, one.reference)")),
            ),
        ),
        Check(
            f"{CREATES} || size({_EFFECTIVE}) == 0 || {_CURRENT}",
            say(
                "{}: supplier {} is under directive {}, not judged yet; accepted: once its status "
                "is Approved for generation {}",
                *(_FIELD, _NAME, listed(f"{_EFFECTIVE}.map(one, one.reference)")),
                "params.metadata.generation",
            ),
        ),
        Check(
            "has(params.spec.approval)",
            say(
                "{}: supplier {} has no approval; accepted: a supplier with spec.approval",
                *(_FIELD, _NAME),
            ),
        ),
        Check(
            f"{_UNTIL} == '' || variables.now < timestamp({_UNTIL})",
            say(
                "{}: the approval of supplier {} ended at {}; accepted: a supplier whose approval "
                "lasts",
                *(_FIELD, _NAME, _UNTIL),
            ),
        ),
    ),
)

ORIGIN = Policy(
    name="casemate-deployment-origin",
    targets=(Target(*DEPLOYMENTS),),
    params=Params(API_VERSION, "Supplier"),
    when={
        "another": f"{_NAME} != object.spec.model.supplier",
        "new": f"{CREATES} || {differs('model')}",
    },
    checks=(
        Check(
            f"!params.spec.identities.registries.exists(one, {MODEL_IMAGE}.startsWith(one + '/'))",
            say(
                "spec.model.supplier: the image {} belongs to supplier {}, not {}; accepted: {}, "
                "or an image from outside {}",
                *(MODEL_IMAGE, _NAME, "object.spec.model.supplier", _NAME),
                listed("params.spec.identities.registries"),
            ),
        ),
    ),
)

# A Scale names no supplier, only the deployment's uid: the inventory tells whose it is. Where no
# supplier is left, none is phased out.
SCALE = Policy(
    name="casemate-deployment-scale",
    targets=(Target(GROUP, (f"{PLURAL}/scale",), ("UPDATE",)),),
    params=Params(API_VERSION, "Supplier", absent="Allow"),
    when={
        "grows": "object.spec.?replicas.orValue(0) > oldObject.spec.?replicas.orValue(0)",
        "ending": f"{_STANDING}.orValue('') in ['{PHASING_OUT}', '{BLOCKED}']",
    },
    checks=(
        Check(
            "!params.status.?inventory.orValue([]).exists(order, "
            "order.deployments.exists(one, one.uid == oldObject.metadata.uid))",
            say(
                "spec.replicas: {} is more than {} while supplier {} is {}; accepted: at most {}",
                *("object.spec.replicas", "oldObject.spec.?replicas.orValue(0)", _NAME),
                *("params.status.standing", "oldObject.spec.?replicas.orValue(0)"),
            ),
        ),
    ),
)
