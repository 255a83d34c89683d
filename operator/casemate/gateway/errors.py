"""What fails, and every way in which the gateway says no, in the shape that OpenAI clients know."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import orjson

from casemate import holds, stops

INVALID = "invalid_request_error"
SERVER = "server_error"
PERMISSION = "permission_error"


class Reason(StrEnum):
    """Why a request was refused: the only values of the metric label ``reason``."""

    BAD_HTTP = "bad_http"
    UNKNOWN_PATH = "unknown_path"
    WRONG_METHOD = "wrong_method"
    NO_TOKEN = "no_token"  # noqa: S105  a reason
    BAD_TOKEN = "bad_token"  # noqa: S105  a reason
    NO_RIGHT = "no_right"
    IDENTITY_UNAVAILABLE = "identity_unavailable"
    EVIDENCE_UNAVAILABLE = "evidence_unavailable"
    ANSWER_TOO_LARGE_TO_SEAL = "answer_too_large_to_seal"
    UNSUPPORTED_MEDIA = "unsupported_media"
    TOO_LARGE = "too_large"
    BAD_JSON = "bad_json"
    BAD_SHAPE = "bad_shape"
    SLOW_CLIENT = "slow_client"
    OVERLOADED = "overloaded"
    DRAINING = "draining"
    NOT_ISOLATED = "not_isolated"
    STOPPED = stops.STOPPED
    STOPS_UNKNOWN = stops.UNKNOWN
    CHECK_REFUSED = "check_refused"
    CHECK_HELD = "check_held"
    APPROVAL_UNKNOWN = holds.UNKNOWN
    APPROVAL_PENDING = holds.PENDING
    APPROVAL_DENIED = holds.DENIED
    APPROVAL_EXPIRED = holds.EXPIRED
    APPROVAL_REVOKED = holds.REVOKED
    APPROVAL_SPENT = holds.SPENT
    APPROVAL_MISMATCH = holds.ANOTHER
    TOO_MANY_HELD = holds.TOO_MANY
    TOO_LARGE_TO_HOLD = holds.TOO_LARGE
    NO_CANONICAL_FORM = "no_canonical_form"
    QUOTA_EXCEEDED = "quota_exceeded"
    GUARD_UNAVAILABLE = "guard_unavailable"
    ENGINE_REFUSED = "engine_refused"
    ENGINE_UNAVAILABLE = "engine_unavailable"
    ENGINE_BROKEN = "engine_broken"
    ENGINE_TIMEOUT = "engine_timeout"
    INTERNAL = "internal"


class Cause(StrEnum):
    """Why the guard refused: the only values of the label of `casemate_guard_refusals_total`."""

    RED_LINE = "red_line"
    HELD = "held"
    APPROVAL_UNKNOWN = holds.UNKNOWN
    APPROVAL_PENDING = holds.PENDING
    APPROVAL_DENIED = holds.DENIED
    APPROVAL_EXPIRED = holds.EXPIRED
    APPROVAL_REVOKED = holds.REVOKED
    APPROVAL_SPENT = holds.SPENT
    APPROVAL_MISMATCH = holds.ANOTHER
    TOO_MANY_HELD = holds.TOO_MANY
    TOO_LARGE_TO_HOLD = holds.TOO_LARGE
    NO_CANONICAL_FORM = "no_canonical_form"
    NOBODY_ASKED = "nobody_asked"
    ANSWER = "answer_withheld"
    INSTRUCTION = "instruction_repeated"
    REQUESTS = "quota_requests"
    TOKENS = "quota_tokens"
    PERSONS = "quota_persons"
    CALLERS = "quota_memory"
    LOADING = "loading"
    STALE = "stale_policy"
    TIMEOUT = "timeout"
    HANGS = "hangs"
    BUSY = "busy"
    ERROR = "error"
    MEMORY = "memory"
    MALFORMED = "malformed_verdict"
    OVERSIZE = "oversize"
    DETECTOR = "detector"


class CheckUnavailableError(Exception):
    """A check cannot answer; ``cause`` says why. Whatever it was asked is refused."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause.value)
        self.cause = cause


class EngineUnreachableError(Exception):
    """No connection to the engine: it is not started, not there, or does not accept."""


class EngineBrokenError(Exception):
    """The engine's answer ended early, or is not what it must be."""


class Refusal(Exception):
    """A refusal of one request: what the client is told, and what is counted.

    Attributes:
        status: HTTP status of the answer.
        reason: Metric label.
        message: Sentence for a person: what was given, what is accepted.
        param: Path of the offending field, if one field is to blame.
        code: Machine-readable code; the reason's value unless given.
        kind: OpenAI's error ``type``.
        headers: Further response headers, such as ``Allow`` or ``Retry-After``.
        close: Whether the connection must end: set when the request was not read to its end.
        cause: Why, if it was the guard that refused.
        details: Further members of the error object: the gateway's own words.
    """

    def __init__(
        self,
        status: int,
        reason: Reason,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        kind: str | None = None,
        headers: dict[str, str] | None = None,
        close: bool = False,
        cause: Cause | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.param = param
        self.code = code or reason.value
        self.kind = kind or (INVALID if status < 500 else SERVER)  # noqa: PLR2004
        self.headers = headers or {}
        self.close = close
        self.cause = cause
        self.details = details or {}

    def body(self) -> bytes:
        """Return the JSON document of the answer."""
        return error_body(
            self.message, kind=self.kind, param=self.param, code=self.code, details=self.details
        )


def error_body(
    message: str,
    *,
    kind: str,
    param: str | None,
    code: str,
    details: Mapping[str, Any] | None = None,
) -> bytes:
    """Serialise one error in OpenAI's shape.

    Text that came from the client may hold anything that Python can hold in a string, so what is
    not valid Unicode is replaced: an error about bad text must not fail on that very text.
    """
    error = {"message": message, "type": kind, "param": param, "code": code}
    clean = {k: v.encode("utf-8", "replace").decode() if v else None for k, v in error.items()}
    return orjson.dumps({"error": {**clean, **(details or {})}})


def bad_shape(param: str, message: str) -> Refusal:
    """Return the refusal of a field that has the wrong type or value."""
    return Refusal(400, Reason.BAD_SHAPE, message, param=param)


def overloaded(message: str) -> Refusal:
    """Return the refusal of a request that came while all places were taken."""
    return Refusal(
        429,
        Reason.OVERLOADED,
        message,
        kind="rate_limit_error",
        code="rate_limit_exceeded",
        headers={"Retry-After": "1"},
    )


def slow_client() -> Refusal:
    """Return the refusal of a client that does not read its answer; only ever counted."""
    return Refusal(408, Reason.SLOW_CLIENT, "The client stopped reading.", close=True)


def guard_unavailable(message: str, cause: Cause) -> Refusal:
    """Return the refusal that stands for every failure of a check: fail closed."""
    return Refusal(
        503, Reason.GUARD_UNAVAILABLE, message, headers={"Retry-After": "5"}, cause=cause
    )
