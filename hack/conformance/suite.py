"""Runs upstream's suite against an enclave, and shows it spec by spec."""

import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from conformance import agnhost, report
from conformance.errors import ConformanceError
from conformance.report import Progress, Summary
from enclave import parts, paths, slots
from enclave.layout import Layout

ENCLAVE = "casemate-conformance"
REPORTS = paths.REPOSITORY / "build" / "conformance"
_LIMIT = "2h"
_NEEDS_SCTP = r"\[Feature:SCTPConnectivity\]"
"""Specs whose own servers speak SCTP; others only name it in a policy, and run everywhere."""


def netpol(enclave: str, focus: str, *, keep: bool) -> Summary:
    """Run the NetworkPolicy specs.

    Args:
        enclave: Name of the enclave, which is brought up if need be.
        focus: Go regular expression that a spec's name must match as well.
        keep: Leave the enclave up. One that ran before, under a name of its own, stays anyway.

    Raises:
        ConformanceError: The suite did not run.
        EnclaveError: A part of it could not be built.
    """
    parts.ensure(["conformance", "kubernetes"])
    pattern = rf"\[sig-network\] Netpol.*(?:{focus})"
    asked = _planned(pattern, focus)
    borrowed = enclave != ENCLAVE and slots.find(enclave) is not None
    print(f"{len(asked)} specs, on the enclave {enclave}", flush=True)
    try:
        layout = _up(enclave)
        agnhost.load(layout)
        return _run(layout, pattern, asked)
    finally:
        if not keep and not borrowed:
            _enclave("down", enclave)


def _planned(pattern: str, focus: str) -> tuple[str, ...]:
    """Ask the suite which specs match, without running them."""
    try:
        re.compile(focus)
    except re.error as error:
        raise ConformanceError(f"--focus {focus!r} is no regular expression: {error}") from error
    with tempfile.TemporaryDirectory() as folder:
        junit = Path(folder) / "junit.xml"
        dry = [*_command(pattern, junit), "--ginkgo.dry-run"]
        done = subprocess.run(dry, capture_output=True, text=True, check=False)
        if not junit.is_file():
            tail = "\n".join((done.stdout + done.stderr).splitlines()[-5:])
            raise ConformanceError(f"the suite does not take --focus {focus!r}:\n{tail}")
        asked = report.planned(junit)
    if not asked:
        raise ConformanceError(
            f"no NetworkPolicy spec matches {focus!r}: give --focus a part of a spec's name,"
            " such as 'default-deny'; without --focus all of them run"
        )
    return asked


def _up(name: str) -> Layout:
    _enclave("up", name, "--provider", "node")
    layout = slots.find(name)
    if layout is None:
        raise ConformanceError(f"the enclave {name} is gone already: did somebody take it down?")
    return layout


def _enclave(command: str, name: str, *more: str) -> None:
    program = [sys.executable, "-m", "enclave", command, "--name", name, *more]
    if subprocess.run(program, check=False).returncode:
        raise ConformanceError(f"`python -m enclave {command} --name {name}` failed: see above")


def _run(layout: Layout, pattern: str, asked: tuple[str, ...]) -> Summary:
    REPORTS.mkdir(parents=True, exist_ok=True)
    junit, log = REPORTS / "junit.xml", REPORTS / "e2e.log"
    junit.unlink(missing_ok=True)
    command = [*_command(pattern, junit), f"--kubeconfig={layout.kubeconfig}", "--ginkgo.v"]
    runs = len(asked)
    if not _kernel_has_sctp():
        runs -= sum(bool(re.search(_NEEDS_SCTP, name)) for name in asked)
        command.append(f"--ginkgo.skip={_NEEDS_SCTP}")
        if skipped := len(asked) - runs:
            print(f"this kernel has no SCTP, so specs that need it are skipped: {skipped}")
    started = time.monotonic()
    code = _show(command, log, Progress(runs))
    if not junit.is_file():
        raise ConformanceError(f"the suite wrote no report (exit code {code}): see {log}")
    summary = report.condense(junit, asked, time.monotonic() - started)
    summary.write(REPORTS / "summary.json")
    if code and not summary.failed:
        raise ConformanceError(f"the suite ended early (exit code {code}): see {log}")
    return summary


def _show(command: list[str], log: Path, progress: Progress) -> int:
    """Run the suite with its words in the log and a line for each spec; return its exit code."""
    with (
        log.open("w", buffering=1) as output,
        subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process,
    ):
        try:
            for line in process.stdout or ():
                output.write(line)
                if shown := progress.take(line):
                    print(shown, flush=True)
        except BaseException:
            process.send_signal(signal.SIGKILL)  # the enclave goes next, and all it made with it
            raise
    return process.returncode


def _command(pattern: str, junit: Path) -> list[str]:
    return [
        str(parts.path_of("e2e.test")),
        "--provider=skeleton",
        f"--ginkgo.focus={pattern}",
        f"--ginkgo.timeout={_LIMIT}",
        f"--ginkgo.junit-report={junit}",
        "--ginkgo.no-color",
    ]


def _kernel_has_sctp() -> bool:
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP).close()
    except OSError:
        return False
    return True
