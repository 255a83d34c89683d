"""What whoever breaks the glass leaves: a note on the object, and a line in the audit log."""

from casemate.admission import callers
from casemate.admission.policy import Check
from casemate.api.rules import literal
from casemate.core.names import BREAK_GLASS_ANNOTATION

_REASON_CHARACTERS = 10
"""Shortest reason: less says nothing to whoever reads it later."""

_SHOWN = 200
"""How much of a wrong note a message repeats: the API server drops messages above 5 KiB."""

AUDIT_KEY = "break-glass"
"""Key of the audit annotation; the API server puts the policy's name before it."""

NOTE = {
    "standing": callers.STANDING,
    # What is removed has no later state that could carry a note.
    "note": "(object == null ? oldObject : object).metadata.?annotations"
    f"[?{literal(BREAK_GLASS_ANNOTATION)}].orValue('')",
    "signature": "request.userInfo.username + ': '",
}
"""Variables of every policy that the checks below go into."""

_MUST = (
    f"metadata.annotations {BREAK_GLASS_ANNOTATION}: who breaks the glass says who and why on the"
    " object that is written, or, before a DELETE, on the object as it is; must be "
)
_REASON = f"REASON', with a REASON of at least {_REASON_CHARACTERS} characters; found '"
_FOUND = (
    f"(variables.note.size() > {_SHOWN} ? variables.note.substring(0, {_SHOWN}) : variables.note)"
)


MAIN_ONLY = Check(
    "variables.standing || request.?subResource.orValue('') == ''",
    "request.resource.resource + '/' + request.subResource + "
    + literal(
        ": carries no note of who breaks the glass and why; accepted on the main resource, with an"
        " annotation "
    )
    + f" + {literal(BREAK_GLASS_ANNOTATION)}",
)
"""The check for policies that look at subresources too."""


def noted(harmless: str = "") -> Check:
    """Return the check that break-glass leaves its note, unless a write is harmless anyway."""
    excused = f"{harmless} || variables.standing" if harmless else "variables.standing"
    return Check(
        f"{excused} || (variables.note.startsWith(variables.signature) &&"
        " variables.note.substring(variables.signature.size()).trim().size() >="
        f" {_REASON_CHARACTERS})",
        f'{literal(_MUST)} + "\'" + variables.signature + {literal(_REASON)} + {_FOUND} + "\'"',
    )


def audit(what: str = "variables.note", unless: str = "variables.standing") -> dict[str, str]:
    """Return the audit annotation of a use of break-glass.

    It stands at refused attempts too, which the entry's status tells apart: what the API server
    evaluates for its log may not ask for rights.

    Args:
        what: CEL of what it says.
        unless: CEL that is true where the right was not needed.
    """
    return {AUDIT_KEY: f"{unless} ? '' : {what}"}


CONNECTED = (
    "request.userInfo.username + ': ' + request.resource.resource + '/' + request.subResource"
    " + ' ' + request.name"
)
"""CEL of what the audit log says where there is no object to carry a note."""
