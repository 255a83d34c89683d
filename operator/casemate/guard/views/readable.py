"""Whether decoded bytes are a text."""

import codecs
import re

from casemate.guard.views.chars import index, points
from casemate.guard.views.letters import PLAIN, SYMBOLS, mean, stream

LEAST = 8
"""Fewest characters that count: shorter ones come out of ordinary words and numbers by chance."""
SHOWN = re.compile(
    rb"(?:[\b\t\n\r\x1b -\x7f]|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}"
    rb"|[\xf0-\xf4][\x80-\xbf]{3})+"
)
"""Characters in UTF-8 that a text may have."""
_HEAD = 9
_SURE = 24
_SHOWN = bytes({*range(32, 128), 8, 9, 10, 13, 27})  # deletions carry messages as well
_UNSHOWN = re.compile(
    "[\x00-\x07\x0b\x0c\x0e-\x1a\x1c-\x1f\x80-\x9f\ufffd\ufffe\uffff\ue000-\uf8ff\U000f0000-\U0010ffff]"
)


def readable(raw: bytes, least: int = LEAST) -> str:
    """The text that bytes are, in UTF-8 or UTF-16; "" if they are none.

    A last character that is cut is left out.
    """
    if len(raw) < least:
        return ""
    if raw.isascii():
        if raw[1:2] == b"\x00":
            return _wide(raw, least)
        return "" if raw.translate(None, _SHOWN) else raw.decode()
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(raw)
    except UnicodeDecodeError:
        return _wide(raw, least)
    return "" if len(text) < least or _UNSHOWN.search(text) else text


def lettered(text: str) -> bool:
    """Whether two of three characters or more are letters."""
    return sum(map(str.isalpha, text)) * 3 >= len(text) * 2 > 0


def no_number(text: str) -> bool:
    """Whether what digits decode to is no accident: long, or letters as a language has them."""
    return len(text) >= _SURE or (
        lettered(text) and mean(stream(SYMBOLS[index(points(text))]).symbols) <= PLAIN
    )


def begins(raw: bytes) -> bool:
    """Whether bytes begin as a text does; cheaper than an error for each word that does not."""
    shown = SHOWN.match(raw)
    return (shown is not None and shown.end() >= min(_HEAD, len(raw) - 3)) or raw[1:2] == b"\x00"


def _wide(raw: bytes, least: int) -> str:
    """The same for UTF-16 of letters, as some shells encode commands."""
    if raw[1::2].count(0) * 4 < len(raw):
        return ""
    text = raw.decode("utf-16-le", "replace")
    return "" if len(text) < least or _UNSHOWN.search(text) else text
