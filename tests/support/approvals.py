"""Held requests and decisions about them, as a person or the warden would write them."""

from typing import Any

from casemate.api.approval import Verdict
from casemate.api.names import decision_name
from support.terms import AGREEMENT

Json = dict[str, Any]

DIGEST = "5e" * 32
TERMS = f"sha256:{'7e' * 32}"
REQUESTER = "caller"
REQUEST_SPEC: Json = {
    "requestDigest": DIGEST,
    "deployment": {"name": "m", "uid": "00000000-0000-4000-8000-00000000000d"},
    "model": {"name": "smollm2"},
    "agreement": {"name": AGREEMENT, "digest": TERMS},
    "guard": {"bundle": f"sha256:{'b0' * 32}", "policy": f"sha256:{'b1' * 32}"},
    "requester": {"username": REQUESTER, "uid": "u-caller"},
    "line": "use-of-force",
    "rule": "use-of-force/tasking",
    "nonce": "0f" * 16,
    "expiresAt": "2099-01-01T00:00:00Z",
    "approvers": 2,
    "record": "casemate-warden-0/1842",
}
"""What the warden writes for a held request; far from its end."""
JUSTIFICATION = "checked against the order of the day"


def request(name: str, **changed: Any) -> Json:
    """An ApprovalRequest; `changed` replaces whole fields of its spec."""
    return _object("ApprovalRequest", name, REQUEST_SPEC | changed)


def decision(of: Json, username: str, verdict: Verdict = "Approve", **changed: Any) -> Json:
    """What somebody says about a stored request; `changed` replaces whole fields of its spec."""
    name = of["metadata"]["name"]
    spec = {
        "request": {"name": name, "uid": of["metadata"]["uid"]},
        "requestDigest": of["spec"]["requestDigest"],
        "agreement": of["spec"]["agreement"]["name"],
        "verdict": verdict,
        "justification": JUSTIFICATION,
        "approver": {"username": username},
    }
    return _object("ApprovalDecision", decision_name(name, verdict, username), spec | changed)


PEM = (
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VuAyEA3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=\n"
    "-----END PUBLIC KEY-----\n"
)
"""A public key, of RFC 7748's second example."""


def review(of: Json, username: str, **changed: Any) -> Json:
    """Somebody's wish to read a stored request; `changed` replaces whole fields of its spec."""
    spec = {
        "request": {"name": of["metadata"]["name"], "uid": of["metadata"]["uid"]},
        "agreement": of["spec"]["agreement"]["name"],
        "reviewer": {"username": username},
        "publicKey": PEM,
    }
    body = _object("ApprovalReview", "", spec | changed)
    return body | {"metadata": {"generateName": "review-"}}


def switch(name: str, stopped_by: str, **changed: Any) -> Json:
    """A KillSwitch that stops everything; `changed` replaces whole fields of its spec."""
    spec: Json = {"scope": "All", "reason": "an answer went astray"}
    return _object("KillSwitch", name, spec | {"stoppedBy": {"username": stopped_by}} | changed)


def _object(kind: str, name: str, spec: Json) -> Json:
    meta = {"name": name}
    return {"apiVersion": "casemate.dev/v1alpha1", "kind": kind, "metadata": meta, "spec": spec}
