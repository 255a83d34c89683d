"""How much room the volume has, and what follows: serve, drain, or refuse."""

import os
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from casemate.warden.log.disk import Disk, Room, sync_directory

FILE = "reserve"
MIB = 1 << 20


class Limits(NamedTuple):
    """Below which a volume drains, and below which it refuses."""

    drain_percent: float = 10.0
    drain_bytes: int = 256 * MIB
    refuse_bytes: int = 32 * MIB
    reserve_bytes: int = 4 * MIB
    """Size of a file that is there to be removed: the closing record fits in its place."""


class State(StrEnum):
    """What the log does."""

    OPEN = "open"
    DRAINING = "draining"
    """Not ready, so that no new work comes; what comes is still recorded."""
    FULL = "full"
    """Nothing is recorded but the closing record."""


def judge(room: Room, limits: Limits) -> State:
    """Return what follows from the room that there is."""
    if room.free < limits.refuse_bytes:
        return State.FULL
    least = max(limits.drain_bytes, room.total * limits.drain_percent / 100)
    return State.DRAINING if room.free < least else State.OPEN


class Space:
    """Watches a volume and keeps the reserve."""

    def __init__(self, directory: Path, disk: Disk, limits: Limits) -> None:
        self._directory, self._disk, self._limits = directory, disk, limits
        self._path = directory / FILE
        self.state, self.room = State.FULL, Room(0, 0)
        self.look()

    def look(self) -> State:
        """Look how much room there is; lay the reserve in when there is enough.

        Raises:
            OSError: The volume does not tell.
        """
        self.room = self._disk.room(self._directory)
        self.state = judge(self.room, self._limits)
        if self.state is not State.FULL and not self._path.exists():
            self._lay()
        return self.state

    def reason(self) -> str:
        """Return why the log is not ready, or nothing."""
        if self.state is State.OPEN:
            return ""
        least = max(self._limits.drain_bytes, self.room.total * self._limits.drain_percent / 100)
        return (
            f"the log's volume is {self.state}: {self.room.free // MIB} MiB are free, "
            f"{int(least) // MIB} MiB are needed to serve, "
            f"{self._limits.refuse_bytes // MIB} MiB to record"
        )

    def release(self) -> None:
        """Give the reserve up, so that a last record fits."""
        self._path.unlink(missing_ok=True)
        sync_directory(self._directory)

    def _lay(self) -> None:
        if self.room.free - self._limits.reserve_bytes < self._limits.refuse_bytes:
            return
        fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            os.posix_fallocate(fd, 0, self._limits.reserve_bytes)
            os.fsync(fd)
        except OSError:
            with suppress(OSError):
                self._path.unlink()
        finally:
            os.close(fd)
