"""The few calls by which bytes become durable; tests replace them to make them fail."""

import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Protocol


class Room(NamedTuple):
    """Space on a volume, in bytes, as an unprivileged process gets it."""

    free: int
    total: int


class Disk(Protocol):
    """Writes, syncs and looks for room."""

    def write(self, fd: int, data: bytes) -> None:
        """Write all of it, or raise OSError."""

    def sync(self, fd: int) -> None:
        """Return once the file's data is on the disk, or raise OSError."""

    def room(self, directory: Path) -> Room:
        """Return how much space the volume has."""


class OsDisk:
    """The operating system's."""

    def write(self, fd: int, data: bytes) -> None:
        """Write all of it, or raise OSError."""
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(fd, rest) :]

    def sync(self, fd: int) -> None:
        """Return once the file's data is on the disk, or raise OSError."""
        os.fdatasync(fd)

    def room(self, directory: Path) -> Room:
        """Return how much space the volume has."""
        found = os.statvfs(directory)
        return Room(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize)


def sync_directory(directory: Path) -> None:
    """Make durable that files were made, renamed or removed."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def make_directory(directory: Path) -> None:
    """Make a directory that only its owner enters, durably; one that exists is kept."""
    with suppress(FileExistsError):
        directory.mkdir(mode=0o700)
        sync_directory(directory.parent)


def replace(path: Path, data: bytes) -> None:
    """Put a file in place whole, durably and readable to its owner alone: the old or the new."""
    draft = path.with_name(path.name + DRAFT)
    draft.unlink(missing_ok=True)
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        OsDisk().write(fd, data)
        os.fsync(fd)
    finally:
        os.close(fd)
    draft.rename(path)
    sync_directory(path.parent)


def read_private(path: Path) -> bytes:
    """Return a file that only its owner may read; a volume's fsGroup may have opened it to others.

    Raises:
        OSError: It cannot be read, or is a link.
    """
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(fd, "rb") as file:
        os.fchmod(fd, 0o600)
        return file.read()


DRAFT = ".new"
"""What a file is called until it is whole; a left-over one was never in use."""
