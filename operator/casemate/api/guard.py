"""What an agreement asks of the guard: its bundle, further patterns, and quotas."""

from typing import Annotated, Literal

import re2
from pydantic import Field

from casemate.api.model import ApiModel
from casemate.api.rules import Rule

_PATTERN_BYTES = 1 << 20
"""Memory that one compiled pattern may take: a gateway holds up to 256 of them."""


def _finds_something(pattern: str) -> bool:
    """Whether it is a pattern of RE2 syntax that does not find itself in every text."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _PATTERN_BYTES
    try:
        return re2.compile(pattern, options=options).search("") is None
    except re2.error:
        return False


Pattern = Annotated[
    str,
    Field(min_length=1, max_length=256),
    Rule(
        # A pattern that the API server cannot compile makes the rule fail, with this message too.
        cel="!''.matches(self)",
        message="must be an RE2 pattern (no back-references, no look-around) that does not match "
        "the empty text",
        holds=_finds_something,
    ),
]
"""What RE2 searches for, in time that is linear in the text."""

Patterns = Annotated[list[Pattern], Field(max_length=16)]


def _is_day(number: int) -> bool:
    month, day = number // 100 % 100, number % 100
    return month in range(1, 13) and day in range(1, 32)


BundleVersion = Annotated[
    int,
    Field(ge=20_000_101, le=99_991_231),
    Rule(
        cel="self / 100 % 100 >= 1 && self / 100 % 100 <= 12 && "
        "self % 100 >= 1 && self % 100 <= 31",
        message="must be a day, YYYYMMDD",
        holds=_is_day,
    ),
]
"""Version of a bundle of rules and weights: the day it was made."""


class GuardTerms(ApiModel):
    """What the guard must be like."""

    minimum_bundle_version: BundleVersion | None = None
    """Oldest bundle of rules and weights that may judge, as YYYYMMDD; absent: any."""
    uncovered_languages: Literal["Hold", "Refuse"] = "Hold"
    """What becomes of text in a language that the guard has no figures for."""


_Amount = Annotated[int, Field(ge=1, le=1_000_000_000_000)] | None


class Quotas(ApiModel):
    """What one caller may ask for within a window of time; what is absent has no limit."""

    window_seconds: Annotated[int, Field(ge=60, le=86_400)] = 3600
    """Seconds of the window."""
    requests: _Amount = None
    """Requests."""
    tokens: _Amount = None
    """Tokens, of prompts and answers together."""
    persons: _Amount = None
    """Distinct persons asked about: watching many is a rate as much as a text."""
