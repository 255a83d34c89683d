"""One text under examination, with what several transforms ask of it, worked out once."""

import re
from functools import cached_property

from casemate.guard.views.chars import FLAGS, Flags, Index, Points, index, points
from casemate.guard.views.clean import Clean, clean, settled
from casemate.guard.views.letters import SYMBOLS, Stream, Symbols, stream
from casemate.guard.views.vocabulary import Vocabulary

_WORD = re.compile(r"[^\W\d_]+")
_LETTERS = bytes(at if chr(at).isalpha() else 32 for at in range(128)) + b" " * 128


class Page:
    """A text: raw, clean and canonical, as characters, as code points and as letters."""

    def __init__(self, raw: str, vocabulary: Vocabulary) -> None:
        self.raw = raw
        self.vocabulary = vocabulary

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
        if self.canonical.isascii():
            return frozenset(self.canonical.encode().translate(_LETTERS).decode().split())
        return frozenset(_WORD.findall(self.canonical))

    def gains(self, text: str) -> frozenset[str]:
        """Known words that another reading has and this one lacks."""
        other = Page(text, self.vocabulary)
        return (other.words & self.vocabulary.known) - self.words
