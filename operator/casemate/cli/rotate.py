"""`kubectl casemate audit rotate`: another key for a warden's log, or for what it witnesses.

It runs `casemate warden-rotate` in the wardens' pods by kubectl, one after the other. The API
server lets nobody run that but in their own name.
"""

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from casemate.audit.bundle import BundleError
from casemate.cli import session
from casemate.cli.printable import printable
from casemate.cli.rotation import Exit, Rotation
from casemate.deciding.refusals import Refused

EXITS = (
    "exit status: 0 done, 1 refused or no answer, 2 wrong usage, 3 no such warden, 4 a key is"
    " changed, but not all other wardens go along yet: no further key was changed"
)
_SPAN = re.compile("([1-9][0-9]{0,6})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
SHORTEST, LONGEST = 60, 30 * 86400
_MOST_WAIT = 3600

Json = dict[str, Any]


def add(commands: Any) -> None:
    """Add the command to those of `audit`."""
    command: argparse.ArgumentParser = commands.add_parser(
        "rotate", help="change a key of the wardens, one warden after the other", epilog=EXITS
    )
    command.set_defaults(run=run)
    command.add_argument("wardens", nargs="*", metavar="WARDEN", help="such as casemate-warden-0")
    command.add_argument("--all", action="store_true", help="all wardens instead")
    command.add_argument(
        "--key",
        required=True,
        choices=("log", "witness"),
        help="which key: the one that signs the warden's log, or what it witnesses of others",
    )
    command.add_argument(
        "--reason", required=True, metavar="TEXT", help="why: one line of 10 to 1000 characters"
    )
    command.add_argument(
        "--overlap", type=_span(SHORTEST, LONGEST), default=86400, metavar="TIME",
        help="for how long the old key signs as well, such as 60s, 12h or 7d (24h)",
    )  # fmt: skip
    command.add_argument(
        "--wait", type=_span(0, _MOST_WAIT), default=60, metavar="TIME",
        help="how long the others may take to go along; 0s: do not wait (60s)",
    )  # fmt: skip
    command.add_argument("--dry-run", action="store_true", help="show what would be changed")
    command.add_argument("--yes", action="store_true", help="do not ask")
    command.add_argument("-n", "--namespace", default="casemate-system", help="of the wardens")
    command.add_argument("--kubectl", default="kubectl", metavar="PATH", help="(kubectl)")
    command.add_argument("--kubeconfig", metavar="FILE", help="which credentials kubectl takes")
    command.add_argument("--context", help="which cluster kubectl takes")
    command.add_argument("-o", "--output", choices=["text", "json"], default="text")


def run(options: argparse.Namespace) -> int:
    """Change keys; returns the exit status."""
    return session.guarded("audit rotate", lambda: _rotate(options))


def _rotate(options: argparse.Namespace) -> int:
    session.check_reason(options.reason)
    if options.all == bool(options.wardens):
        raise session.UsageError("accepted: names of wardens, or --all")
    try:
        rotation = Rotation(options)
        found = rotation.standing()
        if not options.all:
            _require_settled(found, options.key)
        if options.dry_run:
            _print(options, found, _plan(found, options))
            return Exit.DONE
        _confirm(options, found)
        return _one_after_the_other(options, rotation, found)
    except BundleError as error:
        raise Refused(str(error)) from error


def _one_after_the_other(
    options: argparse.Namespace, rotation: Rotation, found: Sequence[Json]
) -> int:
    changed: list[Json] = []
    for one in found:
        changed.append(rotation.change(one))
        if options.output == "text":
            sys.stdout.writelines(f"{printable(line)}\n" for line in _told(changed[-1]))
            sys.stdout.flush()
        if changed[-1].get("behind"):
            break
    if options.output == "json":
        _print(options, changed, ())
    if not changed[-1].get("behind"):
        return Exit.DONE
    left = [one["replica"] for one in found[len(changed) :]]
    rest = f"; not begun: {', '.join(left)}" if left else ""
    sys.stderr.write(
        f"kubectl casemate audit rotate: {changed[-1]['replica']}: the key is changed, and others"
        f" do not go along yet; look again with --all{rest}\n"
    )
    return Exit.BEHIND


def _require_settled(found: Sequence[Json], role: str) -> None:
    """Refuse a warden that was named, and whose key is being changed."""
    for one in found:
        if "until" in one["keys"][role]:
            told = f"the {role} key is being changed already, until {one['keys'][role]['until']}"
            raise Refused(f"{one['replica']}: {told}")


def _confirm(options: argparse.Namespace, found: Sequence[Json]) -> None:
    """Have a person say that these are the keys that they mean."""
    if options.yes:
        return
    if not sys.stdin.isatty() or not sys.stderr.isatty():
        raise session.UsageError("there is no terminal to ask on: look with --dry-run, then --yes")
    sys.stderr.writelines(f"{printable(line)}\n" for line in _plan(found, options))
    first = found[0]["keys"][options.key]["id"]
    sys.stderr.write(f"To go on, type the id of the first key, {first}; anything else ends this: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip() != first:
        raise Refused("nothing is changed: something else was typed")


def _plan(found: Sequence[Json], options: argparse.Namespace) -> Iterator[str]:
    for one in found:
        key = one["keys"][options.key]
        what = f"{one['replica']}: {options.key} key {key['id']}"
        if "until" in key:
            yield f"{what} is being changed to {key['successor']} until {key['until']}"
        else:
            yield f"{what} is to be changed; it signs for {options.overlap} s more"


def _told(changed: Json) -> Iterator[str]:
    yield (
        f"{changed['replica']}: {changed['role']} key {changed['old']} gives way to"
        f" {changed['new']}, both sign until {changed['until']}: record {changed['record']}"
    )
    yield f"  {changed['newKey']}"
    for peer, why in changed.get("behind", {}).items():
        yield f"  {peer} {why}"


def _print(options: argparse.Namespace, value: Any, lines: Iterator[str] | tuple[()]) -> None:
    if options.output == "json":
        sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        sys.stdout.writelines(f"{printable(line)}\n" for line in lines)


def _span(least: int, most: int) -> Any:
    def seconds(text: str) -> int:
        found = _SPAN.fullmatch(text)
        number = int(found[1]) * _SECONDS[found[2]] if found else 0 if text == "0s" else -1
        if not least <= number <= most:
            told = f"{text!r}: accepted: a number with s, m, h or d, from {least}s to {most}s"
            raise argparse.ArgumentTypeError(told)
        return number

    return seconds
