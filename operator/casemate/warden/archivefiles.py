"""The files of sealed contents beside a log: frames behind one another, a file for each last day.

A file's name says until which day its contents must be kept, so that time is up for whole files:

    2036-11-24.000001.sealed: SHA-256 of the content, 32 bytes | its length, 4 bytes | content | …

A process begins files of its own, and never goes on behind a write that failed: so whatever is
torn is the end of a file.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, NamedTuple

from casemate.evidence import MOST_CONTENT
from casemate.warden.log.disk import Disk, sync_directory

FOLDER = "contents"
"""Beside the log's segments."""
SUFFIX = ".sealed"
MOST_FILE = 64 << 20
"""Bytes after which another file is begun."""
MOST_SEALED = MOST_CONTENT + (1 << 16)
"""Bytes of a content with what sealing adds."""
_DIGEST, _LENGTH = 32, 4
_NAME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})\.([0-9]{6,})\.sealed")


class Where(NamedTuple):
    """One content: its file, where it stands there, and its length."""

    path: Path
    offset: int
    length: int

    def read(self) -> bytes:
        """Return the content.

        Raises:
            OSError: The file cannot be read.
        """
        with self.path.open("rb") as file:
            file.seek(self.offset)
            return file.read(self.length)


@dataclass(slots=True)
class Part:
    """A file that is written to."""

    path: Path
    fd: int
    size: int = 0

    def append(self, disk: Disk, contents: list[bytes]) -> None:
        """Write contents; returns once they are on the disk.

        Raises:
            OSError: The disk failed; nothing more may be written to this file.
        """
        for content in contents:
            frame = sha256(content).digest() + len(content).to_bytes(_LENGTH, "big") + content
            disk.write(self.fd, frame)
            self.size += len(frame)
        disk.sync(self.fd)

    def close(self) -> None:
        """Write nothing more."""
        os.close(self.fd)


def begin(folder: Path, last: date) -> Part:
    """Begin a file of contents that are kept until a day.

    Raises:
        OSError: It cannot be made.
    """
    taken = [number for path in files(folder) for day, number in (named(path),) if day == last]
    path = folder / f"{last.isoformat()}.{max(taken, default=0) + 1:06}{SUFFIX}"
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        sync_directory(folder)
    except OSError:
        os.close(fd)
        raise
    return Part(path, fd)


def files(folder: Path) -> list[Path]:
    """Return the files of contents in a folder, by their last day; there may be no folder."""
    return sorted(path for path in folder.glob(f"*{SUFFIX}") if _NAME.fullmatch(path.name))


def named(path: Path) -> tuple[date, int]:
    """Return what a file's name says: the last day, and which file of that day it is.

    Raises:
        ValueError: It is no such name.
    """
    found = _NAME.fullmatch(path.name)
    if found is None:
        raise ValueError(f"{path.name}: is no file of contents")
    return date.fromisoformat(found[1]), int(found[2])


def scan(path: Path) -> Iterator[tuple[bytes, Where]]:
    """Yield the digest and the place of each content in a file, up to what is torn.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        while frame := _head(file):
            digest, length = frame
            offset = file.tell()
            if sha256(file.read(length)).digest() != digest:
                return
            yield digest, Where(path, offset, length)


def _head(file: BinaryIO) -> tuple[bytes, int] | None:
    head = file.read(_DIGEST + _LENGTH)
    length = int.from_bytes(head[_DIGEST:], "big")
    if len(head) < _DIGEST + _LENGTH or length > MOST_SEALED:
        return None
    return head[:_DIGEST], length
