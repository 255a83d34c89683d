"""What the warden says about held requests, and what that means for their callers.

Everything in it that is passed on, some of it in headers, is checked for its form first.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from casemate import holds
from casemate.evidence import DECISION_HEADER
from casemate.gateway.errors import Cause, Reason, Refusal
from casemate.gateway.intake import is_approval
from casemate.gateway.link import Said

_RECORD = re.compile(r"[a-z0-9](?:[-a-z0-9.]{0,252}[a-z0-9])?/(?:0|[1-9][0-9]{0,15})")
_EXPIRES = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z", re.ASCII)
_MOST_APPROVERS = 10
_MOST_WORDS = 400
"""Characters of what the warden tells people that are passed on."""
_RETRY_SECONDS = "60"
_TOLD: Mapping[tuple[int, str], str] = MappingProxyType(
    {
        (403, holds.UNKNOWN): "There is no such approval",
        (403, holds.PENDING): "The approval has not been given yet",
        (403, holds.DENIED): "The approval was denied",
        (403, holds.EXPIRED): "The approval has expired",
        (403, holds.REVOKED): "The approval was taken back",
        (403, holds.SPENT): "The approval is spent: each lets one request go, once",
        (403, holds.ANOTHER): "The approval is for another request, caller or model",
        (403, holds.STOPPED): "This model is stopped",
        (413, holds.TOO_LARGE): "This request is too large to be held for people",
        (429, holds.TOO_MANY): "Too many requests wait for people",
    }
)
"""What callers are told, by status and reason of the warden's answer."""


class Asked(NamedTuple):
    """A hold.

    Attributes:
        record: The request's record.
        name: Of the approval.
        expires: When it is too late, in RFC 3339.
        approvers: People that it takes.
    """

    record: str
    name: str
    expires: str
    approvers: int

    @property
    def told(self) -> dict[str, Any]:
        """What the caller's program may read of it."""
        return {"name": self.name, "expires": self.expires, "approvers": self.approvers}


def read(body: Mapping[str, Any]) -> Asked:
    """Read the answer to a request that was to be held.

    Raises:
        ValueError: It is none; says what is wrong, and quotes nothing.
    """
    approval = body.get("approval")
    if not is_record(body.get("id")) or not isinstance(approval, dict):
        raise ValueError("without a record or an approval")
    name, expires = approval.get("name"), approval.get("expires")
    approvers = approval.get("approvers")
    if not isinstance(name, str) or not is_approval(name):
        raise ValueError("without an approval's name")
    if not isinstance(expires, str) or not _EXPIRES.fullmatch(expires):
        raise ValueError("without an expiry")
    if type(approvers) is not int or not 1 <= approvers <= _MOST_APPROVERS:
        raise ValueError("without a number of approvers")
    return Asked(str(body["id"]), name, expires, approvers)


def is_record(name: object) -> bool:
    """Whether it can be the name of a record."""
    return isinstance(name, str) and _RECORD.fullmatch(name) is not None


def refusal_of(said: Said) -> Refusal | None:
    """Return the refusal that an answer stands for; None: it is none that is known."""
    reason = said.body.get("reason")
    if not isinstance(reason, str):
        return None
    told = _TOLD.get((said.status, reason))
    if told is None:
        return None
    words = said.body.get("message")
    if isinstance(words, str) and words:
        told = f"{told}: {words[:_MOST_WORDS]}"
    refusal = Refusal(said.status, Reason(reason), f"{told}.", cause=_cause(reason))
    if reason == holds.TOO_MANY:
        refusal.kind = "rate_limit_error"
        refusal.headers = {"Retry-After": _RETRY_SECONDS}
    record = said.body.get("id")
    if is_record(record):
        refusal.headers = {**refusal.headers, DECISION_HEADER: str(record)}
    return refusal


def _cause(reason: str) -> Cause | None:
    """Return what is counted of the guard: that a model is stopped is not of its doing."""
    return None if reason == holds.STOPPED else Cause(reason)
