"""`kubectl casemate audit`: an inspector's checks of exported evidence, and what leads to it."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson

from casemate.audit import policy
from casemate.audit.bundle import BundleError
from casemate.audit.findings import Verdict
from casemate.audit.notes import FormatError
from casemate.audit.policy import Policy, PolicyError
from casemate.audit.proofs import leaf, prove
from casemate.audit.receipts import Receipt
from casemate.audit.records import RecordError, RecordId
from casemate.audit.sealing import SealError
from casemate.audit.verify import Report, verify
from casemate.audit.verify_heads import brought
from casemate.cli import auditproof, rotate
from casemate.cli.auditreport import plain, told
from casemate.cli.bundles import opened
from casemate.cli.collect import collect
from casemate.cli.export import export
from casemate.cli.printable import printable

UNREADABLE = 2
_EXIT = {Verdict.INTACT: 0, Verdict.BROKEN: 1, Verdict.INCOMPLETE: 3}
_EXITS = "exit status: 0 intact, 1 broken, 2 wrong usage or unreadable, 3 incomplete"


def main(argv: Sequence[str]) -> int:
    """Run one of the audit commands.

    Args:
        argv: Arguments without the programs' names.

    Returns:
        0: intact; 1: broken; 2: wrong usage, or a file that cannot be read; 3: incomplete.
    """
    options = parser().parse_args(argv)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        return run(options)
    except (
        BundleError, PolicyError, FormatError, RecordError, SealError, UnicodeError, OSError
    ) as error:  # fmt: skip
        sys.stderr.write(f"kubectl casemate audit: {printable(str(error))}\n")
        return UNREADABLE


def _verify(options: argparse.Namespace) -> int:
    given = _policy(options)
    since = [brought(path.read_text("utf-8")) for path in options.since]
    with opened(options.bundle) as bundle:
        report = verify(bundle, given, since)
    _print(options, plain(report), told(report))
    if options.keep is not None and report.verdict is Verdict.INTACT:
        _keep(options.keep, report)
    return _EXIT[report.verdict]


def _keep(directory: Path, report: Report) -> None:
    """Write what the next inspection needs."""
    directory.mkdir(parents=True, exist_ok=True)
    for log in report.logs:
        (directory / f"{log.pod}.checkpoint").write_text(log.checkpoint, "utf-8")
    (directory / "policy.json").write_bytes(policy.encode(report.policy))


def _export(options: argparse.Namespace) -> int:
    size = export(options.volumes, options.agreements, options.out, with_contents=options.contents)
    _print(options, {"records": size}, [f"{size} records: {options.out}"])
    return 0


def _collect(options: argparse.Namespace) -> int:
    named = [
        f"--{one}={given}" for one in ("kubeconfig", "context") if (given := vars(options)[one])
    ]
    pods = collect([options.kubectl, *named], options.namespace, options.out)
    _print(options, {"logs": pods}, (f"{options.out / pod}" for pod in pods))
    return 0


def _show(options: argparse.Namespace) -> int:
    with opened(options.bundle) as bundle:
        if options.identity is not None:
            key = options.identity.read_bytes()
            sys.stdout.buffer.write(auditproof.content(bundle, options.id, key))
            return 0
        found = list(auditproof.related(bundle, options.id))
    _print(options, found, (line for one in found for line in auditproof.lines(one)))
    return 0


def _proof(options: argparse.Namespace) -> int:
    with opened(options.bundle) as bundle:
        if options.check is None:
            made = str(prove(bundle, options.id))
            _print(options, {"id": str(options.id), "receipt": made}, made.splitlines())
            return 0
        record = leaf(bundle, options.id)
        given = _policy(options)
        trust = (given or bundle.policy).trust()
    receipt = Receipt.parse(options.check.read_text("utf-8"))
    verdict, why = auditproof.judged(receipt, options.id, record, trust)
    if verdict is Verdict.INTACT and given is None:
        why = "no policy was given: its keys are what the bundle says itself, and prove nothing"
        verdict = Verdict.INCOMPLETE
    found = {"id": str(options.id), "verdict": verdict.value, "why": why}
    _print(options, found, [f"verdict: {verdict}" + (f": {printable(why)}" if why else "")])
    return _EXIT[verdict]


def _print(options: argparse.Namespace, value: Any, lines: Any) -> None:
    if options.output == "json":
        sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line in lines)


def _policy(options: argparse.Namespace) -> Policy | None:
    if options.policy is None:
        return None
    raw: bytes = options.policy.read_bytes()
    return policy.parse(raw)


def _id(text: str) -> RecordId:
    try:
        return RecordId.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def parser(name: str = "audit") -> argparse.ArgumentParser:
    """Return the options of all audit commands."""
    made = argparse.ArgumentParser(f"kubectl casemate {name}", epilog=_EXITS)
    commands = made.add_subparsers(required=True, metavar="COMMAND")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("bundle", type=Path, help="exported evidence: a directory or a tar")
    shared.add_argument("-o", "--output", choices=["text", "json"], default="text")
    keys = argparse.ArgumentParser(add_help=False)
    keys.add_argument("--policy", type=Path, help="keys and quorum that you trust, as JSON")
    one = argparse.ArgumentParser(add_help=False)
    one.add_argument("id", type=_id, metavar="ID", help="record, such as casemate-warden-0/17")

    _add_collect(commands)
    rotate.add(commands)
    command = commands.add_parser("export", help="make evidence of copies of the wardens' logs")
    command.set_defaults(run=_export)
    command.add_argument(
        "volumes",
        type=Path,
        nargs="+",
        metavar="VOLUME",
        help="a log's folder, which has segments/: one of each replica",
    )
    command.add_argument("out", type=Path, help="folder to make")
    command.add_argument(
        "--agreements", type=Path, help="what `kubectl get usageagreements -o json` printed"
    )
    command.add_argument(
        "--without-contents",
        dest="contents",
        action="store_false",
        help="leave sealed contents out: an inspection does not miss them then",
    )
    command.add_argument("-o", "--output", choices=["text", "json"], default="text")
    command = commands.add_parser(
        "verify", parents=[shared, keys], help="check everything", epilog=_EXITS
    )
    command.set_defaults(run=_verify)
    command.add_argument(
        "--since", type=Path, action="append", default=[], metavar="CHECKPOINT",
        help="a checkpoint from earlier, which the logs must begin with; may be given again",
    )  # fmt: skip
    command.add_argument(
        "--keep",
        type=Path,
        metavar="DIR",
        help="where to put checkpoints and policy for the next time, if all is intact",
    )
    command = commands.add_parser(
        "show", parents=[shared, one], help="show what belongs to a record"
    )
    command.set_defaults(run=_show)
    command.add_argument(
        "--identity",
        type=Path,
        metavar="PEM",
        help="private key: write the record's content instead",
    )
    command = commands.add_parser(
        "proof", parents=[shared, one, keys], help="print a record's receipt", epilog=_EXITS
    )
    command.set_defaults(run=_proof)
    command.add_argument("--check", type=Path, metavar="FILE", help="check this receipt instead")
    return made


def _add_collect(commands: Any) -> None:
    command = commands.add_parser("collect", help="copy the logs of a cluster's wardens")
    command.set_defaults(run=_collect)
    command.add_argument("out", type=Path, help="folder to make; it gets a folder for each warden")
    command.add_argument("-n", "--namespace", default="casemate-system", help="of the wardens")
    command.add_argument("--kubectl", default="kubectl", metavar="PATH", help="(kubectl)")
    command.add_argument("--kubeconfig", metavar="FILE", help="which credentials kubectl takes")
    command.add_argument("--context", help="which cluster kubectl takes")
    command.add_argument("-o", "--output", choices=["text", "json"], default="text")
