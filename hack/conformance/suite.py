"""Starts the suite, shows it spec by spec, and counts what came of it."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO
from xml.etree import ElementTree as ET

from conformance import agnhost
from conformance.errors import ConformanceError
from enclave import parts, slots
from enclave.layout import Layout

NETWORK_POLICY = r"\[sig-network\] Netpol"
_REPORTS = Path("build/conformance")
_LIMIT = "2h"
_BAD = {"failed", "timedout", "panicked", "interrupted", "aborted"}
_NAME = re.compile(r"\[sig-network\] .*")
_END = re.compile(
    r"(?P<mark>•|\[FAILED\]|\[TIMEDOUT\]|\[PANICKED\]) \[(?P<seconds>[0-9.]+) seconds\]"
)


@dataclass
class Count:
    """What came of the specs.

    Attributes:
        passed: Specs that passed.
        failed: Names of those that failed.
        seconds: Duration of all.
    """

    passed: int = 0
    failed: list[str] = field(default_factory=list)
    seconds: float = 0.0


def run(enclave: str, focus: str, *, keep: bool) -> int:
    """Bring an enclave up, run the specs, print and keep the result; 0 when none failed.

    Raises:
        ConformanceError: The suite did not run.
    """
    parts.ensure(["conformance", "kubernetes"])
    layout = _up(enclave)
    try:
        agnhost.load(layout)
        count = _run(layout, focus)
    finally:
        if not keep:
            _enclave("down", enclave)
    for name in count.failed:
        print(f"failed: {name}")
    total = count.passed + len(count.failed)
    if not total:
        raise ConformanceError(f"no spec matches {focus!r}")
    print(f"{count.passed} passed, {len(count.failed)} failed of {total} in {count.seconds:.0f} s")
    return 1 if count.failed else 0


def _up(enclave: str) -> Layout:
    _enclave("up", enclave)
    layout = slots.find(enclave)
    if layout is None:
        raise ConformanceError(f"the enclave {enclave} is not up")
    return layout


def _enclave(command: str, name: str) -> None:
    done = subprocess.run([sys.executable, "-m", "enclave", command, "--name", name], check=False)
    if done.returncode and command == "up":
        raise ConformanceError(f"the enclave {name} did not come up: see above")


def _run(layout: Layout, focus: str) -> Count:
    _REPORTS.mkdir(parents=True, exist_ok=True)
    report, log = _REPORTS / "junit.xml", _REPORTS / "e2e.log"
    report.unlink(missing_ok=True)
    started = time.monotonic()
    with log.open("w", buffering=1) as output:
        process = subprocess.Popen(
            _command(layout, focus, report),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            bufsize=1,
            env={**os.environ, "KUBECONFIG": str(layout.kubeconfig)},
        )
        if process.stdout is None:
            raise ConformanceError("the suite has no output")
        _show(process.stdout, output)
        process.wait()
    if not report.is_file():
        raise ConformanceError(f"the suite wrote no report (exit code {process.returncode}): {log}")
    return count(report, time.monotonic() - started)


def _command(layout: Layout, focus: str, report: Path) -> list[str]:
    return [
        str(parts.path_of("e2e.test")),
        f"--kubeconfig={layout.kubeconfig}",
        "--provider=skeleton",
        f"--ginkgo.focus={focus}",
        f"--ginkgo.timeout={_LIMIT}",
        f"--ginkgo.junit-report={report.resolve()}",
        "--ginkgo.no-color",
        "--ginkgo.v",
        "--allowed-not-ready-nodes=0",
        *_left_out(),
    ]


def _left_out() -> list[str]:
    """Leave out what this kernel cannot speak: the suite's own servers would not even start."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP).close()
    except OSError:
        print("specs for SCTP are left out: this kernel has no SCTP")
        return ["--ginkgo.skip=SCTP"]
    return []


def _show(lines: Iterable[str], log: TextIO) -> None:
    """Keep everything in the log, and print one line for each spec that ends."""
    name, done = "", 0
    for line in lines:
        log.write(line)
        if found := _NAME.match(line):
            name = found.group().removeprefix("[sig-network] ")
        elif ended := _END.match(line):
            done += 1
            mark = "passed" if ended["mark"] == "•" else "FAILED"
            print(f"{done:3}  {mark}  {float(ended['seconds']):5.1f} s  {name}", flush=True)


def count(report: Path, seconds: float) -> Count:
    """Read a JUnit report; skipped specs are those that the focus leaves out."""
    result = Count(seconds=seconds)
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 - written by our own program
        status, name = case.get("status"), case.get("name", "")
        if status in _BAD:
            result.failed.append(name)
        elif status == "passed" and "[It]" in name:
            result.passed += 1
    return result
