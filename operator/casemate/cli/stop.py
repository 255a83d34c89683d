"""`kubectl casemate stop`, `lift` and `stops`: the kill switch."""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from casemate.api.terms import instant
from casemate.cli import session, shown
from casemate.cli.options import Exit, namespaced, output, reason
from casemate.cli.options import parser as made
from casemate.cli.terminal import BOLD, GREEN, RED
from casemate.deciding.seen import plain
from casemate.deciding.tables import lines

if TYPE_CHECKING:
    from casemate.cluster.client import Client

_EXITS = (
    "exit status: 0 done, 1 refused by the API server or no answer from it, 2 wrong usage,"
    " 3 not found"
)
_ABOUT = {
    "stop": "Stop every answer of a deployment, of all under an agreement, or of all models.",
    "lift": "Let go what somebody else stopped.",
    "stops": "List what is stopped, the oldest first.",
}
_WHAT = ("all", "agreement", "deployment")

Json = dict[str, Any]


def parser(name: str) -> argparse.ArgumentParser:
    """Return the options of one of the commands."""
    options = made(name, _ABOUT[name], _EXITS)
    if name == "stop":
        options.add_argument("what", choices=_WHAT, help="how much")
        options.add_argument("name", nargs="?", help="of the agreement or deployment")
        namespaced(options)
    if name == "lift":
        options.add_argument("name", metavar="SWITCH", help="of the KillSwitch")
    if name != "stops":
        reason(options)
    output(options, *(("text", "json", "yaml") if name == "stops" else ()))
    return options


def stop(argv: Sequence[str]) -> int:
    """Stop something; return the exit status."""
    options = parser("stop").parse_args(argv)
    return session.guarded("stop", lambda: _stop(options))


def lift(argv: Sequence[str]) -> int:
    """Lift a switch; return the exit status."""
    options = parser("lift").parse_args(argv)
    return session.guarded("lift", lambda: _lift(options))


def stops(argv: Sequence[str]) -> int:
    """Print what is stopped; return the exit status."""
    options = parser("stops").parse_args(argv)
    return session.guarded("stops", lambda: _stops(options))


def _stop(options: argparse.Namespace) -> int:
    session.check_reason(options.reason)
    scope = _scope(options)

    async def work(client: "Client") -> tuple[Json, bool]:
        from casemate.deciding.stopping import Switchboard  # noqa: PLC0415  heavy

        board = Switchboard(client)
        # First what is urgent: a look must not keep it waiting, or fail it.
        switch = await board.stop(scope, options.reason)
        return switch, await board.missing(scope)

    switch, missing = session.do(options, work)
    from casemate.deciding.stopping import target  # noqa: PLC0415  heavy

    name, what = switch["metadata"]["name"], plain(target(switch))
    if missing:
        sys.stderr.write(
            f"kubectl casemate stop: there is no {options.what} {what}; it is stopped all the same,"
            " should it come: look for the name that you mean\n"
        )
    text = [
        shown.stdout().paint(f"stopped {what}: KillSwitch {name}", RED),
        f"another person lifts it: kubectl casemate lift {name} --reason TEXT",
    ]
    return _print(options, switch, text)


def _lift(options: argparse.Namespace) -> int:
    session.check_reason(options.reason)

    async def work(client: "Client") -> Json:
        from casemate.deciding.stopping import Switchboard  # noqa: PLC0415  heavy

        return await Switchboard(client).lift(options.name, options.reason)

    switch = session.do(options, work)
    text = shown.stdout().paint(f"lifted KillSwitch {plain(options.name)}", GREEN)
    return _print(options, switch, [text])


def _stops(options: argparse.Namespace) -> int:
    async def work(client: "Client") -> list[Json]:
        from casemate.deciding.stopping import Switchboard  # noqa: PLC0415  heavy

        return await Switchboard(client).all()

    found, terminal = session.do(options, work), shown.stdout()
    from casemate.deciding.stopping import COLUMNS, row  # noqa: PLC0415  heavy

    if options.output != "text":
        terminal.write(shown.objects(options.output, found))
    elif found:
        now = datetime.now(UTC)
        rows = [row(one, now - instant(one["metadata"]["creationTimestamp"])) for one in found]
        head, *others = lines(rows, COLUMNS)
        terminal.write([terminal.paint(head, BOLD), *others])
    else:
        sys.stderr.write("nothing is stopped\n")
    return Exit.DONE


def _scope(options: argparse.Namespace) -> Json:
    """Return what is to be stopped, as a KillSwitch says it.

    Raises:
        UsageError: A name is missing, or one too many.
    """
    if (options.what == "all") == bool(options.name):
        raise session.UsageError(
            "accepted: `all`, without a name; `agreement NAME`; `deployment NAME`"
        )
    if options.what == "all":
        return {"scope": "All"}
    if options.what == "agreement":
        return {"scope": "Agreement", "agreementRef": {"name": options.name}}
    where = {"namespace": session.namespace(options), "name": options.name}
    return {"scope": "Deployment", "deployment": where}


def _print(options: argparse.Namespace, switch: Json, text: list[str]) -> int:
    terminal = shown.stdout()
    if options.output == "name":
        terminal.write([f"killswitch.casemate.dev/{switch['metadata']['name']}"])
    elif options.output == "text":
        terminal.write(text)
    else:
        terminal.write([shown.dumped(options.output, switch)])
    return Exit.DONE
