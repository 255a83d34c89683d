"""The three kinds of trouble, and the one place that maps API answers to them.

- `Stalled`: a person must act; trying again does not help
- `Waiting`: not a failure; look again after a while
- `Transient`: try again with back-off

Beside them `Lost`: this replica must end.
"""

from casemate.api.conditions import Reason


class Error(Exception):
    """Base of everything that a pass may meet and that is no bug."""


class Stalled(Error):
    """No retry can help until somebody changes something."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Waiting(Error):
    """Something takes its time; `after` is in seconds."""

    def __init__(self, message: str, after: float) -> None:
        super().__init__(message)
        self.after = after


class Transient(Error):
    """The API server did not answer, or answered that it could not now."""

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class Conflict(Transient):
    """Somebody else was first: the object changed since it was read, or it is there by now."""


class Expired(Transient):
    """The API server has forgotten the moment that was asked from: all must be listed anew."""


class Fenced(Transient):
    """A write was not sent: this replica does not lead. If it did, it is about to end."""


class Lost(Error):
    """This replica led, and does not any more: nothing that it knows may be acted on."""


_NAMESPACE_ENDS_SECONDS = 30.0


def from_answer(code: int, message: str, retry_after: str | None) -> Error:
    """The error for an answer that is not a success."""
    text = f"the API server answered {code}: {message}"
    # Quoted from the API server's own message; it has no reason of its own for this.
    if code == 403 and "because it is being terminated" in message:  # noqa: PLR2004
        return Waiting(text, _NAMESPACE_ENDS_SECONDS)
    if code in {400, 403, 404, 405, 413, 415, 422}:
        return Stalled(Reason.APPLY_REFUSED, text)
    after = float(retry_after) if retry_after and retry_after.isdigit() else None
    kind = {409: Conflict, 410: Expired}.get(code, Transient)
    return kind(text, after)
