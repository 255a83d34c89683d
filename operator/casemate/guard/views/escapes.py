"""Characters written as escapes of some notation: URLs, HTML, mail, programs, host names."""

import html
import re
import sys
from collections.abc import Callable, Iterator

from casemate.guard.views.chars import points
from casemate.guard.views.meter import MATCH
from casemate.guard.views.page import Page
from casemate.guard.views.types import Found

_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
SHIFTED = re.compile(r"%[0-9][n-sN-S]")
"""What rot13 makes of some of them; the others stay as they are."""
_PRINTABLE = re.compile(
    r"(?:=[0-9A-F]{2}){2,}|=[0-9A-F]{2}(?![0-9A-Fa-f])|=\n(?<=[^\W_]=\n)(?=[^\W_])"
)
"""A single "=41" with a digit behind it is a number."""
_ENTITY = re.compile(r"&(?:#[0-9]{1,7};?|#[xX][0-9A-Fa-f]{1,6};?|[A-Za-z][A-Za-z0-9]{1,31};)")
_ORDINARY = {
    "&amp;",
    "&lt;",
    "&gt;",
    "&quot;",
    "&apos;",
    "&nbsp;",
    "&#39;",
    "&#34;",
    "&#x27;",
    "&#10;",
}
_ESCAPE = re.compile(
    r"(?:\\|%)u([Ee]0[01][0-9A-Fa-f]{2}|[0-9A-Fa-f]{4})|\\u\{([0-9A-Fa-f]{1,6})\}|\\U([0-9A-Fa-f]{8})|\\x\{([0-9A-Fa-f]{1,6})\}"
    r"|U\+([0-9A-Fa-f]{4,6})(?: (?=U\+))?"
)
"""Five digits are wrong, but for tags and selectors, which carry letters, they are understood."""
_PUNYCODE = re.compile(r"\bxn--([a-z0-9-]{1,59})", re.IGNORECASE)
_CONTROLS, _DELETE = 31, 127
_SPACES = 3
_MANY = 16
"""So many escapes of what needs none are a message of their own, such as one in Morse."""
_NEEDED = frozenset(" \t\n!\"#$%&'()*,-:;<>?@[\\]^`{|}~\xa0§–—‘’“”…")
"""What addresses and pages escape by rule, but for what codes are made of."""
_LETTERS = {"percent": 1, "quoted-printable": 3}
"""Different letters that must have been escaped: addresses have "=4A" by chance, but no "%4A"."""
_LABEL = 12_000
"""Cost of a host name: decoding one is quadratic, in at most 59 letters."""


def _told(
    page: Page, pattern: re.Pattern[str], read: Callable[[re.Match[str]], str]
) -> tuple[str, str]:
    """The text with escapes read, and all that they stood for."""
    seen: list[str] = []

    def each(match: re.Match[str]) -> str:
        page.spend(MATCH, 2)
        new = read(match)
        if new != match[0]:
            seen.append(new)
        return new

    return pattern.sub(each, page.text), "".join(seen)


def _hidden(stood_for: str) -> bool:
    """Whether letters were escaped that need it nowhere."""
    return sum(char.isascii() and char.isalpha() for char in stood_for) >= _SPACES


def _many(stood_for: str) -> bool:
    return sum(char not in _NEEDED for char in stood_for) >= _MANY


def _bytes(match: re.Match[str]) -> str:
    run = match[0]
    if run == "=\n":
        return ""
    try:
        text = bytes.fromhex(run.replace(run[0], "")).decode()
    except UnicodeDecodeError:
        return run
    return run if "\b" in text or "\0" in text else text  # "%08d" is a format, no deletion


def percent(page: Page) -> Iterator[Found]:
    """URL encoding. Spaces and punctuation alone are ordinary in an address, if few."""
    if "%" in page.text:
        yield from _bytewise(page, "percent", _PERCENT)


def quoted_printable(page: Page) -> Iterator[Found]:
    """Mail's encoding, and lines that it broke inside words."""
    if "=" in page.text:
        yield from _bytewise(page, "quoted-printable", _PRINTABLE)


def _bytewise(page: Page, how: str, pattern: re.Pattern[str]) -> Iterator[Found]:
    text, stood_for = _told(page, pattern, _bytes)
    letters = len({char for char in stood_for if char.isalpha()})
    broken = text.count("\n") < page.text.count("\n") and bool(page.gains(points(text)))
    if _many(stood_for) or letters >= _LETTERS[how] or stood_for.count(" ") >= _SPACES or broken:
        yield Found((how,), text, hidden=_hidden(stood_for))


def entities(page: Page) -> Iterator[Found]:
    """HTML's references."""
    if "&" not in page.text:
        return
    text, stood_for = _told(page, _ENTITY, lambda match: html.unescape(match[0]))
    if _many(stood_for) or any(map(str.isalpha, stood_for)):
        yield Found(("entities",), text, hidden=_hidden(stood_for))


def _point(match: re.Match[str]) -> str:
    value = int(match[match.lastindex or 0], 16)
    shown = value > _CONTROLS and value <= sys.maxunicode and value != _DELETE
    return chr(value) if shown else match[0]


def escapes(page: Page) -> Iterator[Found]:
    """Code points as programs write them."""
    if not any(mark in page.text for mark in ("\\u", "\\U", "%u", "\\x{", "U+")):
        return
    text, stood_for = _told(page, _ESCAPE, _point)
    if len(stood_for) >= _MANY or any(map(str.isalpha, stood_for)):
        paired = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        yield Found(("escapes",), paired, hidden=_hidden(stood_for))


def punycode(page: Page) -> Iterator[Found]:
    """Labels of host names."""
    if "xn--" not in page.text.lower():
        return
    labels: dict[str, str] = {}

    def label(match: re.Match[str]) -> str:
        if match[1] not in labels:
            page.spend(_LABEL, 1)
            try:
                labels[match[1]] = match[1].encode().decode("punycode")
            except (UnicodeError, ValueError, OverflowError):
                labels[match[1]] = match[0]
        return labels[match[1]]

    text = _PUNYCODE.sub(label, page.text)
    if text != page.text:
        yield Found(("punycode",), text)
