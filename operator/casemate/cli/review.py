"""`kubectl casemate review`: all of a held request, before anybody decides about it."""

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from casemate.api.approval import OPEN
from casemate.cli import session, shown
from casemate.cli.options import Exit, namespaced, output, request_name
from casemate.cli.options import parser as made
from casemate.cli.terminal import Terminal
from casemate.deciding.facts import Fact, facts
from casemate.deciding.refusals import Unreadable
from casemate.deciding.review import Review, ReviewError, review
from casemate.deciding.tables import left, phase

if TYPE_CHECKING:
    from casemate.cluster.client import Client


class Seen(NamedTuple):
    """A request as a person has seen it."""

    request: dict[str, Any]
    agreement: dict[str, Any] | None
    decisions: list[dict[str, Any]]
    review: Review | None
    """Its content; None: the request has ended, and its content is not kept."""


def parser(name: str = "review") -> argparse.ArgumentParser:
    """Return the options."""
    options = made(name, "Show a held request: its whole text, and who asks for what.")
    options.add_argument("name", type=request_name, metavar="NAME", help="of the ApprovalRequest")
    namespaced(options)
    output(options, "text", "json", "yaml")
    return options


def main(argv: Sequence[str]) -> int:
    """Print a held request; return the exit status: 4 if its content is not kept any more."""
    options = parser().parse_args(argv)
    return session.guarded("review", lambda: _main(options))


def _main(options: argparse.Namespace) -> int:
    seen, terminal = look(options), shown.stdout()
    if options.output == "text":
        show(terminal, seen)
    else:
        terminal.write([shown.dumped(options.output, _plain(seen))])
    return Exit.DONE if seen.review else Exit.ENDED


def _plain(seen: Seen) -> dict[str, Any]:
    """What programs are told."""
    found = {"request": seen.request, "agreement": seen.agreement, "decisions": seen.decisions}
    if seen.review is None:
        return found
    parsed = orjson.loads(seen.review.content)
    return {
        **found,
        "content": parsed,
        "digest": seen.review.digest,
        "unseen": dict(seen.review.hidden),
    }


def look(options: argparse.Namespace) -> Seen:
    """Read a request with all that belongs to it.

    Raises:
        DeskError: Why it cannot be read.
    """
    namespace = str(session.namespace(options))

    async def read(client: "Client") -> Seen:
        from casemate.deciding.desk import Desk  # noqa: PLC0415  heavy

        desk = Desk(client)
        request = await desk.request(namespace, options.name)
        agreement = await desk.agreement(request["spec"]["agreement"]["name"])
        said = await desk.decisions(namespace, options.name)
        content = _readable(await desk.content(request)) if _kept(request) else None
        return Seen(request, agreement, said, content)

    return session.do(options, read)


def show(terminal: Terminal, seen: Seen) -> None:
    """Print a request for people."""
    found = facts(seen.request, seen.agreement, seen.decisions, datetime.now(UTC))
    terminal.write(shown.told(terminal, found))
    if seen.review:
        terminal.write(shown.content(terminal, seen.review))
    else:
        gone = Fact("Content", "it is not kept: the request has ended", warns=True)
        terminal.write(shown.told(terminal, [gone]))


def _kept(request: dict[str, Any]) -> bool:
    return phase(request) in OPEN and left(request, datetime.now(UTC)) != "none"


def _readable(content: bytes) -> Review:
    try:
        return review(content)
    except ReviewError as error:
        raise Unreadable(str(error)) from error
