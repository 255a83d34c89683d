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
)
from casemate.guard.views.meter import BYTE, MATCH, Meter, weight
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
    marks.wide_turned,
    joins.spaced,
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
GUESSED = tuple(one for one in STRICT if one != blobs.blobs)  # which tries both by itself


class _Search:
    """What was found so far, and how much of a text's readings may still be kept."""

    def __init__(self, budget: int) -> None:
        self.views: list[View] = []
        self.hidden: dict[str, None] = {}
        self._seen: set[str] = set()
        self._budget = budget

    def add(self, how: tuple[str, ...], page: Page) -> bool:
        """Keep a reading; False if it is not new."""
        self.hidden |= dict.fromkeys(page.cleaned.hidden)
        if page.canonical in self._seen:
            return False
        self._budget -= len(page.canonical) if how else 0
        if self._budget < 0:
            raise Unfinished
        self._seen.add(page.canonical)
        self.views.append(View(how, page.canonical))
        return True

    def take(self, how: tuple[str, ...], page: Page, found: Found) -> Page | None:
        """Keep one reading of a page; the page of what is new in it, if anything."""
        both = (*how, *found.how)
        if len(both) > DEPTH:
            return None
        child = page.other(found.text)
        if not child.canonical:
            return child  # all that it has cannot be seen
        if not self.add(both, child):
            return None
        if found.hidden:
            self.hidden |= dict.fromkeys(found.how)
        return _changed(page, child)

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
        read = {view.how[0] for view in self.views if view.how}
        for name, text in _guesses(page):
            guess = page.other(text)
            for found in _readings(guess, GUESSED):
                if found.hidden and found.how[-1] not in read and signs.likely(found.text):
                    self.take((name,), guess, found)


def _changed(page: Page, child: Page) -> Page:
    """The lines and sentences of a reading that the text had not, as the rest was searched."""
    old = set(_lines(page))
    new = [line for line in _lines(child) if line not in old]
    child.spend(MATCH // 2, len(old) + len(new))
    return child.part("\n".join(new))


def _lines(page: Page) -> list[str]:
    return page.raw.replace(". ", ".\n").split("\n")


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
        return Views(tuple(search.views), tuple(search.hidden), complete=False)
    return Views(tuple(search.views), tuple(search.hidden), complete=True)
