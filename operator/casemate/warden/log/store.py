"""The log of one replica, as the warden uses it."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

from casemate.audit.notes import Note, Verifier
from casemate.audit.receipts import Receipt
from casemate.warden.log.book import JUMPED, ROTATED, STARTED, STOPPED, Entry, Pace, Request
from casemate.warden.log.checkpoints import COSIGNED, Signed, save
from casemate.warden.log.cosigned import Cosigned
from casemate.warden.log.disk import Disk, OsDisk
from casemate.warden.log.errors import FatalLogError, FullError, LogError
from casemate.warden.log.keys import Role
from casemate.warden.log.opening import Opened, Place, open_volume
from casemate.warden.log.space import Limits, State
from casemate.warden.log.stamp import STAMPED, Clock, read
from casemate.warden.log.witness import Growth
from casemate.warden.log.writer import Bounds, Writer

_OWN_KINDS = frozenset((STARTED, STOPPED, JUMPED, ROTATED))
SHORTEST_OVERLAP = 60.0
"""Least seconds for which two keys sign: a checkpoint that both signed is on the disk by then."""
LONGEST_OVERLAP = 30 * 86400.0
"""Most: until its end the key cannot be changed again."""


def _unseen(_: bytes) -> None:
    """Look at no record."""


class Options(NamedTuple):
    """What rarely differs."""

    version: str = ""
    """Of the software, for the `started` record."""
    witness: str = ""
    """Name of the key that witnesses others' logs; the origin with `/witness` if none is given."""
    pace: Pace = Pace()
    bounds: Bounds = Bounds()
    limits: Limits = Limits()
    seen: Callable[[bytes], None] = _unseen
    """Is shown every record that the start finds, in order, before there is a log."""


class Log:
    """Appends, proves and reads. Made by `open`; methods belong to that event loop."""

    def __init__(self, opened: Opened, clock: Clock, bounds: Bounds) -> None:
        self._opened, self._space, self.keys = opened, opened.space, opened.keys
        self._clock, self._closed = clock, False
        self.cosigned = Cosigned(opened.cosigned)
        """What others witnessed."""
        self._cosigning = asyncio.Lock()
        self.rotations = opened.rotations
        """Records of changed keys, the oldest first."""
        self._book, self._tree, self._segments = opened.book, opened.tree, opened.segments
        self._covering: list[tuple[int, asyncio.Future[Signed]]] = []
        self._writer = Writer(opened.book, bounds, self._progressed)
        self.failure = self._writer.failure
        """Done once the log has failed: the owner ends the process."""

    @classmethod
    async def open(
        cls,
        directory: Path,
        origin: str,
        clock: Clock,
        options: Options = Options(),  # noqa: B008  immutable
        disk: Disk | None = None,
    ) -> Self:
        """Open a log, or make it; returns when its `started` record is under a durable checkpoint.

        Args:
            directory: Its volume; the parent of it must exist.
            origin: Its name in checkpoints.
            clock: Tells the time of records.
            options: What rarely differs.
            disk: By which bytes are written.

        Raises:
            CannotStartError: What is on the disk is not what was signed for, or is in use.
            FatalLogError: The disk failed.
            OSError: The volume cannot be read.
        """
        witness = options.witness or f"{origin}/witness"
        place = Place(directory, origin, witness, options.version, options.seen)
        opened = await asyncio.to_thread(
            open_volume, place, clock, disk or OsDisk(), options.pace, options.limits
        )
        log = cls(opened, clock, options.bounds)
        try:
            entry = await log._last_words(STARTED, opened.started)
            await log._signed_for(entry.index)
        except BaseException:
            await log._let_go()
            raise
        return log

    @property
    def size(self) -> int:
        """Number of records that are on the disk."""
        return self._tree.size

    @property
    def takes(self) -> bool:
        """Whether it keeps records now."""
        return not self._closed and not self.failure.done() and self._space.state is not State.FULL

    def reason(self) -> str:
        """Return why the log should get no new work, or nothing."""
        if self.failure.done():
            return str(self.failure.result())
        return self._space.reason()

    async def append(self, kind: str, fields: Mapping[str, Any]) -> Entry:
        """Keep a record; returns once it is on the disk.

        Whoever is cancelled while waiting cannot know: the record may be kept.

        Raises:
            ValueError: The kind or a field is the log's own, or it is no JSON.
            BackPressureError: Too many wait.
            FullError: The volume is full.
            ClosedError: The log is closed.
            FatalLogError: The disk failed; whether the record is kept is unknown.
        """
        if kind in _OWN_KINDS or not kind:
            raise ValueError(f"kind: {kind!r} was given; any but {sorted(_OWN_KINDS)} is accepted")
        if taken := STAMPED.intersection(fields):
            raise ValueError(f"{sorted(taken)} were given; the log itself says these")
        if self._space.state is State.FULL:
            raise FullError(self._space.reason())
        return await self._writer.submit(Request(kind, fields))

    def checkpoint(self) -> Signed:
        """Return the newest signed checkpoint that is on the disk."""
        if self._book.signed is None:
            raise LogError("there is no checkpoint yet")
        return self._book.signed

    async def proof(self, index: int) -> Receipt:
        """Return that a record is in the log, once a durable checkpoint covers it.

        One that witnesses signed too is preferred where it covers the record.

        Raises:
            ValueError: There is no such record.
            FatalLogError: The record changed on the disk, or the disk failed.
        """
        if not 0 <= index < self.size:
            raise ValueError(f"index: {index} was given; the log has {self.size} records")
        signed = await self._signed_for(index)
        if (witnessed := self.cosigned.newest) is not None and index < witnessed.size:
            signed = witnessed
        hashes = await self._asked(self._tree.inclusion, index, signed.size)
        return Receipt(index, hashes, signed.note)

    async def witnessed(self, note: Note, lines: str, witness: Sequence[Verifier]) -> None:
        """Keep a witness's signature lines under a checkpoint of this log.

        Raises:
            ValueError: The log or the witness did not sign it.
            OSError: It cannot be kept.
        """
        async with self._cosigning:
            before = self.cosigned.newest
            self.cosigned.take(note, lines, self.verifiers, witness)
            newest = self.cosigned.newest
            if newest is not None and newest is not before:
                await asyncio.to_thread(save, self._opened.directory, newest, COSIGNED)

    @property
    def verifiers(self) -> list[Verifier]:
        """The public keys that sign this log now."""
        own = self.keys.log
        return [one.verifier for one in (own.current, own.next) if one is not None]

    def root(self, size: int) -> bytes:
        """Return the root of the tree when the log was of a size.

        Raises:
            ValueError: It was never of that size.
        """
        if not 0 <= size <= self.size:
            raise ValueError(f"size: {size} was given; the log has {self.size} records")
        return self._tree.root(size)

    async def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """Return that the log of one size begins with that of another.

        Raises:
            ValueError: There are no such sizes.
            FatalLogError: A record changed on the disk.
        """
        return await self._asked(self._tree.consistency, old, new)

    async def growth(self, old: int, signed: Signed | None = None) -> Growth:
        """Return what a witness needs that saw the log at a size: proof and checkpoint.

        Args:
            old: What it saw.
            signed: The checkpoint; None: the newest.

        Raises:
            ValueError: The log was never of that size.
            FatalLogError: A record changed on the disk.
        """
        signed = signed or self.checkpoint()
        proof = await self._asked(self._tree.consistency, old, signed.size)
        return Growth(old, proof, signed.note)

    def read(self, start: int, end: int) -> Iterator[Entry]:
        """Yield records from the disk; call it in a thread where many are wanted.

        Raises:
            ValueError: There are no such records.
        """
        if not 0 <= start <= end <= self.size:
            raise ValueError(f"{start} to {end} were given; the log has {self.size} records")
        for index, record in zip(range(start, end), self._segments.records(start), strict=False):
            yield Entry(index, record)

    async def rotate(
        self, role: Role, overlap_seconds: float, why: Mapping[str, Any] | None = None
    ) -> Entry:
        """Change a key: both sign until the overlap ends, which the returned record says.

        Args:
            role: Of which key.
            overlap_seconds: For how long both sign.
            why: Further fields of the record: by whom and why.

        Raises:
            ValueError: The overlap is too short or too long, or the record has no canonical form.
            LogError: A change is under way, or the record cannot be kept.
        """
        if not SHORTEST_OVERLAP <= overlap_seconds <= LONGEST_OVERLAP:
            raise ValueError(
                f"overlap: {overlap_seconds} s was given; {SHORTEST_OVERLAP} to {LONGEST_OVERLAP} "
                "are accepted"
            )
        if self._space.state is State.FULL:
            raise FullError(self._space.reason())
        now = read(self._clock).wall
        until = now + int(overlap_seconds * 1000)
        fields = await asyncio.to_thread(self.keys.rotate, role, now, until, why)
        try:
            entry = await self._writer.submit(Request(ROTATED, fields))
        except FatalLogError:
            raise  # Whether the log names the key is unknown: only the next start can tell.
        except (LogError, ValueError):
            self.keys.of(role).drop()
            raise
        self.rotations.append(entry.record)
        await self._signed_for(entry.index)
        return entry

    async def close(self) -> None:
        """Write what waits and the closing record, sign the end, let go of the volume.

        Raises:
            FatalLogError: The disk failed.
        """
        if self._closed:
            return
        self._closed = True
        try:
            if not self.failure.done():
                await self._last_words(STOPPED, {})
        finally:
            await self._let_go()
        if self.failure.done():
            raise self.failure.result()

    async def _let_go(self) -> None:
        """End the thread before another process may write."""
        await self._writer.close()
        self._segments.close()
        self._opened.unlock()

    async def _last_words(self, kind: str, fields: Mapping[str, Any]) -> Entry:
        """Append a record of the log's own, by the reserve if need be."""
        if self._space.state is State.FULL:
            await asyncio.to_thread(self._space.release)
        return await self._writer.submit(Request(kind, fields), last=kind == STOPPED)

    async def _signed_for(self, index: int) -> Signed:
        signed = self._book.signed
        if signed is not None and index < signed.size:
            return signed
        if self.failure.done():
            raise self.failure.result()
        future: asyncio.Future[Signed] = asyncio.get_running_loop().create_future()
        self._covering.append((index, future))
        self._book.urgent = True
        self._writer.wake()
        return await future

    async def _asked(self, call: Callable[..., list[bytes]], *given: int) -> tuple[bytes, ...]:
        try:
            return tuple(await asyncio.to_thread(call, *given))
        except FatalLogError as failure:
            self._writer.fail(failure)
            raise

    def _progressed(self) -> None:
        signed, waiting = self._book.signed, self._covering
        self._covering = []
        for index, future in waiting:
            if future.done():
                continue
            if self.failure.done():
                future.set_exception(self.failure.result())
            elif signed is not None and index < signed.size:
                future.set_result(signed)
            else:
                self._covering.append((index, future))
        if self._covering:
            self._book.urgent = True
            self._writer.wake()
