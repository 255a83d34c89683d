"""One record of each kind, as a log keeps it."""

from typing import Any

HEX = "0123456789abcdef" * 4
OTHER_HEX = HEX[::-1]
DIGEST, OTHER_DIGEST = f"sha256:{HEX}", f"sha256:{OTHER_HEX}"
BOOT = "6f1c7f0e-2f6b-4a57-9d0b-3f8c1a2b4c5d"
STAMP: dict[str, Any] = {"v": 1, "seq": 3, "time": "2026-11-27T01:02:03.004Z", "boot": BOOT}
PERSON = {"username": "ana@example.org", "uid": "u-1"}
OTHER = {"username": "ben@example.org", "uid": ""}
DEPLOYMENT = {"namespace": "plans", "name": "writer", "uid": "d-1"}
POD = {"name": "writer-7d4b-x2x", "uid": "p-1"}
AGREEMENT = {"name": "logistics", "digest": DIGEST}
APPROVAL = {"namespace": "plans", "name": "held-4f2a", "uid": "a-1"}
SWITCH = {"name": "stop-all", "uid": "k-1"}
FINDING = {
    "line": "use-of-force",
    "sub": "tasking",
    "tier": "linear",
    "score": 931,
    "surface": "messages[0].content",
    "views": ["leet"],
}

FIELDS: dict[str, dict[str, Any]] = {
    "started": {
        "version": "1.2.3",
        "recovered": {"size": 3, "torn": 0},
        "keys": {"log": "name+00000000+AQ==", "witness": "other+00000000+BA=="},
    },
    "stopped": {},
    "intent": {
        "deployment": DEPLOYMENT,
        "pod": POD,
        "caller": PERSON,
        "route": "/v1/chat/completions",
        "model": "acme/writer",
        "image": f"registry.example/acme/writer@{DIGEST}",
        "supplier": "acme",
        "agreement": AGREEMENT,
        "guard": {"bundle": DIGEST, "policy": OTHER_DIGEST},
        "request": {"sha256": HEX, "bytes": 412, "stream": True, "sealed": DIGEST},
        "verdict": {
            "verdict": "hold",
            "line": "use-of-force",
            "tier": "linear",
            "findings": [FINDING],
        },
        "approval": APPROVAL,
    },
    "outcome": {
        "intent": "casemate-warden-0/2",
        "status": 200,
        "verdict": "allow",
        "response": {"sha256": HEX, "bytes": 90, "sealed": DIGEST},
        "latency_ms": 812,
        "reason": None,
    },
    "refused": {
        "deployment": DEPLOYMENT,
        "pod": POD,
        "caller": None,
        "status": 401,
        "reason": "unauthenticated",
    },
    "approval-requested": {
        "approval": APPROVAL,
        "intent": "casemate-warden-0/2",
        "deployment": DEPLOYMENT,
        "agreement": AGREEMENT,
        "requester": PERSON,
        "line": "use-of-force",
        "digest": HEX,
        "quorum": 2,
        "expires": "2026-11-27T01:17:03.004Z",
    },
    "approval-decided": {
        "approval": APPROVAL,
        "approver": OTHER,
        "verdict": "approve",
        "digest": HEX,
        "justification": "Order 12, § 4",
    },
    "approval-consumed": {
        "approval": APPROVAL,
        "intent": "casemate-warden-0/2",
        "digest": HEX,
        "caller": PERSON,
        "approvers": ["ben@example.org", "cyd@example.org"],
    },
    "approval-expired": {"approval": APPROVAL},
    "approval-revoked": {"approval": APPROVAL, "by": OTHER},
    "kill": {
        "switch": SWITCH,
        "scope": {"kind": "deployment", "namespace": "plans", "name": "writer"},
        "by": OTHER,
        "reason": "drill",
    },
    "lift": {"switch": SWITCH, "by": PERSON},
    "key-rotated": {
        "role": "log",
        "old": "name+00000000+AQ==",
        "new": "name+00000001+AQ==",
        "until": "2026-11-28T01:02:03.004Z",
        "note": "text\n\n— name AAAA\n",
    },
    "peer-keys": {
        "peer": "casemate-warden-1",
        "log": "name+00000000+AQ==",
        "witness": "name/witness+00000001+BA==",
    },
    "clock-jump": {
        "before": "2026-11-27T01:02:04.004Z",
        "after": "2026-11-27T01:02:03.004Z",
        "milliseconds": -1000,
    },
    "supplier-standing": {"supplier": "acme", "standing": "Blocked", "digest": DIGEST},
}
"""Fields by kind, without those that the log says."""


def sample(kind: str) -> dict[str, Any]:
    return {**STAMP, "kind": kind, **FIELDS[kind]}
