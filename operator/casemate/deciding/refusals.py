"""Why something that a person asks for is not done, as one sentence for that person."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

_DENIED = " denied request: "
"""What the API server puts before the sentence of an admission policy."""
_UNPROCESSABLE = " is invalid: "


class DeskError(Exception):
    """Something is not done; the text is a sentence without an end."""


class Refused(DeskError):
    """The API server does not allow it."""


class Away(DeskError):
    """The API server did not answer, or could not now: it is not known whether it was done."""


class NotFound(DeskError):
    """There is no such request."""


class Ended(DeskError):
    """The request has ended: nobody decides about it any more."""


class Unreadable(DeskError):
    """The content could not be read, or is not what the request says."""


def refusal(answer: Mapping[str, Any], code: int) -> DeskError:
    """Return what an answer of the API server that is no success says to a person."""
    text = sentence(str(answer.get("message", "")))
    if code == HTTPStatus.NOT_FOUND:
        return NotFound(text or "there is no such object")
    if code == HTTPStatus.UNAUTHORIZED:
        return Refused("the API server does not know you: log in again")
    return Refused(text or f"the API server answered {code}")


def sentence(message: str) -> str:
    """Return the reason in a message of the API server, without what names its machinery."""
    for before in (_DENIED, _UNPROCESSABLE):
        if before in message:
            return message.partition(before)[2]
    return message
