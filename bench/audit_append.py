"""What a durable record costs, beside a bare loop of write and fdatasync, in one run.

Usage: bench/audit_append.py --out DIR [--folder DIR] [--seconds 5]. Bare and log take turns, so
that both see the same disk. The bare loop writes one record of that size and syncs it; a second
writes as many at once as callers wait at 16. Each caller appends its next record when it has the
last one's acknowledgement. Resident memory is taken before and after, and the time of a start over
all that was written.
"""

import argparse
import asyncio
import gc
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import uvloop

from casemate.warden.log.stamp import SystemClock
from casemate.warden.log.store import Log

CALLERS = (1, 16, 64)
TURNS = 5
ORIGIN = "casemate.dev/warden/0b6c0000-0000-0000-0000-000000000000/casemate-warden-0"
DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
RECORD: dict[str, Any] = {
    "deployment": {"namespace": "analysis", "name": "summaries", "uid": DIGEST[:36]},
    "pod": {"name": "summaries-5d4f8c7b9-x2x7p", "uid": DIGEST[:36]},
    "caller": {"username": "jane.analyst", "uid": DIGEST[:36]},
    "route": "/v1/chat/completions",
    "model": f"registry.enclave/models/summary@sha256:{DIGEST}",
    "image": f"registry.enclave/engines/server@sha256:{DIGEST}",
    "agreement": {"name": "core", "digest": DIGEST},
    "guard": {"bundle": DIGEST, "policy": DIGEST},
    "request": {"sha256": DIGEST, "bytes": 1830, "stream": True},
    "verdict": {"verdict": "allow", "line": None, "tier": None, "findings": []},
}


class Figures:
    """Prints and keeps figures, one JSON object a line."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def record(self, name: str, value: float, unit: str, note: str) -> None:
        line = {"name": f"audit_append_{name}", "value": round(value, 3), "unit": unit}
        text = json.dumps({**line, "note": note})
        print(text, flush=True)
        with self._path.open("a") as file:
            file.write(text + "\n")

    def times(self, name: str, values: list[float], seconds: float) -> float:
        values.sort()
        for label, share in (("p50", 0.5), ("p99", 0.99)):
            at = values[min(len(values) - 1, int(share * len(values)))]
            self.record(f"{name}_{label}", at * 1e3, "ms", f"of {len(values)}")
        self.record(f"{name}_rate", len(values) / seconds, "a second", "records, or bare writes")
        return values[min(len(values) - 1, int(0.99 * len(values)))]


def bare(folder: Path, size: int, seconds: float) -> list[float]:
    data, times, fd = os.urandom(size), [], _opened(folder / "bare")
    until = time.perf_counter() + seconds
    while (began := time.perf_counter()) < until:
        os.write(fd, data)
        os.fdatasync(fd)
        times.append(time.perf_counter() - began)
    os.close(fd)
    return times


def _opened(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


async def through(log: Log, callers: int, seconds: float) -> list[float]:
    times: list[float] = []
    until = time.perf_counter() + seconds

    async def caller() -> None:
        while (began := time.perf_counter()) < until:
            await log.append("intent", RECORD)
            times.append(time.perf_counter() - began)

    await asyncio.gather(*(caller() for _ in range(callers)))
    return times


def resident() -> float:
    """MiB of this process that lie in memory."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


async def measure(folder: Path, seconds: float, figures: Figures) -> None:
    log = await Log.open(folder / "log", ORIGIN, SystemClock())
    size = len((await log.append("intent", RECORD)).record)
    await through(log, 16, 0.5)
    bares: dict[int, list[float]] = {1: [], 16: []}
    logs: dict[int, list[float]] = {callers: [] for callers in CALLERS}
    for _ in range(TURNS):
        for records in bares:
            bares[records] += bare(folder, size * records, seconds / TURNS)
        for callers in CALLERS:
            logs[callers] += await through(log, callers, seconds / TURNS)
    figures.times("bare_16_at_once", bares[16], seconds)
    reference = figures.times("bare", bares[1], seconds)
    for callers in CALLERS:
        p99 = figures.times(f"{callers}_callers", logs[callers], seconds)
        figures.record(f"{callers}_callers_p99_over_bare", p99 / reference, "", "target at 16: 2")
    del bares, logs
    await memory(log, seconds, figures)
    await log.close()
    began = time.perf_counter()
    log = await Log.open(folder / "log", ORIGIN, SystemClock())
    took = time.perf_counter() - began
    figures.record("start", took, "s", f"{log.size} records of {size} bytes read and verified")
    await log.close()


async def memory(log: Log, seconds: float, figures: Figures) -> None:
    before, size = resident(), log.size
    await through(log, 64, seconds)
    note = f"after {log.size - size} records more; {before:.0f} MiB before"
    figures.record("resident", resident(), "MiB", note)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for audit_append.jsonl")
    parser.add_argument("--folder", type=Path, help="on the disk to measure (default: --out)")
    parser.add_argument("--seconds", type=float, default=5.0, help="for each number of callers")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    out = given.out / "audit_append.jsonl"
    out.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(dir=given.folder or given.out) as folder:
        uvloop.run(measure(Path(folder), given.seconds, Figures(out)))


if __name__ == "__main__":
    main()
