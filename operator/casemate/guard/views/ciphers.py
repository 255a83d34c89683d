"""Ciphers that keep letters letters: turned round, shifted, mirrored in the alphabet.

No mark tells them, so letters must. A single enciphered sentence is found among plain ones, and
plain text costs two look-ups a letter.
"""

from collections.abc import Iterator

import numpy as np

from casemate.guard.views.chars import Mask, Points, runs, text_of
from casemate.guard.views.evidence import borne_out
from casemate.guard.views.letters import LATIN, Costs, Symbols, backward, forward
from casemate.guard.views.meter import PASS
from casemate.guard.views.page import Page
from casemate.guard.views.pieces import exchanged
from casemate.guard.views.regions import GAIN, GAIN_OF_MANY, LEAST, Flow, implausible, part, region
from casemate.guard.views.types import Found

_ROT13 = 13
_OFTEN = "etaoinsrhdlucmfywgpbvkxqjz"
_FREQUENT = dict(
    zip(
        _OFTEN,
        (
            124,
            87,
            80,
            75,
            73,
            71,
            68,
            65,
            46,
            39,
            43,
            31,
            33,
            26,
            20,
            17,
            19,
            20,
            21,
            12,
            11,
            8,
            2,
            2,
            2,
            2,
        ),
        strict=True,
    )
)
"""How many of a thousand letters of English are each."""


def reversed_in(codes: Points, mask: Mask) -> Points:
    """The stretches of the mask, each read from its end."""
    starts, ends = runs(mask)
    places = np.flatnonzero(mask)
    out = codes.copy()
    out[places] = codes[np.repeat(starts + ends - 1, ends - starts) - places]
    return out


def turned(page: Page) -> Iterator[Found]:
    """Text that was written from right to left: as a whole, or each word."""
    if page.stream.letters < LEAST:
        return
    mask = region(page.flow, page.flags, page.forward, page.backward)
    words = None if mask is None else reversed_in(page.codes, mask & page.letter)
    if mask is None or words is None or not borne_out(page, words, mask, turned=True):
        yield from _by_word(page, "reversed-words", page.vocabulary.turned)
        return
    yield Found(("reversed",), text_of(reversed_in(page.codes, mask)), hidden=True)
    yield Found(("reversed-words",), text_of(words), hidden=True)


def _permutation(order: list[int]) -> Symbols:
    table = np.arange(256, dtype=np.uint8)
    table[1 : len(LATIN) + 1] = [1 + at for at in order]
    return table


SHIFTS = [_permutation([(at + by) % 26 for at in range(26)]) for by in range(26)]
_MIRROR = _permutation([25 - at for at in range(26)])


def translated(codes: Points, order: Symbols, mask: Mask) -> Points:
    """Code points with the ASCII letters under the mask exchanged."""
    table = np.arange(128, dtype=np.uint32)
    for first in (65, 97):
        table[first : first + 26] = order[1:27].astype(np.uint32) - 1 + first
    chosen = mask & (codes < table.size)
    out = codes.copy()
    out[chosen] = table[codes[chosen]]
    return out


def _shifts(symbols: Symbols) -> list[int]:
    """The shifts that make letters' counts most like a language's, and 13."""
    counts = np.bincount(symbols, minlength=27)[1:27]
    likely = [int(_USUAL @ np.roll(counts, by)) for by in range(26)]
    best = sorted(range(1, 26), key=lambda by: -likely[by])[:1]
    return [_ROT13, *(by for by in best if by != _ROT13)]


_USUAL = np.array([_FREQUENT[letter] for letter in LATIN])


def _likelier(symbols: Symbols) -> Costs:
    """Costs in the direction that suits better: a text may be turned round as well."""
    return min(forward(symbols), backward(symbols), key=lambda costs: int(costs.sum()))


def _shifted(page: Page, flow: Flow) -> Iterator[Found]:
    """Readings of the words that are no language as they are."""
    symbols = flow.stream.symbols
    page.spend(3 * PASS, symbols.size)
    given = _likelier(symbols)
    orders = [("atbash", _MIRROR)]
    orders += [("rot13" if by == _ROT13 else "caesar", SHIFTS[by]) for by in _shifts(symbols)]
    reads = [(name, order, _likelier(order[symbols])) for name, order in orders]
    for name, order, costs in sorted(reads, key=lambda read: int(read[2].sum())):
        least = GAIN if name == "rot13" else GAIN_OF_MANY
        mask = region(flow, page.flags, given, costs, least)
        if mask is None:
            continue
        codes = translated(page.codes, order, mask)
        if borne_out(page, codes, mask):
            yield Found((name,), text_of(codes), hidden=True)
            if mask.all():
                return


def shifted(page: Page) -> Iterator[Found]:
    """Latin letters moved along the alphabet (rot13 and others) or mirrored in it."""
    if page.stream.letters < LEAST:
        return
    given = min(page.forward, page.backward, key=lambda costs: int(costs.sum()))
    odd = implausible(page.flow, given)
    done = list(_shifted(page, part(page.flow, odd))) if odd.any() else []
    yield from done or _by_word(page, "rot13", page.vocabulary.rotated)


def _by_word(page: Page, how: str, table: dict[str, str]) -> Iterator[Found]:
    """Single known words, too short for letters to tell."""
    if not table.keys().isdisjoint(page.words):  # which walks through the words, not the table
        yield Found((how,), exchanged(page.text, table.get))
