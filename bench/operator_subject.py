"""The two operators that are measured, each as a process with an account of its own."""

import contextlib
import http.client
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from operator_world import GATEWAY_IMAGE, ROOT, SYSTEM

from enclave.controlplane import ControlPlane, free_ports

CASEMATE, PLAIN = "casemate", "plain-kopf"
SUBJECTS = (CASEMATE, PLAIN)
_ACCOUNT = f"system:serviceaccount:{SYSTEM}:casemate-operator"
_USERS = {CASEMATE: (_ACCOUNT, ["system:serviceaccounts"]), PLAIN: (PLAIN, ["system:masters"])}
_START_SECONDS = 60
_TICKS = os.sysconf("SC_CLK_TCK")


def cpu(pid: int) -> float:
    """Processor time of a process so far, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def memory(pid: int) -> dict[str, float]:
    """Resident (rss) and proportional (pss) memory of a process, in MiB."""
    found = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name in {"Rss", "Pss"}:
            found[name.lower()] = int(rest.split()[0]) / 1024
    return found


@dataclass
class Subject:
    """One operator against one control plane."""

    name: str
    plane: ControlPlane
    log: Path
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def user(self) -> str:
        return _USERS[self.name][0]

    @property
    def pid(self) -> int:
        if self.process is None or self.process.poll() is not None:
            raise RuntimeError(f"{self.name} does not run; its log: {self.log}")
        return self.process.pid

    def start(self) -> float:
        """Start, wait until it says that it is ready, return the seconds that took."""
        user, groups = _USERS[self.name]
        metrics, health = free_ports(2)
        environment = {
            **os.environ,
            "KUBECONFIG": str(self.plane.client_config_for(user, groups)),
            "CASEMATE_BENCH_GATEWAY_IMAGE": GATEWAY_IMAGE,
        }
        began = time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command(metrics, health), env=environment, stdout=log, stderr=log
            )
        path = "readyz" if self.name == CASEMATE else "healthz"
        while not _answers(f"http://127.0.0.1:{health}/{path}"):
            if time.monotonic() - began > _START_SECONDS:
                raise TimeoutError(f"{self.name} was not ready after {_START_SECONDS} s")
            _ = self.pid
            time.sleep(0.02)
        return time.monotonic() - began

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    def _command(self, metrics: int, health: int) -> list[str]:
        if self.name == CASEMATE:
            ports = ("--metrics-port", str(metrics), "--health-port", str(health))
            own = ("-m", "casemate", "operator", "--gateway-image", GATEWAY_IMAGE)
            return [sys.executable, *own, *ports]
        return [
            *(sys.executable, "-m", "kopf", "run", "--quiet", "--standalone", "--all-namespaces"),
            f"--liveness=http://127.0.0.1:{health}/healthz",
            str(ROOT / "bench/twins/plain_kopf.py"),
        ]


@contextlib.contextmanager
def running(name: str, plane: ControlPlane, log: Path) -> Iterator[Subject]:
    subject = Subject(name, plane, log)
    subject.start()
    try:
        yield subject
    finally:
        subject.stop()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError, http.client.HTTPException):
        return False
