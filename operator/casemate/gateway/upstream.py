"""What the engine's failures mean for a client.

The engine's own words never pass: they may name paths and versions, and no check has read them.
"""

from aiohttp import ClientResponse

from casemate.gateway.errors import EngineBrokenError, EngineUnreachableError, Reason, Refusal

REASONS = frozenset(
    {
        Reason.ENGINE_REFUSED,
        Reason.ENGINE_UNAVAILABLE,
        Reason.ENGINE_BROKEN,
        Reason.ENGINE_TIMEOUT,
    }
)
_CANNOT = 404, "The engine does not know this model or cannot do this with it."
_INVALID = (
    400,
    "The engine refused the request: text longer than the model's context, or an unknown option.",
)
# Of the engine's refusals, those that mean something more than `_INVALID` to a caller.
_TELLING = {
    404: _CANNOT,
    405: _CANNOT,
    413: (413, "The engine refused the request as too large for the model."),
    501: _CANNOT,
}


def refusal_of(error: Exception) -> Refusal:
    """Return the refusal that stands for a failed exchange."""
    if isinstance(error, EngineUnreachableError):
        return Refusal(
            503,
            Reason.ENGINE_UNAVAILABLE,
            "The engine is not available; it may still be loading its model.",
            headers={"Retry-After": "5"},
        )
    if isinstance(error, EngineBrokenError):
        return broken()
    return Refusal(504, Reason.ENGINE_TIMEOUT, "The engine did not answer in time.")


def broken() -> Refusal:
    """Return the refusal that stands for an answer which cannot be used."""
    return Refusal(502, Reason.ENGINE_BROKEN, "The engine's answer was malformed or broke off.")


def check_head(head: ClientResponse, content_type: str) -> None:
    """Check that an answer is a success of the expected type.

    Raises:
        Refusal: With the status that the engine's status means for the client.
        EngineBrokenError: The answer is a success of another type.
    """
    if head.status == 200:  # noqa: PLR2004
        given = head.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if given != content_type or "Content-Encoding" in head.headers:
            raise EngineBrokenError(f"answer is not plain {content_type}")
        return
    if head.status in {429, 503}:
        raise Refusal(
            503,
            Reason.ENGINE_UNAVAILABLE,
            "The engine is busy or still loading its model.",
            headers={"Retry-After": "5"},
        )
    if 400 <= head.status < 500 or head.status in _TELLING:  # noqa: PLR2004
        status, message = _TELLING.get(head.status, _INVALID)
        raise Refusal(status, Reason.ENGINE_REFUSED, message)
    raise broken()
