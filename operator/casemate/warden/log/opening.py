"""Opens a log's volume: lock, keys, recovery; everything before the first record of this start."""

import fcntl
import os
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from casemate.warden.log import checkpoints
from casemate.warden.log.book import Book, Pace
from casemate.warden.log.checkpoints import Notary, Signed
from casemate.warden.log.disk import Disk, make_directory
from casemate.warden.log.errors import CannotStartError
from casemate.warden.log.keys import Keys
from casemate.warden.log.recovery import Found, Recovery, seq_and_time
from casemate.warden.log.segments import Segments, found
from casemate.warden.log.space import Limits, Space
from casemate.warden.log.stamp import Clock, Stamper, ms_of, read
from casemate.warden.log.tree import TILE, Tree

_SEGMENTS, _KEYS, _LOCK = "segments", "keys", "lock"


class Opened(NamedTuple):
    """A volume in use."""

    directory: Path
    book: Book
    tree: Tree
    segments: Segments
    space: Space
    keys: Keys
    started: dict[str, Any]
    """Fields of the first record."""
    rotations: list[bytes]
    """Records of changed keys."""
    cosigned: Signed | None
    """The newest checkpoint that witnesses signed."""
    lock: int = -1

    def unlock(self) -> None:
        """Let another process use the volume."""
        os.close(self.lock)


class Place(NamedTuple):
    """Which log, and where."""

    directory: Path
    origin: str
    witness: str
    version: str
    seen: Callable[[bytes], None]
    """Is shown every record that is there, in order."""


def open_volume(place: Place, clock: Clock, disk: Disk, pace: Pace, limits: Limits) -> Opened:
    """Lock the volume, load or make the keys, and read the log.

    Raises:
        CannotStartError: The log is not the one that was signed for, or is in use.
        OSError: The volume cannot be read or written.
    """
    make_directory(place.directory)
    lock = _locked(place.directory / _LOCK)
    try:
        space = Space(place.directory, disk, limits)
        segments = Segments(place.directory / _SEGMENTS, place.origin, disk=disk)
        return _opened(place, clock, pace, space, segments)._replace(lock=lock)
    except BaseException:
        os.close(lock)
        raise


def _opened(place: Place, clock: Clock, pace: Pace, space: Space, segments: Segments) -> Opened:
    directory, origin = place.directory, place.origin
    existing = bool(found(segments.directory)) or (directory / checkpoints.FILE).exists()
    keys = Keys(directory / _KEYS, origin, place.witness, existing=existing)
    verifiers = [one.verifier for one in (keys.log.current, keys.log.next) if one is not None]
    witnessed = checkpoints.cosigned(directory, origin, verifiers)
    apart = (checkpoints.load(directory, origin, verifiers), witnessed)
    beside = [one for one in apart if one is not None]
    tree = Tree(lambda tile: islice(segments.records(tile * TILE), TILE))
    was = Recovery(segments, tree, origin, place.seen).run(beside, verifiers)
    keys.settle(was.started, was.rotations, read(clock).wall)
    segments.resume(tree.size)
    boot = str(uuid4())
    stamper = Stamper(boot, _last_time(was, tree.size))
    known = [*beside, *([was.signed] if was.signed else [])]
    notary = Notary(origin, max(known, key=_size, default=None))
    book = Book(
        directory=directory, segments=segments, tree=tree, stamper=stamper, notary=notary,
        keys=keys, space=space, clock=clock, pace=pace,
    )  # fmt: skip
    fields = {
        "version": place.version,
        "recovered": {"size": tree.size, "torn": was.torn},
        "keys": keys.names(),
    }
    return Opened(
        directory, book, tree, segments, space, keys, fields, list(was.rotations), witnessed
    )


def _size(signed: Signed) -> int:
    return signed.size


def _locked(path: Path) -> int:
    """Return the lock, held: two writers would sign two histories.

    Raises:
        CannotStartError: Another process has it.
    """
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(fd)
        raise CannotStartError(f"{path}: another process writes this log") from error
    return fd


def _last_time(was: Found, size: int) -> int | None:
    if not size:
        return None
    seq, time = seq_and_time(was.newest)
    if seq != size - 1:
        raise CannotStartError(f"record {size - 1} says that it is {seq}")
    try:
        return ms_of(time)
    except ValueError as error:
        raise CannotStartError(f"record {size - 1}: time: {error}") from error
