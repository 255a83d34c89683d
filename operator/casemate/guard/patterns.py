"""The patterns of an agreement's lines, by an engine whose time is linear in the text."""

from collections.abc import Iterator, Mapping
from typing import Any

import re2

from casemate.guard.types import PolicyError


class Patterns:
    """Patterns by line, compiled once."""

    def __init__(self, patterns: Mapping[str, tuple[str, ...]]) -> None:
        """Compile them.

        Raises:
            PolicyError: One is none that RE2 accepts.
        """
        self._compiled = [
            (line, _compiled(line, pattern)) for line, each in patterns.items() for pattern in each
        ]

    def lines(self, text: str) -> Iterator[str]:
        """Yield the line of each pattern that a text matches."""
        for line, pattern in self._compiled:
            if pattern.search(text):
                yield line


def _compiled(line: str, pattern: str) -> Any:
    options = re2.Options()
    options.never_capture = True
    options.case_sensitive = False
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise PolicyError(f"line {line}: {pattern!r} is no RE2 pattern: {error}") from None
