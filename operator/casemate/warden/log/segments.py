"""The files of a log: bounded in size, appended to, named after their first record."""

import os
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path

from casemate.warden.log.disk import DRAFT, Disk, OsDisk, make_directory, replace
from casemate.warden.log.frames import HEADER_BYTES, MOST_BYTES, Frame, Kind, encode, walk
from casemate.warden.log.tree import TILE

SUFFIX = ".log"
_CHUNK = 1 << 18


def head(origin: str, first: int) -> bytes:
    """Return the payload with which a segment begins."""
    return f"casemate-log/v1\n{origin}\n{first}\n".encode()


def found(directory: Path) -> list[Path]:
    """Return the segments of a directory in order; drafts of new ones are removed."""
    for draft in directory.glob(f"*{SUFFIX}{DRAFT}"):
        draft.unlink()
    return sorted(directory.glob(f"*{SUFFIX}"))


def scan(path: Path, offset: int = 0) -> Iterator[Frame]:
    """Yield the frames of a segment from a place on, until the first that is not whole."""
    with path.open("rb") as file:
        file.seek(offset)
        rest = b""
        while len(rest) <= HEADER_BYTES + MOST_BYTES and (piece := file.read(_CHUNK)):
            rest, used = rest + piece, 0
            for frame in walk(rest):
                used = frame.end
                yield Frame(frame.kind, frame.payload, offset + frame.start, offset + used)
            rest, offset = rest[used:], offset + used


class Segments:
    """Knows where each record lies; writes to the last segment."""

    def __init__(self, directory: Path, origin: str, *, disk: Disk | None = None) -> None:
        """Open nothing yet.

        Args:
            directory: Where the segments are; made if it is missing.
            origin: Name of the log, in the head of each segment.
            disk: By which bytes are written and synced.
        """
        make_directory(directory)
        self.directory, self._origin = directory, origin
        self._disk = disk or OsDisk()
        self._firsts: list[int] = []
        self._marks = array("Q")
        self._fd = -1
        self.bytes = 0

    def path(self, first: int) -> Path:
        """Return the path of the segment that begins with a record."""
        return self.directory / f"{first:020d}{SUFFIX}"

    def note(self, first: int) -> None:
        """Remember a segment that exists."""
        self._firsts.append(first)

    def mark(self, index: int, offset: int) -> None:
        """Remember where a record lies; only the first of each tile is kept."""
        if index % TILE == 0:
            self._marks.append(offset)

    def roll(self, first: int) -> None:
        """Begin a new segment, durably and whole: one whose head is cut short was never there.

        Raises:
            OSError: The disk refuses.
        """
        self.close()
        replace(self.path(first), encode(Kind.HEAD, head(self._origin, first)))
        self.note(first)
        self._reopen()

    def resume(self, size: int) -> None:
        """Go on where a log of a size ends: in its last segment, or in the first one ever."""
        if self._firsts:
            self._reopen()
        else:
            self.roll(size)

    def _reopen(self) -> None:
        path = self.path(self._firsts[-1])
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW)
        self.bytes = os.fstat(self._fd).st_size

    def append(self, data: bytes) -> None:
        """Write to the last segment, and return once that is on the disk.

        Raises:
            OSError: The disk refuses; what is on it is unknown then.
        """
        self._disk.write(self._fd, data)
        self._disk.sync(self._fd)
        self.bytes += len(data)

    def records(self, start: int) -> Iterator[bytes]:
        """Yield records from an index on, up to the last whole frame on the disk."""
        index = start - start % TILE
        if index // TILE >= len(self._marks):
            return
        offset, at = self._marks[index // TILE], bisect_right(self._firsts, index) - 1
        while at < len(self._firsts):
            for frame in scan(self.path(self._firsts[at]), offset):
                if frame.kind is Kind.RECORD:
                    if index >= start:
                        yield frame.payload
                    index += 1
            offset, at = 0, at + 1

    def close(self) -> None:
        """Close the last segment."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1
