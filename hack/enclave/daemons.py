"""Start, recognise and stop the enclave's long-running programs."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from enclave.errors import EnclaveError

_STOP_SECONDS = 10.0
_POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Daemon:
    """How to run one program.

    Attributes:
        name: Names its log, its pid file and its line in `status`.
        command: Program and arguments.
        environment: Variables added to ours.
    """

    name: str
    command: Sequence[str | Path]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Process:
    """A process that cannot be mistaken for a later one with the same pid."""

    pid: int
    born: str

    @property
    def alive(self) -> bool:
        """Whether this very process still runs."""
        return birth(self.pid) == self.born

    def stop(self) -> None:
        """End the process and its group: first politely, after ten seconds by force."""
        self._signal(signal.SIGTERM)
        if not self._gone_within(_STOP_SECONDS):
            self._signal(signal.SIGKILL)
            self._gone_within(_STOP_SECONDS)

    def _signal(self, number: signal.Signals) -> None:
        if self.alive:
            try:
                os.killpg(self.pid, number)
            except ProcessLookupError:
                return

    def _gone_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.alive and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        if self.alive:
            return False
        reap(self.pid, 0)
        return True


def birth(pid: int) -> str | None:
    """Return when a process started, in clock ticks since boot, or None if it does not run."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, started = fields[0], fields[19]
    return None if state in "ZX" else started


def reap(pid: int, options: int = os.WNOHANG) -> None:
    """Collect a child of ours that has ended, so that it does not stay as a zombie."""
    try:
        os.waitpid(pid, options)
    except ChildProcessError:
        return


def spawn(daemon: Daemon, log: Path, prefix: Sequence[str | Path] = ()) -> Process:
    """Start a program in a process group of its own, with its output in a log file.

    Args:
        daemon: What to run.
        log: File that its output is appended to.
        prefix: Command put in front, such as one that enters a namespace and then executes.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as output:
        child = subprocess.Popen(
            [*prefix, *daemon.command],
            env={**os.environ, **daemon.environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    child.returncode = 0  # ours to forget: the daemon outlives this object on purpose
    return Process(child.pid, birth(child.pid) or "")


def recording(path: Path) -> list[str]:
    """Return the command prefix that writes a pid file, whole or not at all, and then executes.

    The program records itself before it begins, so that none runs unrecorded, even if whoever
    started it is killed at that very moment.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    script = (
        'born=$(cut -d" " -f22 /proc/$$/stat)'
        """ && printf '{"pid": %s, "born": "%s"}' $$ "$born" > "$0.unfinished" """
        ' && mv "$0.unfinished" "$0" && exec "$@"'
    )
    return ["sh", "-c", script, str(path)]


def recall(path: Path) -> Process | None:
    """Return the process of a pid file if it still runs."""
    try:
        found = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    process = Process(found["pid"], found["born"])
    return process if process.alive else None


def log_tail(log: Path, lines: int = 12) -> str:
    """Return the end of a log, for an error message."""
    if not log.is_file():
        return f"({log} does not exist)"
    tail = log.read_text(errors="replace").splitlines()[-lines:]
    return "\n".join([f"the end of {log}:", *tail])


def check_alive(process: Process, name: str, log: Path) -> None:
    """Refuse to go on when a program has ended.

    Raises:
        EnclaveError: It has; the message carries the end of its log.
    """
    reap(process.pid)
    if not process.alive:
        raise EnclaveError(f"{name} has stopped; {log_tail(log)}")
