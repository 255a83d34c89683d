"""How much of a growing text may leave: only what was judged, and not the sentence at work.

A text is judged when a sentence has ended, or a window is full, and then up to its very end; what
leaves is what lies before the end of the sentence, or half a window back. Each judgement
reads what has not left and an overlap of what has. The whole text is judged each time it has
doubled, and when it ends. So the work is linear in the length of the text.

Lengths are in bytes of UTF-8, since four of them are about one token in any script.
"""

import enum
from dataclasses import dataclass, field

from casemate.gateway.sentences import last_end

FIRST_STEP = 24
"""Fewer bytes than this are not released on their own at the beginning: a short sentence."""
STEP = 96
"""Nor later: about 24 tokens, so that a stop behind each word releases no word on its own."""
LINE_LOOK = 256
"""A line end without a stop lets what is before it leave once this much is behind it: 64 tokens."""
WINDOW = 800
"""About 200 tokens without any end: half of them leave."""
SCAN_CHARS = 8 << 10
"""How much of a piece is searched for the end of a sentence: it is done in the event loop."""
STOP_CHARS = 16
"""The most that a stop, what closes behind it and the space before the next sentence take."""
OVERLAP = 600
"""Characters before the window that are judged again with it."""
FIRST_WHOLE = 2048
"""The whole text is judged at this many bytes, then each time it has doubled."""


class Kind(enum.Enum):
    """How a text may leave."""

    FLOWING = "flowing"
    WHOLE = "whole"


@dataclass(slots=True, eq=False)
class Strand:
    """One text of an answer, such as the content of one choice.

    Attributes:
        name: Its path in the answer.
        kind: WHOLE leaves at once and only when it is complete: half of a tool call is no call.
        end: Characters so far.
        cleared: Characters of it that may leave.
        judged: Characters of it that were judged, in windows.
        judged_whole: Characters of it that were judged at once.
        complete: Whether a WHOLE text was judged in the form in which it leaves.
    """

    name: str
    kind: Kind = Kind.FLOWING
    end: int = 0
    cleared: int = 0
    judged: int = 0
    judged_whole: int = 0
    complete: bool = False
    _bytes: int = 0
    _sentence: int = 0
    _scanned: int = 0
    _near_from: int = 0
    _near: str = ""
    _parts: list[str] = field(default_factory=list)

    def add(self, text: str) -> int:
        """Take what was added to the text; return where it ends."""
        self._parts.append(text)
        self.end += len(text)
        if self.kind is Kind.FLOWING:
            self._bytes += len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
            self._near += text
            self._look_for_end()
        return self.end

    def _look_for_end(self) -> None:
        # From a little before what is new, since a stop counts only with what stands around it.
        # Of a large piece its last part is enough: what matters is where its last sentence ends.
        new = max(self._scanned - STOP_CHARS, self.end - SCAN_CHARS)
        found = last_end(self._near, max(0, max(self._sentence, new) - self._near_from))
        if found >= 0 and found + self._near_from > self.cleared:
            self._sentence = found + self._near_from
        self._scanned = self.end

    def due(self) -> bool:
        """Whether a judgement now would let more of the text leave."""
        return self._target() > self.cleared

    def window(self) -> str:
        """Return what is to be judged now: what has not left, and the overlap before it."""
        return self._near if self.kind is Kind.FLOWING else self.whole()

    def whole_due(self) -> bool:
        """Whether it has grown enough to be judged as a whole again."""
        size = max(FIRST_WHOLE, 2 * self.judged_whole)
        return self._bytes >= size and not self._near_is_all

    @property
    def _near_is_all(self) -> bool:
        return self._near_from == 0

    def whole(self) -> str:
        """Return all of the text."""
        self._parts[:] = ["".join(self._parts)]
        return self._parts[0]

    def allow(self, *, whole: bool) -> None:
        """Note that the window, or all, was judged and allowed; clear what may leave."""
        self.judged = self.end
        if whole or self._near_is_all:
            self.judged_whole = self.end
        self.cleared = self._target()
        keep_from = max(0, self.cleared - OVERLAP)
        if keep_from > self._near_from:
            self._near = self._near[keep_from - self._near_from :]
            self._near_from = keep_from

    def allow_end(self) -> None:
        """Note that the text is complete and was judged as a whole; clear all of it."""
        self.judged = self.judged_whole = self.cleared = self.end
        self.complete = True

    def covers(self, end: int) -> bool:
        """Whether the text may leave up to there."""
        return end <= self.cleared and (self.complete or self.kind is Kind.FLOWING)

    def _target(self) -> int:
        """Up to where the text may leave once all of it so far is judged."""
        if self.kind is Kind.WHOLE:
            return self.cleared
        scale = self._bytes / self.end if self.end else 1.0
        step = (STEP if self.cleared else FIRST_STEP) / scale
        target = self.cleared
        if self._sentence - self.cleared >= step:
            target = self._sentence
        behind = self.end - self.cleared
        if behind >= LINE_LOOK / scale:
            line = self._line(int(self.end - LINE_LOOK / scale))
            if line - self.cleared >= step:
                target = max(target, line)
        if behind >= WINDOW / scale:
            target = max(target, int(self.end - WINDOW / 2 / scale))
        return target

    def _line(self, before: int) -> int:
        start = self.cleared - self._near_from
        return self._near.rfind("\n", start, before - self._near_from) + 1 + self._near_from
