"""`kubectl casemate approve`, `deny` and `revoke`: what one person says about a held request."""

import argparse
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from casemate.api.approval import OPEN, Verdict
from casemate.cli import session, shown
from casemate.cli.options import Exit, namespaced, output, reason, request_name
from casemate.cli.options import parser as made
from casemate.cli.review import look, show
from casemate.cli.terminal import GREEN, YELLOW, Terminal
from casemate.deciding.facts import SAID, ignored
from casemate.deciding.refusals import Ended, Refused
from casemate.deciding.seen import plain
from casemate.deciding.tables import ended, left, phase, tally

if TYPE_CHECKING:
    from casemate.cluster.client import Client

_ABOUT: dict[str, tuple[Verdict, str]] = {
    "approve": ("Approve", "Let a held request go, once enough people do."),
    "deny": ("Deny", "Say that a held request is never sent."),
    "revoke": ("Revoke", "Take back what was approved, as long as it was not sent."),
}
_DIGEST = re.compile("[0-9a-f]{64}")
_TYPED = 8
"""Digits of the digest that a person types who has read to the end."""
_PATIENCE = 5.0
"""Seconds that the warden has to count a decision before we say that it has not yet."""

Json = dict[str, Any]


def parser(name: str) -> argparse.ArgumentParser:
    """Return the options of one of the commands."""
    options = made(name, _ABOUT[name][1])
    options.set_defaults(command=name, digest=None)
    options.add_argument("name", type=request_name, metavar="NAME", help="of the ApprovalRequest")
    reason(options)
    if name == "approve":
        options.add_argument(
            "--digest",
            metavar="HEX",
            help="of the content that you have reviewed; without it, it is shown and you are asked",
        )
    namespaced(options)
    output(options)
    return options


def approve(argv: Sequence[str]) -> int:
    """Approve a request; return the exit status."""
    return _run("approve", argv)


def deny(argv: Sequence[str]) -> int:
    """Deny a request; return the exit status."""
    return _run("deny", argv)


def revoke(argv: Sequence[str]) -> int:
    """Revoke a request; return the exit status."""
    return _run("revoke", argv)


def _run(name: str, argv: Sequence[str]) -> int:
    options = parser(name).parse_args(argv)
    return session.guarded(name, lambda: _decide(options))


def _decide(options: argparse.Namespace) -> int:
    _check_usage(options)
    if options.command == "approve" and options.digest is None:
        request = _asked(options)
    else:
        request = _read(options)
    decision, after = _say(options, request)
    return _report(options, decision, after)


def _check_usage(options: argparse.Namespace) -> None:
    session.check_reason(options.reason)
    if options.digest is not None and not _DIGEST.fullmatch(options.digest):
        raise session.UsageError("--digest: accepted: the 64 hex digits that `review` prints last")
    if options.command == "approve" and options.digest is None and not sys.stdin.isatty():
        raise session.UsageError(
            "there is no terminal to show the request on: review it, then approve with --digest"
        )


def _read(options: argparse.Namespace) -> Json:
    """Return the request; for an approval, only if it is the one that the person has seen."""
    namespace = str(session.namespace(options))

    async def read(client: "Client") -> Json:
        from casemate.deciding.desk import Desk  # noqa: PLC0415  heavy

        return await Desk(client).request(namespace, options.name)

    request = _still_open(session.do(options, read))
    digest = request["spec"]["requestDigest"]
    if options.digest not in {None, digest}:
        text = f"{options.name} is not what you have reviewed: its digest is {digest}"
        raise Refused(text)
    return request


def _asked(options: argparse.Namespace) -> Json:
    """Show the request, and return it once the person has typed what stands at its end."""
    # What programs read goes to standard output alone.
    terminal = Terminal.of(sys.stdout if options.output == "text" else sys.stderr)
    if not terminal.interactive:
        raise session.UsageError(
            "the request would be shown to no terminal: review it, then approve with --digest"
        )
    seen = look(options)
    request = _still_open(seen.request)
    show(terminal, seen)
    prompt = (
        f"\nTo approve, type the first {_TYPED} digits of the digest; anything else ends this: "
    )
    terminal.stream.write(prompt)
    terminal.stream.flush()
    if sys.stdin.readline().strip() != request["spec"]["requestDigest"][:_TYPED]:
        raise Refused("not approved: something else was typed")
    return request


def _still_open(request: Json) -> Json:
    """Return a request, unless it has ended: then nobody is asked to decide about it."""
    if phase(request) not in OPEN:
        raise Ended(ended(request))
    if left(request, datetime.now(UTC)) == "none":
        raise Ended(f"{request['metadata']['name']} expired at {request['spec']['expiresAt']}")
    return request


def _say(options: argparse.Namespace, request: Json) -> tuple[Json, Json]:
    """Return the decision, and the request as the warden has counted it."""

    async def say(client: "Client") -> tuple[Json, Json]:
        from casemate.deciding.desk import Desk  # noqa: PLC0415  heavy

        desk = Desk(client)
        verdict = _ABOUT[options.command][0]
        decision = await desk.decide(request, verdict, options.reason)
        return decision, await desk.counted(decision, _PATIENCE)

    return session.do(options, say)


def _report(options: argparse.Namespace, decision: Json, request: Json) -> int:
    """Print what was said, and what it makes of the request."""
    terminal, name = shown.stdout(), decision["metadata"]["name"]
    if options.output == "name":
        terminal.write([f"approvaldecision.casemate.dev/{name}"])
    elif options.output != "text":
        terminal.write([shown.dumped(options.output, decision)])
    why = ignored(request, name)
    if why:
        raise Refused(f"what you said does not count: {why}")
    if options.output == "text":
        spec = decision["spec"]
        said = f"{SAID[spec['verdict']]} {options.name} as {spec['approver']['username']}"
        style = GREEN if spec["verdict"] == "Approve" else YELLOW
        terminal.write([f"{terminal.paint(plain(said), style)}; {plain(_standing(request, name))}"])
    return Exit.DONE


def _standing(request: Json, decision: str) -> str:
    """Say where a request stands after a decision about it."""
    if phase(request) == "Approved":
        return (
            f"{tally(request)} approvals: it may be sent once until {request['spec']['expiresAt']}"
        )
    if phase(request) not in OPEN:
        return ended(request)
    status = request.get("status", {})
    if decision not in {one["decision"] for one in status.get("approvals") or []}:
        return (
            f"the warden has not counted it yet; it takes {request['spec']['approvers']} approvals"
        )
    count, _, needed = tally(request).partition("/")
    more = int(needed) - int(count)
    return f"{count} of {needed} approvals: {more} more {'is' if more == 1 else 'are'} needed"
