"""`kubectl casemate approvals`: the held requests that wait for people, the oldest first."""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from casemate.api.approval import OPEN
from casemate.api.terms import spelled
from casemate.cli import session, shown
from casemate.cli.options import Exit, namespaced, output
from casemate.cli.options import parser as made
from casemate.cli.terminal import BOLD, DIM, GREEN, RED, Terminal
from casemate.deciding.seen import plain
from casemate.deciding.tables import lines, phase, row

if TYPE_CHECKING:
    from casemate.cluster.client import Client
    from casemate.deciding.desk import Desk

_DRAW_SECONDS = 1.0
_CLEAR = "\x1b[H\x1b[2J"
_STYLES: dict[str, tuple[str, ...]] = {"Pending": (), "Approved": (GREEN,)}
"""By phase; what has ended is dim."""

Json = dict[str, Any]


def parser(name: str = "approvals") -> argparse.ArgumentParser:
    """Return the options."""
    options = made(name, "List held requests that wait for people, the oldest first.")
    options.add_argument("--all", action="store_true", help="those that have ended, too")
    options.add_argument("-w", "--watch", action="store_true", help="go on, and tell of changes")
    namespaced(options, every=True)
    output(options)
    return options


def main(argv: Sequence[str]) -> int:
    """Print held requests; return the exit status."""
    options = parser().parse_args(argv)
    return session.guarded("approvals", lambda: _main(options))


def _main(options: argparse.Namespace) -> int:
    namespace, terminal = session.namespace(options), shown.stdout()

    async def work(client: "Client") -> None:
        from casemate.deciding.desk import Desk  # noqa: PLC0415  heavy

        desk = Desk(client)
        if not options.watch:
            _print(options, terminal, _chosen(options, await desk.all(namespace)))
            return
        await _watch(options, terminal, desk, namespace)

    session.do(options, work)
    return Exit.DONE


def _chosen(options: argparse.Namespace, found: Iterable[Json]) -> list[Json]:
    return [one for one in found if options.all or phase(one) in OPEN]


def _print(options: argparse.Namespace, terminal: Terminal, found: list[Json]) -> None:
    if options.output != "text":
        terminal.write(shown.objects(options.output, found))
    elif found:
        terminal.write(_table(terminal, found))
    else:
        sys.stderr.write("no request waits\n")


def _table(terminal: Terminal, found: list[Json]) -> Iterator[str]:
    now = datetime.now(UTC)
    head, *rows = lines([row(one, now) for one in found])
    yield terminal.paint(head, BOLD)
    for text, one in zip(rows, found, strict=True):
        yield terminal.paint(text, *_STYLES.get(phase(one), (DIM,)))


async def _watch(
    options: argparse.Namespace, terminal: Terminal, desk: "Desk", namespace: str | None
) -> None:
    """Print what changes until somebody ends it; an API server that comes back is asked again."""
    from casemate.deciding.following import repeated  # noqa: PLC0415  heavy

    drawn = terminal.interactive and options.output == "text"
    told, seen = "", dict[str, str]()
    # Ages and the time that is left change by themselves.
    moments = repeated(desk.follow(namespace), _DRAW_SECONDS if drawn else None)
    async with aclosing(moments):
        async for now in moments:
            if drawn:
                _draw(terminal, _chosen(options, now.objects), now.away)
                continue
            _tell(options, terminal, now.objects, seen)
            if now.away and not told:
                sys.stderr.write(f"kubectl casemate approvals: {plain(now.away)}; asking again\n")
            told = now.away


def _draw(terminal: Terminal, found: list[Json], away: str) -> None:
    terminal.stream.write(_CLEAR)
    terminal.write(_table(terminal, found) if found else ["no request waits"])
    said = f"{spelled(datetime.now(UTC))}, told of changes at once; Ctrl-C ends this"
    terminal.write(["", terminal.paint(said, DIM)])
    if away:
        terminal.write([terminal.paint(f"{plain(away)}; this may be old, asking again", RED)])


def _tell(
    options: argparse.Namespace, terminal: Terminal, found: list[Json], seen: dict[str, str]
) -> None:
    """Print what is new since the last look, such as the end of what was open then."""
    news = []
    for one in found:
        uid, version = one["metadata"]["uid"], one["metadata"]["resourceVersion"]
        before = seen.get(uid)
        if before != version and (before or _chosen(options, [one])):
            news.append(one)
            seen[uid] = version
    if options.output != "text":
        terminal.write(shown.objects(options.output, news, stream=True))
    elif news:
        terminal.write(_table(terminal, news))
