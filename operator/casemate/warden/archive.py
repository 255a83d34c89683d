"""Keeps sealed contents on this replica's volume: each is there before the record that names it.

What waits is written together and synced once. Files whose last day has passed are deleted; the
records, which never held more than digests, stay.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from casemate.warden.archivefiles import FOLDER, MOST_FILE, Part, begin, files, named
from casemate.warden.callers import RefusedError
from casemate.warden.log.disk import Disk, OsDisk, Room, make_directory
from casemate.warden.log.space import Limits, State, judge

log = logging.getLogger(__name__)
MOST_WAITING = 64 << 20
"""Bytes that may wait to be written."""
SWEEP_SECONDS = 3600.0
_FRAME = 64
"""Bytes for each content beside its own, at most."""


class _Waiting(NamedTuple):
    content: bytes
    last: date
    done: "asyncio.Future[None]"


def _today() -> date:
    return datetime.now(UTC).date()


class Archive:
    """The contents beside one log."""

    def __init__(
        self,
        directory: Path,
        doubt: Callable[[], str] = lambda: "",
        *,
        today: Callable[[], date] = _today,
        disk: Disk | None = None,
        limits: Limits | None = None,
    ) -> None:
        """Use a folder beside the log, which is made if it is missing.

        Args:
            directory: Of the log; it exists.
            doubt: Says why the clock is not to be trusted, or nothing: then nothing is deleted.
            today: Tells the day, in UTC.
            disk: By which bytes are written.
            limits: Room that must be left on the volume.

        Raises:
            OSError: The volume cannot be used.
        """
        self._folder = directory / FOLDER
        make_directory(self._folder)
        self._doubt, self._today = doubt, today
        self._disk, self._limits = disk or OsDisk(), limits or Limits()
        self._parts: dict[date, Part] = {}
        self._waiting: list[_Waiting] = []
        self._bytes = 0
        self._writing: asyncio.Task[None] | None = None

    async def keep(self, content: bytes, days: int) -> None:
        """Keep a sealed content; returns once it is on the disk.

        Args:
            content: Its bytes.
            days: For how many, at least.

        Raises:
            RefusedError: It cannot be kept.
        """
        if self._bytes + len(content) > MOST_WAITING:
            raise RefusedError(503, "log_busy", f"{self._bytes} bytes of contents wait")
        last = self._today() + timedelta(days=days)
        waiting = _Waiting(content, last, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._bytes += len(content)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        # Whoever leaves must not take it from the others that are written with it.
        await asyncio.shield(waiting.done)

    async def close(self) -> None:
        """Write what waits, and let go of the files."""
        while self._writing is not None:
            await self._writing
        for part in self._parts.values():
            part.close()
        self._parts.clear()

    async def sweep(self) -> None:
        """Delete, for ever, once in a while what need not be kept any more."""
        while True:
            try:
                await asyncio.to_thread(self.delete)
            except OSError as error:
                log.warning("contents whose time is up cannot be deleted: %s", error)
            await asyncio.sleep(SWEEP_SECONDS)

    def delete(self) -> list[str]:
        """Delete the files whose last day has passed; returns their names.

        Raises:
            OSError: The disk failed.
        """
        if doubt := self._doubt():
            log.warning("no contents are deleted: %s", doubt)
            return []
        today, gone = self._today(), []
        for path in files(self._folder):
            if named(path)[0] < today:
                path.unlink()
                gone.append(path.name)
        if gone:
            log.info("deleted contents whose time is up: %s", ", ".join(gone))
        return gone

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            by_day: dict[date, list[_Waiting]] = defaultdict(list)
            for one in batch:
                by_day[one.last].append(one)
            for last, group in by_day.items():
                contents = [one.content for one in group]
                trouble = await asyncio.to_thread(self._append, last, contents)
                self._bytes -= sum(map(len, contents))
                for one in group:
                    _settle(one.done, trouble)
        self._writing = None

    def _append(self, last: date, contents: list[bytes]) -> RefusedError | None:
        """Write contents of one day; returns why that cannot be."""
        size = sum(map(len, contents)) + _FRAME * len(contents)
        try:
            room = self._disk.room(self._folder)
            if judge(Room(room.free - size, room.total), self._limits) is State.FULL:
                told = f"{room.free} bytes are free, {size} are needed"
                return RefusedError(503, "log_unavailable", f"the log's volume is full: {told}")
            self._part(last).append(self._disk, contents)
        except OSError as error:
            self._leave(last)
            return RefusedError(503, "log_unavailable", f"no content can be kept: {error.strerror}")
        return None

    def _part(self, last: date) -> Part:
        for old in [day for day in self._parts if day < self._today()]:
            self._leave(old)
        part = self._parts.get(last)
        if part is not None and part.size >= MOST_FILE:
            self._leave(last)
            part = None
        if part is None:
            part = self._parts[last] = begin(self._folder, last)
        return part

    def _leave(self, last: date) -> None:
        part = self._parts.pop(last, None)
        if part is not None:
            with suppress(OSError):
                part.close()


def _settle(done: "asyncio.Future[None]", trouble: RefusedError | None) -> None:
    if done.done():
        return
    if trouble is None:
        done.set_result(None)
    else:
        done.set_exception(trouble)
        done.exception()  # whoever waited may have left
