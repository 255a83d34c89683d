"""A process that is killed at any moment loses nothing that it acknowledged."""

import os
import random
import select
import signal
import time
from collections.abc import Callable
from pathlib import Path

from unit.warden.log import crasher
from unit.warden.log.place import opened, records, root_of

ROUNDS = 36


def forked(work: Callable[[], None]) -> int:
    """Run something in a child that never comes back; returns its id."""
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
    finally:
        os._exit(1)


def acknowledged(directory: Path, seconds: float) -> list[tuple[int, ...]]:
    """Let a process append, kill it, and return what it said."""
    reading, writing = os.pipe()
    pid = forked(lambda: crasher.run(str(directory), writing))
    os.close(writing)
    said, until = b"", None
    try:
        while until is None or time.monotonic() < until:
            wait = 60.0 if until is None else max(0.0, until - time.monotonic())
            ready, _, _ = select.select([reading], [], [], wait)
            piece = os.read(reading, 1 << 16) if ready else b""
            assert piece or until, "it never acknowledged anything"
            said += piece
            until = until or time.monotonic() + seconds
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    while piece := os.read(reading, 1 << 16):
        said += piece
    os.close(reading)
    return [tuple(map(int, line.split())) for line in said.splitlines()]


async def test_a_killed_process_loses_nothing_that_it_acknowledged(tmp_path: Path):
    rng = random.Random(7)
    expected: dict[int, tuple[int, ...]] = {}
    for _ in range(ROUNDS):
        lines = acknowledged(tmp_path, rng.uniform(0, 0.06))
        expected |= {index: tuple(rest) for index, *rest in lines}
        async with opened(tmp_path) as log:
            found = records(log)
            size = log.checkpoint().size
            assert log.checkpoint().root == root_of(log, size)
        assert [one["seq"] for one in found] == list(range(len(found)))
        for index, who in expected.items():
            one = found[index]
            assert (one["pid"], one["caller"], one["n"]) == who
    assert len(expected) > 10 * ROUNDS
