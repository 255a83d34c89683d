"""What gateways and the warden agree on about held requests: paths, header, reasons."""

HOLDS_PATH = "/v1/holds"
"""POST: hold a request for people."""
CONSUME_PATH = "/v1/holds/consume"
"""POST: spend an approval on a request."""
HOLD_SECONDS = 8.0
"""How long either may take."""
APPROVAL_HEADER = "Casemate-Approval"
"""The caller's retry names the approval; the 403 of a hold carries it too."""
EXPIRES_HEADER = "Casemate-Approval-Expires"
"""Of the 403: when the approval is too late."""
UNKNOWN, PENDING, DENIED, EXPIRED, REVOKED, SPENT, ANOTHER, STOPPED, TOO_MANY, TOO_LARGE = (
    "approval_unknown",
    "approval_pending",
    "approval_denied",
    "approval_expired",
    "approval_revoked",
    "approval_spent",
    "approval_mismatch",
    "stopped",
    "too_many_held",
    "too_large_to_hold",
)
MOST_CONTENT = 512 << 10
"""Bytes of a request that can be held."""
