"""What it takes to inspect a bundle: seconds and peak memory, by records.

Usage: bench/audit_verify.py --out DIR [--folder DIR] [--records 1000000]. Bundles of a tenth and of
all of them are made, of two logs that witness each other, with a checkpoint every 1000 records;
then `kubectl casemate audit verify` runs over each as a process of its own, and must find it
intact. Memory that is flat is the same for both.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from casemate.audit import bundle as files
from casemate.audit import policy
from casemate.audit.canonical import canonical_record
from casemate.audit.checkpoint import Checkpoint
from casemate.audit.merkle import Frontier, leaf_hash
from casemate.audit.notes import Note

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.evidence import ANA, DEPLOYMENT, HEX, Log, World, text

EVERY = 1000
PROGRAM = "import sys; from casemate.cli.main import main; sys.exit(main(sys.argv[1:]))"
SALTED = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


class Figures:
    """Prints and keeps figures, one JSON object a line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.unlink(missing_ok=True)

    def record(self, name: str, value: float, unit: str, note: str) -> None:
        line = {"name": f"audit_verify_{name}", "value": round(value, 3), "unit": unit}
        told = json.dumps({**line, "note": note})
        print(told, flush=True)
        with self._path.open("a") as file:
            file.write(told + "\n")


class Written:
    """One log's files as they grow."""

    def __init__(self, world: World, number: int, root: Path) -> None:
        self._world, self._log, self._other = world, world.logs[number], world.logs[1 - number]
        self._tree = Frontier()
        self._records = self._file(root, files.record_file)
        self._hashes = self._file(root, files.hash_file)
        self._notes = self._file(root, files.checkpoint_file)

    def _file(self, root: Path, name: Callable[[str], str]) -> BinaryIO:
        path = root / name(self._log.pod)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("wb")

    def add(self, leaf: bytes) -> None:
        one = leaf_hash(leaf)
        self._records.write(leaf + b"\n")
        self._hashes.write(one)
        self._tree.append(one)
        if self._tree.size % EVERY == 0:
            self.sign()

    def sign(self) -> None:
        body = Checkpoint(self._log.origin, self._tree.size, self._tree.root()).text()
        lines = [one.sign(body) for one in self._log.keys]
        lines.append(self._world.line(self._other.witness, body))
        self._notes.write(files.checkpoint_line(str(Note(body, tuple(lines)))))

    def close(self) -> None:
        if self._tree.size % EVERY:
            self.sign()
        for file in (self._records, self._hashes, self._notes):
            file.close()


def intent(world: World) -> dict[str, Any]:
    return {
        "kind": "intent",
        "deployment": DEPLOYMENT,
        "pod": {"name": "writer-5d4f8c7b9-x2x7p", "uid": SALTED[:36]},
        "caller": ANA,
        "route": "/v1/chat/completions",
        "model": f"registry.example.org/models/writer@sha256:{HEX}",
        "image": f"registry.example.org/engines/server@sha256:{HEX}",
        "supplier": "acme",
        "agreement": world.agreement,
        "guard": {"bundle": world.policy.guard_bundles[0], "policy": f"sha256:{HEX}"},  # type: ignore[index]
        "request": {"sha256": SALTED, "bytes": 1830, "stream": True},
        "verdict": {"verdict": "allow", "line": None, "tier": None, "findings": []},
    }


def outcome(of: str) -> dict[str, Any]:
    return {
        "kind": "outcome",
        "intent": of,
        "status": 200,
        "verdict": "allow",
        "response": {"sha256": SALTED, "bytes": 2310},
        "latency_ms": 812,
        "reason": None,
    }


def make(root: Path, records: int) -> World:
    """Write a bundle: each log starts, then intents and outcomes with eight under way."""
    world = World()
    for number in range(2):
        world.start(number)
    shared = {name: raw for name, raw in world.export().items() if not name.startswith("logs/")}
    for name, raw in shared.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
    for number, log in enumerate(world.logs):
        fill(world, log, Written(world, number, root), records // 2)
    return world


def fill(world: World, log: Log, written: Written, records: int) -> None:
    asked, waiting, now = intent(world), list[str](), world.now
    written.add(log.leaves[0])
    for seq in range(1, records):
        now += 3
        stamp = {"v": 1, "seq": seq, "time": text(now), "boot": log.boot}
        if seq % 2 and records - seq > len(waiting):
            fields = asked
            waiting.append(f"{log.pod}/{seq}")
        else:
            fields = outcome(waiting.pop(0))
        written.add(canonical_record({**fields, **stamp}))
    written.close()


class Cost(NamedTuple):
    """What a process took."""

    wall: float
    processor: float
    mebibytes: float


def inspect(root: Path, policy_file: Path) -> Cost:
    arguments = ["audit", "verify", str(root), "--policy", str(policy_file)]
    began = time.monotonic()
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    call = [sys.executable, "-c", PROGRAM, *arguments]
    pid = os.posix_spawn(sys.executable, call, os.environ, file_actions=quiet)
    _, status, usage = os.wait4(pid, 0)
    wall = time.monotonic() - began
    if os.waitstatus_to_exitcode(status):
        raise SystemExit("the bundle was not found intact")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for audit_verify.jsonl")
    parser.add_argument("--folder", type=Path, help="where bundles are made (default: --out)")
    parser.add_argument("--records", type=int, default=1_000_000)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    figures = Figures(given.out / "audit_verify.jsonl")
    for records in (given.records // 10, given.records):
        with tempfile.TemporaryDirectory(dir=given.folder or given.out) as folder:
            root, keys = Path(folder) / "bundle", Path(folder) / "policy.json"
            keys.write_bytes(policy.encode(make(root, records).policy))
            size = sum(one.stat().st_size for one in root.rglob("*") if one.is_file())
            cost = inspect(root, keys)
        note = f"{size / 1e6:.0f} MB"
        figures.record(f"{records}_seconds", cost.processor, "s", f"{note}; one core; target 60")
        figures.record(f"{records}_wall", cost.wall, "s", note)
        figures.record(f"{records}_resident", cost.mebibytes, "MiB", "peak")


if __name__ == "__main__":
    main()
