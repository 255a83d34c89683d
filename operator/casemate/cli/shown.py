"""API objects in the forms that programs read, and a held request as people read it."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from casemate.cli.terminal import BOLD, DIM, RED, YELLOW, Terminal
from casemate.deciding.facts import Fact
from casemate.deciding.review import Review, Section
from casemate.deciding.seen import Span, isolated

LINE, GOES_ON = "│ ", "┆ "
"""Before each line that a caller wrote, and before what of it did not fit. No line of ours begins
so, and so no text can pass for one."""
_NAMES = 12

Json = Mapping[str, Any]


def objects(form: str, found: Iterable[Json], *, stream: bool = False) -> Iterator[str]:
    """Yield API objects as text: `json` and `yaml` in ASCII, so that a terminal obeys none of it.

    Args:
        form: `json`, `yaml` or `name`.
        found: The objects.
        stream: One document for each instead of one List.
    """
    if form == "name":
        yield from (f"approvalrequest.casemate.dev/{one['metadata']['name']}" for one in found)
        return
    if stream:
        yield from (dumped(form, one, indent=None) for one in found)
        return
    yield dumped(form, {"apiVersion": "v1", "kind": "List", "items": [*found]})


def dumped(form: str, value: Any, *, indent: int | None = 2) -> str:
    """Return a value as `json` or `yaml`, in ASCII."""
    if form == "json":
        return json.dumps(value, indent=indent)
    import yaml  # noqa: PLC0415  few ask for it

    text: str = yaml.safe_dump(json.loads(json.dumps(value)), explicit_start=indent is None)
    return text.rstrip("\n")


def told(terminal: Terminal, found: Iterable[Fact]) -> Iterator[str]:
    """Yield lines about a request, each with its name before it."""
    for fact in found:
        name = terminal.paint(fact.name.ljust(_NAMES), BOLD)
        styles = (YELLOW,) if fact.warns else ()
        for row in terminal.wrapped([Span(fact.text)], _NAMES):
            text = "".join(span.text for span in row)
            yield f"{name}{terminal.paint(isolated(text), *styles)}".rstrip()
            name = " " * _NAMES


def content(terminal: Terminal, review: Review) -> Iterator[str]:
    """Yield the lines of a content: first what of it cannot be seen, then all, then its digest."""
    yield from told(terminal, _unseen(review))
    parts = f"{review.size} bytes in {len(review.sections)} parts; exactly this would be sent"
    yield from told(terminal, [Fact("Content", parts)])
    for section in review.sections:
        yield ""
        yield from _section(terminal, section)
    yield ""
    yield from told(terminal, [Fact("Digest", review.digest)])


def _unseen(review: Review) -> Iterator[Fact]:
    if not review.unseen:
        yield Fact("Unseen", "none: every character can be seen")
        return
    number = "1 character" if review.unseen == 1 else f"{review.unseen} characters"
    yield Fact("Unseen", f"{number} cannot be seen, and stand in brackets below", warns=True)
    for name, count in review.hidden.items():
        yield Fact("", f"{count} of {name}", warns=True)


def _section(terminal: Terminal, section: Section) -> Iterator[str]:
    for row in terminal.wrapped([Span(section.title)], 0):
        yield terminal.paint(isolated("".join(span.text for span in row)), BOLD)
    if not section.lines:
        yield terminal.paint("no text", DIM)
    for line in section.lines:
        begins = LINE
        for row in terminal.wrapped(line, len(LINE)):
            yield f"{begins}{isolated(''.join(_painted(terminal, row)))}"
            begins = GOES_ON


def _painted(terminal: Terminal, row: Iterable[Span]) -> Iterator[str]:
    for span in row:
        yield terminal.paint(span.text, RED) if span.spelled else span.text


def stdout() -> Terminal:
    """Return the terminal, file or pipe that results go to."""
    return Terminal.of(sys.stdout)
