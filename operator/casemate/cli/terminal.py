"""Where a command prints: colour only on a terminal, and lines that never reach past its edge."""

import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TextIO

from casemate.deciding.seen import Span, width

BOLD, DIM, RED, GREEN, YELLOW = "1", "2", "31", "32", "33"
_NARROWEST = 40


@dataclass(frozen=True)
class Terminal:
    """A stream that people read.

    Attributes:
        stream: Where to.
        interactive: Whether it is a terminal.
        colour: Whether it shows colours.
        columns: How wide a line may be; None: as wide as it is.
    """

    stream: TextIO
    interactive: bool = False
    colour: bool = False
    columns: int | None = None

    @classmethod
    def of(cls, stream: TextIO) -> "Terminal":
        """Return a stream as the environment describes it."""
        if not stream.isatty():
            return cls(stream)
        colour = not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"
        return cls(stream, True, colour, max(shutil.get_terminal_size().columns, _NARROWEST))  # noqa: FBT003

    def paint(self, text: str, *styles: str) -> str:
        """Return text in a style, where there are any."""
        if not self.colour or not styles:
            return text
        return f"\x1b[{';'.join(styles)}m{text}\x1b[0m"

    def write(self, lines: Iterable[str]) -> None:
        """Print lines."""
        self.stream.writelines(f"{line}\n" for line in lines)
        self.stream.flush()

    def wrapped(self, line: Iterable[Span], indent: int) -> Iterator[list[Span]]:
        """Yield a line in pieces that fit behind an indent; of an empty one, an empty piece."""
        most = (self.columns or sys.maxsize) - indent
        row: list[Span] = []
        room = most
        for span in line:
            for text in _words(span):
                if (wide := width(text)) > room and row:
                    yield row
                    row, room = [], most
                row.append(Span(text, span.spelled))
                room -= wide
        yield row


def _words(span: Span) -> Iterator[str]:
    """Pieces that are not broken: what is spelled out, and a letter with its marks."""
    if span.spelled:
        yield span.text
        return
    start = 0
    for at, one in enumerate(span.text):
        if at > start and width(one):
            yield span.text[start:at]
            start = at
    if span.text:
        yield span.text[start:]
