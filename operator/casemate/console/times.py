"""Times for people: how long ago, how long still."""

from collections.abc import Callable
from datetime import datetime

from casemate.api.terms import instant
from casemate.console.html import Markup, element
from casemate.deciding.tables import span


def ago(text: str, now: datetime) -> Markup:
    """Return how long ago a moment was, with the moment itself for whoever looks closer."""
    return _told(text, lambda then: f"{span(now - then)} ago")


def left(text: str, now: datetime) -> Markup:
    """Return how long it is to a moment."""
    return _told(text, lambda then: span(then - now) if then > now else "expired")


def _told(text: str, tell: Callable[[datetime], str]) -> Markup:
    try:
        then = instant(text)
    except ValueError:
        return element("span", text or "not known")
    return element("time", tell(then), datetime=text, title=text)
