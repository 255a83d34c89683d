"""Alphabets of signs: Morse, the spelling alphabet, Braille, letters upside down."""

import re
from collections.abc import Callable, Iterator

import numpy as np

from casemate.guard.views.chars import WIDE, index, points
from casemate.guard.views.letters import PLAIN, SYMBOLS, mean, stream
from casemate.guard.views.meter import MATCH, PIECE
from casemate.guard.views.page import Page
from casemate.guard.views.pieces import placed
from casemate.guard.views.types import Found

_MORSE_CODES = """
.- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..-
-.-- --.. ----- .---- ..--- ...-- ....- ..... -.... --... ---.. ----. .-.-.- --..-- ..--.. -....-
-..-. .----. ---...
"""
_MORSE = dict(zip(_MORSE_CODES.split(), "abcdefghijklmnopqrstuvwxyz0123456789.,?-/':", strict=True))
_DASHES = str.maketrans("−–—_•·∙・●", "----.....")
_MORSE_RUN = re.compile(r"(?:[.\-−–—_•·∙・●]{1,7}[ \n/|,]{1,5}){4,}[.\-−–—_•·∙・●]{1,7}")
_MORSE_PAIRS = (" .", " -", " _", "/.", "/-", "\n.", "\n-", "|.", "|-")
_MORSE_WORD = re.compile(r"\s*[/|\n]\s*|\s{2,}")
_NATO_WORDS = """
alpha bravo charlie delta echo foxtrot golf hotel india juliett kilo lima mike november oscar papa
quebec romeo sierra tango uniform victor whiskey xray yankee zulu alfa juliet whisky x-ray
"""
_NATO = {word: word[0] for word in _NATO_WORDS.split()}
_NATO_WORD = re.compile("|".join(sorted(_NATO, key=len, reverse=True)))
_NATO_RUN = re.compile(rf"\b(?:(?:{_NATO_WORD.pattern})\b([ ,.\-/\n]{{0,4}})){{4,}}", re.IGNORECASE)
_BRAILLE_RUN = re.compile("[\u2800-\u28ff][\u2800-\u28ff \n]{3,}")
# Dots of a to j; k to t add dot 3, u to z dots 3 and 6, w is an exception.
_TENS = (0x01, 0x03, 0x09, 0x19, 0x11, 0x0B, 0x1B, 0x13, 0x0A, 0x1A)
_BRAILLE = {0x2800: " "}
_BRAILLE |= {0x2800 + dots: letter for dots, letter in zip(_TENS, "abcdefghij", strict=True)}
_BRAILLE |= {0x2804 + dots: letter for dots, letter in zip(_TENS, "klmnopqrst", strict=True)}
_BRAILLE |= {0x2824 + dots: letter for dots, letter in zip(_TENS[:5], "uvxyz", strict=True)}
_BRAILLE |= {
    0x283A: "w",
    0x2820: "",
    0x283C: "",
    0x2832: ".",
    0x2802: ",",
    0x2826: "?",
    0x2824: "-",
}
_FLIPPED = "ɐqɔpǝɟƃɥᴉɾʞןɯuodbɹsʇnʌʍxʎz" + "∀ƆᗡƎℲ⅁ʞ˥ԀᴚʇΛ⅄" + "¿¡˙‘"
_UPRIGHT = "abcdefghijklmnopqrstuvwxyz" + "acdefgklprtvy" + "?!.,"
_UP = dict(zip(map(ord, _FLIPPED), _UPRIGHT, strict=True)) | {ord("ı"): "i", ord("l"): "l"}
_TELLING = re.compile("[ɐɔǝɟƃɥᴉɾʞןɯɹʇʌʍʎƆᗡƎℲ⅁˥ᴚ⅄]")
_FLIPPED_RUN = re.compile(rf"(?m)^[^\n]*{_TELLING.pattern}[^\n]*")
_FEWEST = 4


def _cost(text: str) -> float:
    return mean(stream(SYMBOLS[index(points(text))]).symbols)


def likely(text: str) -> bool:
    """Whether letters follow one another as in a language; true of scripts without figures."""
    return _cost(text) <= PLAIN


def fluent(page: Page, visible: int) -> bool:
    """Whether a text of so many visible characters is mostly words of a language."""
    wide = np.count_nonzero(page.flags & WIDE)
    letters = page.stream.letters
    spelled = bool((letters + 2 * wide) * 2 >= visible)
    return spelled and int(page.forward.sum()) <= PLAIN * letters


def _morse(run: str) -> str:
    words = _MORSE_WORD.split(run.translate(_DASHES))
    letters = [[_MORSE.get(code, "") for code in word.replace(",", " ").split()] for word in words]
    total = sum(map(len, letters))
    text = " ".join("".join(word) for word in letters)
    read = sum(map(len, text.split())) * 10 >= total * 9
    return text if read and len(set(text) - {" "}) >= _FEWEST else ""


def morse(page: Page) -> Iterator[Found]:
    """Dots and dashes."""
    if not page.text.isascii() or any(pair in page.text for pair in _MORSE_PAIRS):
        yield from _replaced(page, "morse", _MORSE_RUN, _morse)


def _nato(run: str) -> str:
    parts = re.split(r"\s*[/\n]\s*|\s{2,}|[,.] {0,3}(?=\b)", run.lower())
    if all(len(_NATO_WORD.findall(part)) == 1 for part in parts if part):
        parts = [run.lower()]
    return " ".join("".join(_NATO[word] for word in _NATO_WORD.findall(part)) for part in parts)


def nato(page: Page) -> Iterator[Found]:
    """Letters as words: Alfa, Bravo, Charlie."""
    if len(page.words & _NATO.keys()) > 1:
        yield from _replaced(page, "nato", _NATO_RUN, _nato)


def braille(page: Page) -> Iterator[Found]:
    """Braille's letters, uncontracted."""
    if not page.text.isascii():
        yield from _replaced(page, "braille", _BRAILLE_RUN, lambda run: run.translate(_BRAILLE))


def flipped(page: Page) -> Iterator[Found]:
    """Lines of letters upside down, which read from their end."""
    if page.text.isascii():
        return
    lines = [line for line in _FLIPPED_RUN.finditer(page.text) if _many(line[0])]
    if not lines:
        return
    page.spend(PIECE, len(lines))
    read = [line[0].translate(_UP) for line in lines]
    turned = [line[::-1] for line in read]
    best = min(turned, read, key=lambda way: _cost("\n".join(way)))
    pieces = [(line.start(), line.end(), new) for line, new in zip(lines, best, strict=True)]
    yield Found(("upside-down",), placed(page.text, pieces), hidden=True)


def _many(line: str) -> bool:
    return len(_TELLING.findall(line)) >= _FEWEST


def _replaced(
    page: Page, how: str, pattern: re.Pattern[str], read: Callable[[str], str]
) -> Iterator[Found]:
    pieces = []
    for match in pattern.finditer(page.text):
        # Each sign is looked up by itself.
        page.spend(MATCH, 4 + len(match[0]) // 8)
        if plain := read(match[0]):
            pieces.append((match.start(), match.end(), plain))
    if pieces:
        yield Found((how,), placed(page.text, pieces), hidden=True)
