"""Names of approval objects: a decision's name says whose it is, so nobody decides twice."""

import re

from casemate.api.approval import REQUEST_NAME_LENGTH, Verdict
from casemate.api.persons import spelled_in_cel, spelled_name
from casemate.api.rules import Rule, literal

DECISION_NAME_LENGTH = 253
"""The longest name that Kubernetes takes."""

_REQUEST = re.compile("[a-z0-9](?:[-a-z0-9]*[a-z0-9])?")
_SAYS, _REVOKES = ".by-", ".revoked-by-"
_DECISION = re.compile(rf"{_REQUEST.pattern}\.(?:revoked-)?by-[-a-z0-9]*[a-z0-9]")

REQUEST_NAME_RULE = Rule(
    cel=f"self.metadata.name.matches({literal(f'^(?:{_REQUEST.pattern})$')})",
    message="must be lower-case letters, digits and '-', at most "
    f"{REQUEST_NAME_LENGTH} characters, not starting or ending in '-'",
    finding="self.metadata.name",
    field=".metadata.name",
    holds=lambda name: len(name) <= REQUEST_NAME_LENGTH and _REQUEST.fullmatch(name) is not None,
)

DECISION_NAME_RULE = Rule(
    cel=f"self.metadata.name.matches({literal(f'^(?:{_DECISION.pattern})$')})",
    message="must be REQUEST.by-APPROVER, or REQUEST.revoked-by-APPROVER for verdict Revoke, where "
    "in APPROVER each character but a-z and 0-9 is '-' and its UTF-8 in hex",
    finding="self.metadata.name",
    field=".metadata.name",
    holds=lambda name: len(name) <= DECISION_NAME_LENGTH and _DECISION.fullmatch(name) is not None,
)
"""The form of a name; that it is this approver's costs too much to say here: admission says it."""


def decision_name(request: str, verdict: Verdict, username: str) -> str:
    """Return the one name that a person's decision about a request can have."""
    return f"{request}{_REVOKES if verdict == 'Revoke' else _SAYS}{spelled_name(username)}"


def decision_name_in_cel(spec: str) -> str:
    """Return the CEL text of that name for the spec of a decision."""
    what = f"({spec}.verdict == 'Revoke' ? '{_REVOKES}' : '{_SAYS}')"
    return f"{spec}.request.name + {what} + {spelled_in_cel(f'{spec}.approver.username')}"
