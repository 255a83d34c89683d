"""The kill switch: one person stops, another lets go, and both leave their names."""

from casemate.admission import callers
from casemate.admission.cel import annotations
from casemate.admission.expressions import say
from casemate.admission.policy import Check, Policy, Target
from casemate.api.rules import literal
from casemate.api.v1alpha1 import GROUP
from casemate.core.names import LIFT_ANNOTATION

_SWITCHES = "killswitches"
_USER = "request.userInfo.username"
_REASON_CHARACTERS = 10


def _may(verb: str, owner: str) -> Check:
    return Check(
        f"authorizer.group('{GROUP}').resource('{_SWITCHES}').name({owner}.metadata.name)"
        f".check('{verb}').allowed()",
        say(
            f"{_SWITCHES}: {{}} has not the RBAC verb {verb} on {_SWITCHES} in {GROUP}; accepted: "
            "who has it",
            _USER,
        ),
    )


_PEOPLE = Check(
    callers.PERSON,
    say(f"{_SWITCHES}: accepted from people, not from programs; found {{}}", _USER),
)
_STOPPED_BY = "object.spec.stoppedBy"

STOPPED = Policy(
    name="casemate-kill-switches",
    targets=(Target(GROUP, (_SWITCHES,), ("CREATE",)),),
    checks=(
        _PEOPLE,
        _may("stop", "object"),
        Check(
            callers.named_as(_STOPPED_BY),
            say(
                "spec.stoppedBy: found {} with uid '{}'; accepted: whoever stops, {} with uid '{}'",
                *(f"{_STOPPED_BY}.username", f"{_STOPPED_BY}.uid"),
                *(_USER, "request.userInfo.?uid.orValue('')"),
            ),
        ),
        Check(
            f"!({literal(LIFT_ANNOTATION)} in {annotations('object')})",
            literal(f"metadata.annotations {LIFT_ANNOTATION}: accepted once it is stopped"),
        ),
    ),
)

_STOPPER = "oldObject.spec.stoppedBy"
_SIGNATURE = f"{_USER} + ': '"
_ANOTHER = Check(
    f"!{callers.also(_STOPPER)}",
    say(
        "spec.stoppedBy: {} stopped it; accepted to lift it: another person",
        f"{_STOPPER}.username",
    ),
)


def _signed(owner: str) -> Check:
    note = f"{annotations(owner)}[?{literal(LIFT_ANNOTATION)}].orValue('')"
    reason = f"{note}.substring(size({_SIGNATURE})).trim()"
    return Check(
        f"{note}.startsWith({_SIGNATURE}) && size({reason}) >= {_REASON_CHARACTERS}",
        say(
            f"metadata.annotations {LIFT_ANNOTATION}: who lifts it says so and why on the switch, "
            f"before it goes; accepted: '{{}}REASON', with a REASON of at least "
            f"{_REASON_CHARACTERS} characters",
            _SIGNATURE,
        ),
    )


NOTED = Policy(
    name="casemate-kill-switches-noted",
    # Whatever else is written on one comes with the note of whoever lifts it.
    targets=(Target(GROUP, (_SWITCHES, f"{_SWITCHES}/*"), ("UPDATE",)),),
    checks=(_PEOPLE, _may("lift", "oldObject"), _ANOTHER, _signed("object")),
)

LIFTED = Policy(
    name="casemate-kill-switches-lifted",
    targets=(Target(GROUP, (_SWITCHES,), ("DELETE",)),),
    checks=(_PEOPLE, _may("lift", "oldObject"), _ANOTHER, _signed("oldObject")),
)

KILL_SWITCHES = (STOPPED, NOTED, LIFTED)
