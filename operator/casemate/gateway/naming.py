"""What an answer of the warden about a caller means, and for how long."""

from collections.abc import Mapping
from typing import Any

from casemate.gateway.callers import Caller, named
from casemate.gateway.errors import Reason
from casemate.gateway.link import Said
from casemate.identity import BAD_CALLER, NO_RIGHT

REFUSED_SECONDS = 2.0
"""How long a refusal holds: who is given a right has it soon."""
_REASONS = {(401, BAD_CALLER): Reason.BAD_TOKEN, (403, NO_RIGHT): Reason.NO_RIGHT}
"""The refusals of the warden that are about the caller; any other is about this gateway."""
_OK = 200
_DAY = 86_400.0

Answer = Caller | Reason
"""Who it is, or why nobody."""


def read(said: Said) -> tuple[Answer, float]:
    """Return what the warden says of a caller, and how many seconds it holds.

    Raises:
        ValueError: It is about this gateway, or none at all; says which.
    """
    reason = said.body.get("reason")
    refused = _REASONS.get((said.status, str(reason)))
    if refused is not None:
        return refused, REFUSED_SECONDS
    if said.status != _OK:
        raise ValueError(f"status {said.status}, {str(reason)[:40]!r}")
    return _caller(said.body), _seconds(said.body.get("seconds"))


def _caller(body: Mapping[str, Any]) -> Caller:
    username, uid, groups = (body.get(key) for key in ("username", "uid", "groups"))
    if not isinstance(username, str) or not username or not isinstance(uid, str):
        raise ValueError("no name in it")
    if not isinstance(groups, list) or not all(isinstance(one, str) for one in groups):
        raise ValueError("no groups in it")
    return named(username, uid, groups)


def _seconds(given: Any) -> float:
    # Not isinstance: a bool is an int.
    if type(given) not in (int, float) or not 0 <= given < _DAY:
        raise ValueError("no seconds in it")
    return float(given)
