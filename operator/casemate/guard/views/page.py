"""One text under examination, with what several transforms ask of it, worked out once."""

from functools import cached_property

import numpy as np

from casemate.guard.views.chains import Chains, chains_of
from casemate.guard.views.chars import (
    DIGIT,
    FLAGS,
    LETTER,
    Flags,
    Index,
    Mask,
    Points,
    after,
    before,
    index,
    points,
    text_of,
    touched,
)
from casemate.guard.views.clean import Clean, clean, settled
from casemate.guard.views.letters import SYMBOLS, Costs, Stream, Symbols, backward, forward, stream
from casemate.guard.views.meter import FAR_READING, READING, Meter, weight
from casemate.guard.views.regions import Flow, flow_of
from casemate.guard.views.vocabulary import Vocabulary

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
        self.spend(READING if raw.isascii() else FAR_READING, weight(raw))
        return Page(raw, self.vocabulary, self._meter)

    def clean(self, text: str) -> "Page":
        """The same of a text that needs no cleaning."""
        other = Page(text, self.vocabulary, self._meter)
        other.cleaned = Clean(text)
        return other

    def part(self, raw: str) -> "Page":
        """A part of this text, or the text itself if it is no smaller."""
        return self if len(raw) >= len(self.raw) else Page(raw, self.vocabulary, self._meter)

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
    def chains(self) -> Chains:
        """Letters that stand alone, one after the other."""
        return chains_of(self.flags)

    @cached_property
    def symbols(self) -> Symbols:
        """Which letters of the tables of costs they are."""
        return SYMBOLS[self.at]

    @cached_property
    def stream(self) -> Stream:
        """The letters alone, without those of hashes, identifiers and other words with digits."""
        return stream(self.symbols * self.spelled)

    @cached_property
    def letter(self) -> Mask:
        """Which are letters."""
        return (self.flags & LETTER) > 0

    @cached_property
    def spelled(self) -> Mask:
        """Letters in words without digits: not those of hashes and identifiers."""
        digit, letter = (self.flags & DIGIT) > 0, self.letter
        if not (digit & (before(letter) | after(letter))).any():
            return letter
        return letter & ~touched(digit | letter, digit)

    @cached_property
    def forward(self) -> Costs:
        """Letters' costs from left to right."""
        return forward(self.stream.symbols)

    @cached_property
    def backward(self) -> Costs:
        """Letters' costs from right to left."""
        return backward(self.stream.symbols)

    @cached_property
    def words(self) -> frozenset[str]:
        """The words, canonical."""
        return _words(self.canonical)

    @cached_property
    def flow(self) -> Flow:
        """The letters as words."""
        return flow_of(self.stream)

    def gains(self, some: Points) -> frozenset[str]:
        """Known words that a part of another reading has, and this text lacks."""
        self.spend(2 * READING, some.size)
        known = _words(settled(text_of(some))) & self.vocabulary.known
        return known - self.words if known else known


def _words(canonical: str) -> frozenset[str]:
    if canonical.isascii():
        return frozenset(canonical.encode().translate(_LETTERS).decode().split())
    codes = points(canonical)
    letter = (FLAGS[index(codes)] & LETTER) > 0
    return frozenset(text_of(np.where(letter, codes, ord(" "))).split())
