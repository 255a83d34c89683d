"""One text under examination, with what several transforms ask of it, worked out once."""

import re
from functools import cached_property

from casemate.guard.views.chars import FLAGS, Flags, Index, Points, index, points
from casemate.guard.views.clean import Clean, clean, settled
from casemate.guard.views.letters import SYMBOLS, Stream, Symbols, stream
from casemate.guard.views.meter import READING, Meter
from casemate.guard.views.vocabulary import Vocabulary

_WORD = re.compile(r"[^\W\d_]+")
_LETTERS = bytes(at if chr(at).isalpha() else 32 for at in range(128)) + b" " * 128


class Page:
    """A text: raw, clean and canonical, as characters, as code points and as letters."""

    def __init__(self, raw: str, vocabulary: Vocabulary, meter: Meter) -> None:
        self.raw = raw
        self.vocabulary = vocabulary
        self._meter = meter

    def spend(self, each: int, number: int | None = None) -> None:
        """Count work: so much for each of a number of things, by default the text's characters.

        Raises:
            Unfinished: The search's allowance is spent.
        """
        self._meter.spend(each * (len(self.raw) if number is None else number))

    def other(self, raw: str) -> "Page":
        """Another text, searched at the expense of the same allowance."""
        self.spend(READING if raw.isascii() else 4 * READING, len(raw))
        return Page(raw, self.vocabulary, self._meter)

    @cached_property
    def cleaned(self) -> Clean:
        """The text without what cannot be seen, and what had been hidden."""
        return clean(self.raw)

    @property
    def text(self) -> str:
        """The clean text."""
        return self.cleaned.text

    @cached_property
    def canonical(self) -> str:
        """The text in the form in which it is compared."""
        return settled(self.text)

    @cached_property
    def codes(self) -> Points:
        """Code points of the clean text."""
        return points(self.text)

    @cached_property
    def at(self) -> Index:
        """Where they stand in the tables of characters."""
        return index(self.codes)

    @cached_property
    def flags(self) -> Flags:
        """What they are."""
        return FLAGS[self.at]

    @cached_property
    def symbols(self) -> Symbols:
        """Which letters of the tables of costs they are."""
        return SYMBOLS[self.at]

    @cached_property
    def stream(self) -> Stream:
        """The letters alone."""
        return stream(self.symbols)

    @cached_property
    def words(self) -> frozenset[str]:
        """The words, canonical."""
        return _words(self.canonical)

    def gains(self, text: str) -> frozenset[str]:
        """Known words that another reading has and this one lacks; it comes from the clean text."""
        self.spend(READING, len(text))
        return (_words(settled(text)) & self.vocabulary.known) - self.words


def _words(canonical: str) -> frozenset[str]:
    if canonical.isascii():
        return frozenset(canonical.encode().translate(_LETTERS).decode().split())
    return frozenset(_WORD.findall(canonical))
