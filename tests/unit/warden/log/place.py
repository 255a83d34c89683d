"""Logs for tests: real files, a clock that tests set, disks that fail for real."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Event
from typing import Any

import orjson

from casemate.audit.merkle import leaf_hash
from casemate.warden.log.book import Pace, Request, Result
from casemate.warden.log.disk import OsDisk
from casemate.warden.log.space import Limits
from casemate.warden.log.stamp import SystemClock
from casemate.warden.log.store import Log, Options
from casemate.warden.log.writer import Bounds
from unit.audit import trees

ORIGIN = "casemate.dev/warden/0b6c/casemate-warden-0"
ROOMY = Limits(drain_percent=0, drain_bytes=0, refuse_bytes=0, reserve_bytes=4096)
NEVER = 3600.0
"""Seconds between checkpoints where a test wants none but those that it asks for."""


def options(
    *, checkpoint_seconds: float = 0.01, segment_bytes: int = 32 << 20, waiting: int = 4096
) -> Options:
    return Options(
        version="1.2.3",
        pace=Pace(checkpoint_seconds, segment_bytes),
        bounds=Bounds(waiting=waiting),
        limits=ROOMY,
    )


DEFAULT = options()


class SetClock:
    """Tells what a test sets."""

    def __init__(self, wall: float = 1_800_000_000.0) -> None:
        self.now, self.ticks = wall, 0.0

    def wall(self) -> float:
        return self.now

    def steady(self) -> float:
        return self.ticks

    def tick(self, seconds: float) -> None:
        """Both go on, as they should."""
        self.now += seconds
        self.ticks += seconds


class GatedDisk(OsDisk):
    """Syncs only while the gate is open."""

    def __init__(self) -> None:
        self.gate, self.reached = Event(), Event()
        self.gate.set()

    def sync(self, fd: int) -> None:
        self.reached.set()
        assert self.gate.wait(60)
        super().sync(fd)


class BrokenDisk(OsDisk):
    """Asks the kernel to sync something that it cannot, once told to."""

    def __init__(self) -> None:
        self.broken = False

    def sync(self, fd: int) -> None:
        if not self.broken:
            return super().sync(fd)
        reading, writing = os.pipe()
        try:
            return super().sync(writing)
        finally:
            os.close(reading)
            os.close(writing)


async def open_log(
    directory: Path, given: Options = DEFAULT, clock: Any = None, disk: Any = None
) -> Log:
    return await Log.open(directory / "log", ORIGIN, clock or SystemClock(), given, disk)


@asynccontextmanager
async def opened(
    directory: Path, given: Options = DEFAULT, clock: Any = None, disk: Any = None
) -> AsyncIterator[Log]:
    log = await open_log(directory, given, clock, disk)
    try:
        yield log
    finally:
        await log.close()


async def filled(log: Log, count: int, first: int = 0) -> list[int]:
    """Append records at once; returns their indices."""
    many = (log.append("intent", {"n": first + i}) for i in range(count))
    return [entry.index for entry in await asyncio.gather(*many)]


class Nothing:
    """Writes nothing."""

    def commit(self, requests: Sequence[Request]) -> Sequence[Result]:
        raise AssertionError(requests)

    def settle(self) -> None:
        pass

    def finish(self) -> None:
        pass

    def patience(self) -> float:
        return 1.0


async def crashed(log: Log) -> None:
    """End a log as a crash would: nothing more is written."""
    log._writer._committer = Nothing()
    await log._let_go()


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds, 10 s at most."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110  what is waited for happens in another thread
            await asyncio.sleep(0.005)


def records(log: Log) -> list[dict[str, Any]]:
    return [orjson.loads(entry.record) for entry in log.read(0, log.size)]


def segment(directory: Path, number: int = -1) -> Path:
    return sorted((directory / "log" / "segments").glob("*.log"))[number]


def root_of(log: Log, size: int) -> bytes:
    return trees.root([leaf_hash(entry.record) for entry in log.read(0, size)])
