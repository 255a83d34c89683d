"""The search for readings: each transform on the text, then on each reading, within a budget."""

import codecs
from collections.abc import Callable, Iterator

import numpy as np

from casemate.guard.views import (
    blobs,
    ciphers,
    escapes,
    groups,
    joins,
    leet,
    marks,
    payloads,
    regions,
    respell,
    signs,
    spaced,
    turns,
)
from casemate.guard.views.meter import BYTE, NEWS, Meter, weight
from casemate.guard.views.news import new_in
from casemate.guard.views.page import Page
from casemate.guard.views.types import Found, Unfinished, View, Views
from casemate.guard.views.vocabulary import vocabulary

Transform = Callable[[Page], Iterator[Found]]

DEPTH = 2
_FAR = 128
_SPARE = 16384
"""Characters that a short text's readings may have, beyond four times its own."""

STRICT: tuple[Transform, ...] = (
    blobs.blobs,
    blobs.wrapped,
    groups.groups,
    escapes.percent,
    escapes.entities,
    escapes.quoted_printable,
    escapes.escapes,
    escapes.punycode,
    signs.morse,
    signs.nato,
    signs.braille,
    signs.flipped,
)
"""Notations that decode to a text or do not: no plain text passes for one."""
LOOSE: tuple[Transform, ...] = (
    ciphers.turned,
    ciphers.shifted,
    turns.turned_clauses,
    spaced.spaced,
    joins.markup,
    joins.added,
    joins.hyphened,
    leet.leet,
    respell.stretched,
    respell.respelled,
    marks.accents,
    marks.look_alikes,
)
"""Disguises that are told by what comes of them."""
ALL = (payloads.carried, *STRICT, *LOOSE)
GUESSED: dict[Transform, frozenset[str]] = {
    blobs.wrapped: frozenset({"base64"}),
    groups.groups: frozenset({"hex", "binary", "codes"}),
    escapes.percent: frozenset({"percent"}),
    escapes.entities: frozenset({"entities"}),
    escapes.quoted_printable: frozenset({"quoted-printable"}),
    escapes.escapes: frozenset({"escapes"}),
    signs.morse: frozenset({"morse"}),
}
"""Those that give no sign when they are turned round or shifted, and what they may read."""


class _Search:
    """What was found so far, and how much of a text's readings may still be kept."""

    def __init__(self, budget: int) -> None:
        self._found: list[tuple[tuple[str, ...], str]] = []
        self.hidden: dict[str, None] = {}
        self._seen: set[str] = set()
        self._superseded: set[str] = set()
        self._budget = budget

    def views(self) -> tuple[View, ...]:
        """The readings, in the order of finding."""
        return tuple(
            View(how, text, superseded=text in self._superseded) for how, text in self._found
        )

    def add(self, how: tuple[str, ...], page: Page) -> bool:
        """Keep a reading; False if it is not new."""
        self.hidden |= dict.fromkeys(page.cleaned.hidden)
        if page.canonical in self._seen:
            return False
        self._budget -= len(page.canonical) if how else 0
        if self._budget < 0:
            raise Unfinished
        self._seen.add(page.canonical)
        self._found.append((how, page.canonical))
        return True

    def take(self, how: tuple[str, ...], page: Page, found: Found) -> Page | None:
        """Keep one reading of a page; the page of what is new in it, if anything."""
        both = (*how, *found.how)
        if len(both) > DEPTH:
            return None
        child = page.other(found.text)
        if not child.canonical:
            return child  # all that it has cannot be seen
        if found.instead and page.canonical != child.canonical:
            self._superseded.add(page.canonical)
        if not self.add(both, child):
            return None
        if found.hidden:
            self.hidden |= dict.fromkeys(found.how)
        return _changed(page, child) if len(both) < DEPTH else None

    def run(self, page: Page) -> None:
        """Search a text, its readings and theirs."""
        level: list[tuple[tuple[str, ...], Page]] = [((), page)]
        for _ in range(DEPTH):
            level = [
                (how + found.how, child)
                for how, parent in level
                if len(how) < DEPTH
                for found in _readings(parent, ALL)
                if (child := self.take(how, parent, found))
            ]
        read = {how[0] for how, _ in self._found if how}
        if escapes.SHIFTED.search(page.text):
            read.discard("percent")
        left = tuple(one for one, names in GUESSED.items() if names - read)
        for name, text in _guesses(page):
            guess = page.clean(text)
            for found in _readings(guess, left):
                if found.hidden and found.how[-1] not in read and signs.likely(found.text):
                    self.take((name,), guess, found)


def _changed(page: Page, child: Page) -> Page:
    """What a reading has that the text had not, as the rest was searched."""
    child.spend(NEWS)
    return child.part(new_in(child.raw, page.text))


def _readings(page: Page, transforms: tuple[Transform, ...]) -> Iterator[Found]:
    page.spend(BYTE * len(transforms) // len(ALL), weight(page.raw))
    for transform in transforms:
        yield from transform(page)


def _guesses(page: Page) -> Iterator[tuple[str, str]]:
    """What a text that is no language may have been before a second code was laid over the first.

    A notation that was turned round or shifted gives no sign of it, so it is tried.
    """
    visible = len(page.text) - page.text.count(" ")
    ascii_only = np.count_nonzero(page.codes < _FAR) * 2 >= page.codes.size  # as notations are
    if ascii_only and visible >= regions.LEAST and not signs.fluent(page, visible):
        yield "reversed", page.text[::-1]
        yield "rot13", codecs.encode(page.text, "rot13")


def views(
    text: str,
    words: frozenset[str] = frozenset(),
    budget: int | None = None,
    real: frozenset[str] = frozenset(),
) -> Views:
    """The readings of a text: itself in canonical form, and what its disguises hide.

    Args:
        text: Any text, also with lone surrogates.
        words: Words in canonical form that a misspelt word may be: those that somebody would hide.
        budget: Characters that all readings but the first may have together; by default four times
            the text's and 16,384.
        real: Words that are no misspelling of others, however near they are.

    Returns:
        At least the text itself; readings of two transforms at most, each different. Time and
        memory are linear in the text's length.
    """
    search = _Search(4 * len(text) + _SPARE if budget is None else budget)
    page = Page(text, vocabulary(words, real), Meter(text))
    search.add((), page)
    try:
        search.run(page)
    except Unfinished:
        return Views(search.views(), tuple(search.hidden), complete=False)
    return Views(search.views(), tuple(search.hidden), complete=True)
