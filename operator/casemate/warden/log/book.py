"""Makes batches durable: stamps, writes and syncs them, grows the tree, signs what it became."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from casemate.audit.canonical import canonical
from casemate.warden.log.checkpoints import Notary, Signed, save
from casemate.warden.log.errors import FatalLogError
from casemate.warden.log.frames import Kind, encode
from casemate.warden.log.keys import Keys, rotation
from casemate.warden.log.segments import Segments
from casemate.warden.log.space import Space
from casemate.warden.log.stamp import Clock, Reading, Stamper, read, text
from casemate.warden.log.tree import Tree

STARTED, STOPPED = "started", "stopped"
JUMPED, ROTATED = "clock-jump", "key-rotated"
_LOOK_SECONDS = 1.0


class Request(NamedTuple):
    """A record that somebody wants to be kept."""

    kind: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """A record that is kept: its index, and its canonical bytes, which are the leaf."""

    index: int
    record: bytes


Result = Entry | ValueError
"""What became of a request; ValueError: it has no canonical form."""


class _Kept(NamedTuple):
    entry: Entry
    frame: bytes


class Pace(NamedTuple):
    """How often what is done."""

    checkpoint_seconds: float = 0.05
    """Longest time that a record stays without a checkpoint."""
    segment_bytes: int = 32 << 20


class Book:
    """The end of a log that grows. One thread calls `commit`, `settle` and `finish`."""

    def __init__(
        self,
        *,
        directory: Path,
        segments: Segments,
        tree: Tree,
        stamper: Stamper,
        notary: Notary,
        keys: Keys,
        space: Space,
        clock: Clock,
        pace: Pace,
    ) -> None:
        self._directory, self._segments, self._tree = directory, segments, tree
        self._stamper, self._notary, self._keys = stamper, notary, keys
        self._space, self._clock, self._pace = space, clock, pace
        self.signed: Signed | None = notary.last
        """The newest checkpoint that is on the disk; older ones may be forgotten, never this."""
        self.urgent = False
        """Somebody waits for a checkpoint."""
        self._kept = -1
        self._signed_at = self._looked_at = time.monotonic()

    def commit(self, requests: Sequence[Request]) -> Sequence[Result]:
        """Return once every record is on the disk.

        Raises:
            FatalLogError: The disk failed; nothing may be written any more.
        """
        try:
            if self._segments.bytes >= self._pace.segment_bytes:
                self._roll()
            now = read(self._clock)
            signed = self._due(now)
            results, kept = self._stamped(requests, now)
            self._write(signed, kept)
            for request, result in zip(requests, results, strict=True):
                if request.kind == ROTATED:
                    self._changed(result)
            self._forget()
            self._look()
        except OSError as error:
            raise FatalLogError(f"the log cannot be written: {error}") from error
        return results

    def settle(self) -> None:
        """Write a checkpoint if one is due, and look how much room there is.

        Raises:
            FatalLogError: The disk failed.
        """
        try:
            signed = self._due(read(self._clock))
            if signed is not None:
                self._write(signed, [])
            if self.signed is not None and self._kept < 0:
                self._keep(self.signed)
            self._forget()
            self._look()
        except OSError as error:
            raise FatalLogError(f"the log cannot be written: {error}") from error

    def finish(self) -> None:
        """Sign the end, and keep that beside the segments.

        Raises:
            FatalLogError: The disk failed.
        """
        self.urgent = True
        self.settle()
        try:
            if self.signed is not None:
                self._keep(self.signed)
        except OSError as error:
            raise FatalLogError(f"the last checkpoint cannot be kept: {error}") from error

    def patience(self) -> float:
        """Return the seconds until `settle` is due."""
        if not self._unsigned():
            return _LOOK_SECONDS
        return max(0.0, self._signed_at + self._pace.checkpoint_seconds - time.monotonic())

    def _stamped(
        self, requests: Sequence[Request], now: Reading
    ) -> tuple[list[Result], list[_Kept]]:
        results: list[Result] = []
        kept: list[_Kept] = []
        at = text(now.wall)
        jump = self._stamper.jump(now)
        first = requests[0].kind == STARTED
        if jump is not None and not first:
            self._entry(Request(JUMPED, jump), at, kept)
        for request in requests:
            try:
                results.append(self._entry(request, at, kept))
            except ValueError as error:
                results.append(error)
        if jump is not None and first:
            self._entry(Request(JUMPED, jump), at, kept)
        return results, kept

    def _entry(self, request: Request, at: str, kept: list[_Kept]) -> Entry:
        index = self._tree.size + len(kept)
        record = canonical(self._stamper.stamp(request.kind, request.fields, at, index))
        one = _Kept(Entry(index, record), encode(Kind.RECORD, record))
        kept.append(one)
        return one.entry

    def _write(self, signed: Signed | None, kept: Sequence[_Kept]) -> None:
        first = b"" if signed is None else encode(Kind.CHECKPOINT, str(signed.note).encode())
        data = b"".join((first, *(one.frame for one in kept)))
        if not data:
            return
        offset = self._segments.bytes + len(first)
        self._segments.append(data)
        if signed is not None:
            self.signed = signed
        for entry, frame in kept:
            self._segments.mark(entry.index, offset)
            self._tree.append(entry.record)
            offset += len(frame)

    def _due(self, now: Reading) -> Signed | None:
        """Sign what is on the disk, if the last checkpoint is old enough or somebody waits."""
        moment = time.monotonic()
        if not self._unsigned():
            self.urgent = False
            return None
        if not self.urgent and moment < self._signed_at + self._pace.checkpoint_seconds:
            return None
        self.urgent, self._signed_at = False, moment
        return self._sign(now)

    def _sign(self, now: Reading) -> Signed:
        signers = self._keys.log.signers(now.wall)
        return self._notary.sign(self._tree.size, self._tree.root(), signers)

    def _unsigned(self) -> bool:
        return self._tree.size > (0 if self.signed is None else self.signed.size)

    def _roll(self) -> None:
        """Begin a segment: what the old ones hold is signed for beside them first."""
        signed = self._sign(read(self._clock))
        self._keep(signed)
        self.signed = signed
        self._segments.roll(self._tree.size)

    def _keep(self, signed: Signed) -> None:
        save(self._directory, signed)
        self._kept = signed.size

    def _changed(self, result: Result) -> None:
        """Let both keys sign from here on."""
        if isinstance(result, Entry):
            change = rotation(result.record)
            self._keys.of(change.role).begin(change.until)

    def _forget(self) -> None:
        """Remove keys whose overlap is over.

        The last checkpoints are signed anew before: a start that knows the new key alone must be
        able to read them.
        """
        now = read(self._clock)
        for key in (self._keys.log, self._keys.witness):
            key.signers(now.wall)
        if self._keys.log.left:
            signed = self._sign(now)
            self._write(signed, [])
            self._keep(signed)
        for key in (self._keys.log, self._keys.witness):
            key.forget()

    def _look(self) -> None:
        moment = time.monotonic()
        if moment >= self._looked_at + _LOOK_SECONDS:
            self._looked_at = moment
            self._space.look()
