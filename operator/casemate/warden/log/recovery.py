"""What a start finds on the disk: every record, or a reason to refuse.

A checkpoint is written behind the records that it covers, after they were synced. So whatever is
damaged before a checkpoint was once whole, and the log refuses to start; what is damaged behind the
last one may be a write that a crash cut short, and is cut off.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import orjson

from casemate.audit.notes import Verifier
from casemate.warden.log.checkpoints import Signed, unverified, verify
from casemate.warden.log.errors import CannotStartError
from casemate.warden.log.frames import HEADER_BYTES, Frame, Kind, decode
from casemate.warden.log.segments import Segments, found, head, scan
from casemate.warden.log.tree import Tree

_ROTATED, _STARTED = b'"kind":"key-rotated"', b'"kind":"started"'


class Found(NamedTuple):
    """What was there."""

    torn: int
    """Bytes that were cut off the end."""
    signed: Signed | None
    """The last checkpoint in the segments."""
    newest: bytes
    """The last record; empty where there is none."""
    rotations: tuple[bytes, ...]
    """Records of changed keys."""
    started: bytes
    """The last start's record; empty where there is none."""


class Recovery:
    """Reads a log from its start, record by record, into a tree."""

    def __init__(
        self, segments: Segments, tree: Tree, origin: str, seen: Callable[[bytes], None]
    ) -> None:
        """Prepare.

        Args:
            segments: Where records are.
            tree: Which they grow; empty.
            origin: The log's name.
            seen: Is shown every record, in order.
        """
        self._segments, self._tree, self._origin = segments, tree, origin
        self._seen = seen
        self._last: Signed | None = None
        self._checked = 0
        """Offset behind the last checkpoint, in the last segment."""
        self._newest = b""
        self._rotations: list[bytes] = []
        self._started = b""

    def run(self, beside: Sequence[Signed], verifiers: Sequence[Verifier]) -> Found:
        """Read everything, cut off a torn end, and sync what stays.

        Args:
            beside: The checkpoints that were kept apart from the segments.
            verifiers: The log's keys.

        Raises:
            CannotStartError: A record that a checkpoint covers is missing or changed.
            OSError: The disk cannot be read or written.
        """
        paths, torn = found(self._segments.directory), 0
        for path in paths:
            end = self._segment(path)
            rest = path.stat().st_size - end
            if rest:
                self._may_be_torn(path, end, last=path == paths[-1])
                torn = rest
        for one in beside:
            self._compare(one)
        if self._last is not None:
            self._verify(self._last, verifiers)
        if paths:
            _settle(paths[-1], self._checked, torn)
        return Found(torn, self._last, self._newest, tuple(self._rotations), self._started)

    def _segment(self, path: Path) -> int:
        """Read one segment; returns where its last whole frame ends."""
        _forget(path)
        first, end, self._checked = self._tree.size, 0, 0
        if path != self._segments.path(first):
            raise CannotStartError(
                f"{path}: the segment before it ends at record {first}, whose file is missing"
            )
        for frame in scan(path):
            if (frame.kind is Kind.HEAD) != (end == 0):
                raise CannotStartError(f"{path}: byte {frame.start}: a segment has one head")
            self._frame(path, frame)
            end = frame.end
        if not end:
            raise CannotStartError(f"{path}: its head is damaged")
        return end

    def _frame(self, path: Path, frame: Frame) -> None:
        if frame.kind is Kind.RECORD:
            self._segments.mark(self._tree.size, frame.start)
            self._tree.append(frame.payload)
            self._newest = frame.payload
            self._seen(frame.payload)
            if _ROTATED in frame.payload:
                self._rotations.append(frame.payload)
            elif _STARTED in frame.payload:
                self._started = frame.payload
        elif frame.kind is Kind.CHECKPOINT:
            self._last = self._agreeing(path, frame)
            self._checked = frame.end
        elif frame.payload == head(self._origin, self._tree.size):
            self._segments.note(self._tree.size)
        else:
            raise CannotStartError(
                f"{path}: begins with {frame.payload!r}; record {self._tree.size} of "
                f"{self._origin} must follow"
            )

    def _agreeing(self, path: Path, frame: Frame) -> Signed:
        try:
            signed = unverified(frame.payload.decode(), self._origin)
        except ValueError as error:
            raise CannotStartError(f"{path}: byte {frame.start}: {error}") from error
        if (signed.size, signed.root) != (self._tree.size, self._tree.root()):
            raise CannotStartError(
                f"{path}: byte {frame.start}: the checkpoint of size {signed.size} does not match "
                f"the {self._tree.size} records before it: one of them is missing or changed"
            )
        return signed

    def _may_be_torn(self, path: Path, end: int, *, last: bool) -> None:
        """Raise CannotStartError where something that was synced lies behind the damage."""
        where = f"{path}: byte {end}: record {self._tree.size} is damaged or missing"
        if not last:
            raise CannotStartError(f"{where}, and a later segment exists")
        for signed in _signed_behind(path, end, self._origin):
            raise CannotStartError(f"{where}, which the checkpoint of size {signed.size} covers")

    def _compare(self, beside: Signed) -> None:
        if beside.size > self._tree.size:
            raise CannotStartError(
                f"the log holds {self._tree.size} records, and a checkpoint of size {beside.size} "
                "was signed: records are missing"
            )
        if self._tree.root(beside.size) != beside.root:
            raise CannotStartError(
                f"the first {beside.size} records are not those of the signed checkpoint"
            )

    def _verify(self, signed: Signed, verifiers: Sequence[Verifier]) -> None:
        try:
            verify(signed, verifiers)
        except ValueError as error:
            raise CannotStartError(f"{self._segments.directory}: {error}") from error


def seq_and_time(record: bytes) -> tuple[int, str]:
    """Return what the log stamped.

    Raises:
        CannotStartError: It is no record.
    """
    try:
        fields = orjson.loads(record)
        return int(fields["seq"]), str(fields["time"])
    except (ValueError, KeyError, TypeError) as error:
        raise CannotStartError(f"the last record is none: {error!r}") from error


def _signed_behind(path: Path, offset: int, origin: str) -> list[Signed]:
    """Return a whole checkpoint that lies anywhere behind a damaged frame.

    A record cannot pretend to be one: it is JSON, and a frame's header has bytes that JSON has not.
    """
    data, mark = path.read_bytes()[offset:], f"{origin}\n".encode()
    at = data.find(mark)
    while at >= 0:
        frame = decode(data, at - HEADER_BYTES)
        if frame is not None and frame.kind is Kind.CHECKPOINT:
            return [unverified(frame.payload.decode(), origin)]
        at = data.find(mark, at + 1)
    return []


def _forget(path: Path) -> None:
    """Drop the file's clean pages: after a failed fsync they may differ from the disk."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(fd)


def _settle(path: Path, checked: int, torn: int) -> None:
    """Cut a torn end off, and make sure that what stays is on the disk.

    What no checkpoint covers is written anew in place: it may have been read from pages that a
    failed fsync marked clean, and only pages that are dirty are synced.
    """
    fd = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    try:
        size = os.fstat(fd).st_size - torn
        if torn:
            os.ftruncate(fd, size)
        while checked < size:
            piece = os.pread(fd, min(1 << 20, size - checked), checked)
            checked += os.pwrite(fd, piece, checked)
        os.fsync(fd)
    finally:
        os.close(fd)
