"""A held request and decisions as the API server stores them, and what the cluster says."""

from datetime import UTC, datetime, timedelta
from typing import Any

from casemate.api.agreement import Approvals
from casemate.api.approval import Verdict
from casemate.api.terms import spelled
from casemate.core.quorum import Rights
from support import approvals
from support.approvals import TERMS, Json

MADE = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
EXPIRES = MADE + 15 * MINUTE
NOW = MADE + 5 * MINUTE
PEOPLE = ("ada", "bob", "cyd")


def at(minutes: float) -> datetime:
    return MADE + minutes * MINUTE


def request(changes: Json | None = None, status: Json | None = None, **spec: Any) -> Json:
    """The request `ar-1`; `changes` are its metadata's."""
    body = approvals.request("ar-1", **{"expiresAt": spelled(EXPIRES), **spec})
    body["metadata"] |= {
        "namespace": "models",
        "uid": "00000000-0000-4000-8000-0000000000a1",
        "generation": 1,
        "creationTimestamp": spelled(MADE),
        **(changes or {}),
    }
    return body | ({"status": status} if status else {})


def decision(
    username: str,
    verdict: Verdict = "Approve",
    minutes: float = 1,
    changes: Json | None = None,
    of: Json | None = None,
    **spec: Any,
) -> Json:
    """What somebody says about it, some minutes after it was made."""
    body = approvals.decision(of or request(), username, verdict, **spec)
    body["metadata"] |= {
        "namespace": "models",
        "uid": "00000000-0000-4000-8000-0000000000d1",
        "generation": 1,
        "creationTimestamp": spelled(at(minutes)),
        **(changes or {}),
    }
    return body


def rights(stopped: str = "", agreement: str = TERMS, refusals: Json | None = None, **terms: Any):
    """Everybody among PEOPLE may approve."""
    may = dict.fromkeys(PEOPLE, "")
    said = Approvals.model_validate(terms)
    return Rights({**may, **(refusals or {})}, agreement, said, stopped)
