"""HTML made of elements: what is not markup is text, and text is always escaped.

Whatever somebody wrote is shown as it is, so a character that cannot be seen, or that turns the
direction of others, appears as its code point.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from casemate.deciding.seen import CLOSES, OPENS, Span, plain, spans

_CODE = re.compile(f"({OPENS}U\\+[0-9A-F]+(?:.[0-9]+)?{CLOSES})")
_VOID = frozenset({"br", "input", "link", "meta"})


@dataclass(frozen=True, slots=True)
class Markup:
    """HTML that this module made."""

    text: str


Child = Markup | str | None | Iterable["Child"]


def element(name: str, *children: Child, **attributes: str | bool | None) -> Markup:
    """Return an element.

    Args:
        name: Its name.
        children: Markup as it is, text escaped; None is left out.
        attributes: By name, with `_` for `-` and behind words that Python keeps for itself; True is
            an attribute without a value, None and False are none.
    """
    opened = name + "".join(_attribute(*one) for one in attributes.items())
    if name in _VOID:
        return Markup(f"<{opened}>")
    return Markup(f"<{opened}>{together(*children).text}</{name}>")


def together(*children: Child) -> Markup:
    """Return children one behind the other."""
    return Markup("".join(map(_text, children)))


def spelled(text: str) -> Markup:
    """Return text in which `deciding.seen` has spelled out already what cannot be seen."""
    parts = (
        _piece(Span(one, spelled=number % 2 == 1)) for number, one in enumerate(_CODE.split(text))
    )
    return Markup("".join(parts))


def lines(rows: Iterable[Iterable[Span]]) -> Markup:
    """Return lines that `deciding.seen` has made safe to show."""
    # There may be half a million, of one character each.
    return Markup("".join([f"{''.join(map(_piece, row))}\n" for row in rows]))


def typed(text: str) -> Markup:
    """Return text as the content of a field that a person can edit, where no markup can be."""
    return Markup(escape(_encodable(text)))


def _text(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child.text
    if isinstance(child, str):
        return "\n".join("".join(map(_piece, spans(line))) for line in child.split("\n"))
    return "".join(map(_text, child))


def _piece(one: Span) -> str:
    # Halves of characters are spelled out, so all of it has a form in UTF-8.
    text = escape(one.text)
    return f'<span class="unseen">{text}</span>' if one.spelled else text


def _attribute(name: str, value: str | bool | None) -> str:  # noqa: FBT001  HTML has such attributes
    if value is None or value is False:
        return ""
    spelled = name.rstrip("_").replace("_", "-")
    return f" {spelled}" if value is True else f' {spelled}="{escape(_encodable(plain(value)))}"'


def _encodable(text: str) -> str:
    """Return text without halves of characters, which UTF-8 has no form for."""
    return text.encode(errors="replace").decode()
