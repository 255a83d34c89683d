"""Bytes written as characters: base64, base32, hexadecimal and binary, also in pieces.

Ordinary words, hashes and identifiers decode to bytes that are no text, which is the whole gate: a
dozen bytes are readable by chance once in 100,000 times.
"""

import binascii
import codecs
import re
from collections.abc import Callable, Iterator

import numpy as np

from casemate.guard.views.chars import (
    B64,
    NEWLINE,
    SPACE,
    Index,
    after,
    before,
    count,
    runs,
)
from casemate.guard.views.meter import PASS, PIECE
from casemate.guard.views.page import Page
from casemate.guard.views.pieces import placed
from casemate.guard.views.readable import begins, no_number, readable
from casemate.guard.views.types import Found

_LEAST = 16
_HEAD = 64
_PIECES = 24
_RUN = 12
_GAP = 3
_ASCII = re.compile(rb"[\t\n\r -~]{12,}")
_DIGITS32 = bytes.maketrans(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"0123456789abcdefghijklmnopqrstuv"
)
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_BASE32 = re.compile(r"[A-Z2-7]{16,}={0,6}|(?=[a-z]*[2-7])[a-z2-7]{16,}={0,6}")
_NOT_HEX = re.compile(r"0x|[^0-9A-Fa-f]")
_KINDS = bytes(
    ord("A" if char.isupper() else "a" if char.islower() else "0" if char.isdigit() else "+")
    if char.isalnum() or char in "+="
    else ord(" ")
    for char in map(chr, range(128))
) + bytes(128)
_TURNS = (b"aA", b"0A", b"0a", b"A0", b"a0", b"+")
"""Where a stretch of letters is no word: a capital or a digit inside it, or a sign."""

Decoder = Callable[[str], str]


def base64(text: str) -> str:
    """Text that base64 stands for, standard or URL-safe, with or without padding; "" if none."""
    raw = text.encode().translate(_URL_SAFE, b"=")
    whole = len(raw) - (len(raw) % 4 == 1)
    decoded = binascii.a2b_base64(raw[:whole] + b"=="[: -whole % 4])
    return readable(decoded) if begins(decoded) else ""


def base32(text: str) -> str:
    """The same of base32, in either case."""
    raw = text.rstrip("=").upper().encode().translate(_DIGITS32)
    size = len(raw) * 5 // 8
    spare = len(raw) * 5 - size * 8
    try:
        return readable((int(raw, 32) >> spare).to_bytes(size, "big"))
    except (ValueError, OverflowError):
        return ""


def hexadecimal(text: str) -> str:
    """The same of hexadecimal digits, with any marks between or before the pairs."""
    digits = _NOT_HEX.sub("", text)
    found = readable(bytes.fromhex(digits[: len(digits) // 2 * 2]))
    return found if not digits.isdigit() or no_number(found) else ""


def _spans(page: Page) -> tuple[Index, Index]:
    """Stretches of characters of base64's alphabet, long enough for a text."""
    starts, ends = runs((page.flags & B64) > 0)
    long = ends - starts >= _LEAST
    return starts[long], ends[long]


_WAYS: tuple[tuple[tuple[str, ...], Callable[[str], str]], ...] = (
    ((), str),
    (("reversed",), lambda text: text[::-1]),
    (("rot13",), lambda text: codecs.encode(text, "rot13")),
)


def _decoders(text: str) -> list[tuple[str, Decoder]]:
    """What a stretch of letters and digits may be, by its alphabet."""
    found: list[tuple[str, Decoder]] = []
    body = text.strip("=")
    if not body.isalnum() or not (body.islower() or body.isupper() or body.isdigit()):
        found.append(("base64", base64))
    if _BASE32.fullmatch(text):
        found.append(("base32", base32))
    if len(text) % 2 == 0 and not _NOT_HEX.search(text):
        found.append(("hex", hexadecimal))
    return found


def _decoded(text: str) -> tuple[str, str] | None:
    """How a stretch is encoded, and what it says."""
    for name, decoder in _decoders(text):
        # Most words and hashes are told from the first bytes.
        if len(text) > 2 * _HEAD and not decoder(text[:_HEAD]):
            continue
        if plain := decoder(text):
            return name, plain
    return None


def blobs(page: Page) -> Iterator[Found]:
    """Long stretches of base64, base32 or hex, each also turned round or shifted by 13."""
    spans = _spans(page)
    if not spans[0].size:
        return
    page.spend(2 * PIECE, len(spans[0]))
    read: dict[tuple[str, ...], list[tuple[int, int, str]]] = {}
    for start, end in zip(spans[0].tolist(), spans[1].tolist(), strict=True):
        text = page.text[start:end]
        for how, way in _WAYS:
            if found := _decoded(way(text)):
                read.setdefault((*how, found[0]), []).append((start, end, found[1]))
                break
    for how, pieces in read.items():
        yield Found(how, placed(page.text, pieces), hidden=not _data(pieces))


def _data(pieces: list[tuple[int, int, str]]) -> bool:
    """Whether all that was found is structured data, as tokens and manifests carry it."""
    return all(
        text.startswith(("{", "[{", "---\n", "apiVersion", "-----BEGIN", "<svg", "<?xml"))
        for *_, text in pieces
    )


def _pieces(page: Page) -> Iterator[tuple[int, int]]:
    """Stretches of short pieces of base64, told from words by capitals and digits inside."""
    kinds = page.text.encode("ascii", "replace").translate(_KINDS)
    if sum(map(kinds.count, _TURNS)) <= 1:
        return
    codes, flags = page.codes, page.flags
    body = (flags & B64) > 0
    digit = (codes >= ord("0")) & (codes <= ord("9"))
    upper = (codes >= ord("A")) & (codes <= ord("Z"))
    lower = (codes >= ord("a")) & (codes <= ord("z"))
    mark = (codes == ord("+")) | (codes == ord("="))
    turn = (before(lower) & upper) | (before(digit) & (upper | lower)) | mark
    turn |= before(upper | lower) & digit
    starts, ends = runs(body)
    odd = count(turn & body, starts, ends) > 0
    blank = (flags & (SPACE | NEWLINE)) > 0
    linked = np.zeros(starts.size, bool)
    gaps = starts[1:] - ends[:-1]
    linked[1:] = (gaps <= _GAP) & (count(blank, ends[:-1], starts[1:]) == gaps)
    # One word between two odd ones may be a piece without capitals.
    member = odd | (after(odd) & after(linked)) | (before(odd) & linked)
    chain = np.cumsum(~(member & before(member) & linked))
    first = np.flatnonzero(np.diff(chain, prepend=-1))
    last = np.append(first[1:], starts.size) - 1
    enough = (last > first) & (ends[last] - starts[first] >= _PIECES)
    odds = count(odd, first, last + 1)
    enough &= odds * 2 >= last - first + 1
    yield from zip(starts[first[enough]].tolist(), ends[last[enough]].tolist(), strict=True)


def _aligned(text: str) -> str:
    """A text, whole or a long stretch, among the four ways in which groups of four may begin."""
    raw = "".join(text.split()).encode().translate(_URL_SAFE, b"=")
    best = b""
    for start in range(4):
        part = raw[start:]
        whole = len(part) - (len(part) % 4 == 1)
        decoded = binascii.a2b_base64(part[:whole] + b"=="[: -whole % 4])
        if begins(decoded) and (plain := readable(decoded, least=_RUN)):
            return plain
        best = max([best, *_ASCII.findall(decoded)], key=len)
    return readable(best, least=_RUN)


def wrapped(page: Page) -> Iterator[Found]:
    """Base64 in lines or in groups."""
    places = list(_pieces(page))
    page.spend(4 * PIECE, len(places))
    page.spend(PASS, sum(end - start for start, end in places))
    found = [
        (start, end, plain) for start, end in places if (plain := _aligned(page.text[start:end]))
    ]
    if found:
        yield Found(("base64",), placed(page.text, found), hidden=not _data(found))
