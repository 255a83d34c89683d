"""Reads a warden's log folder, or a copy of it, piece by piece: a log may be larger than memory."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

import orjson

from casemate.audit.bundle import BundleError
from casemate.audit.checkpoint import Checkpoint
from casemate.audit.notes import Note
from casemate.warden.log.checkpoints import COSIGNED
from casemate.warden.log.frames import Frame, Kind
from casemate.warden.log.segments import SUFFIX, scan
from casemate.warden.log.witness import WITNESSED
from casemate.warden.pins import PINS

_SEGMENTS = "segments"


class Sized(NamedTuple):
    """A signed checkpoint, and how many records it covers."""

    size: int
    text: str


@dataclass(frozen=True)
class Volume:
    """One log.

    Attributes:
        path: Its folder.
        origin: Its name.
        records: How many it has.
        signed: How many of them its last own checkpoint covers.
        first: Its first record, which says its keys; empty: there is none.
    """

    path: Path
    origin: str
    records: int
    signed: int
    first: bytes

    @property
    def pod(self) -> str:
        """Whose it is."""
        return self.origin.rpartition("/")[2]

    def leaves(self, size: int) -> Iterator[bytes]:
        """Yield so many records from the first."""
        count = 0
        for frame in _frames(self.path):
            if frame.kind is Kind.RECORD:
                if count == size:
                    return
                count += 1
                yield frame.payload

    def notes(self, others: Iterable[Sized]) -> Iterator[str]:
        """Yield its checkpoints by size, with what witnesses added.

        Args:
            others: Checkpoints of it that stand elsewhere.
        """
        ordered = merge(self._notes(), sorted(others), key=itemgetter(0))
        for _, same in groupby(ordered, key=itemgetter(0)):
            yield from _joined(one.text for one in same)

    def _notes(self) -> Iterator[Sized]:
        count = 0
        for frame in _frames(self.path):
            if frame.kind is Kind.RECORD:
                count += 1
            elif frame.kind is Kind.CHECKPOINT:
                yield Sized(count, frame.payload.decode())

    def witnessed(self) -> Iterator[tuple[str, Sized]]:
        """Yield checkpoints that stand beside the log, each with the name of the log that it is of.

        They are its own that others signed, and those of others that it signed.

        Raises:
            FormatError: One cannot be read.
        """
        folder = self.path / WITNESSED
        found = sorted(folder.iterdir()) if folder.is_dir() else []
        for path in (self.path / COSIGNED, *found):
            if path.is_file():
                text = path.read_text("utf-8")
                checkpoint = Checkpoint.parse(Note.parse(text).text)
                yield checkpoint.origin, Sized(checkpoint.size, text)

    def pinned(self) -> dict[str, list[str]]:
        """Return the keys by which it knows the witnesses that other replicas are, by pod.

        Of one whose key was changed there are several, the oldest first.

        Raises:
            BundleError: They cannot be read.
        """
        folder = self.path / PINS
        found = sorted(folder.glob("*.json")) if folder.is_dir() else []
        try:
            said = {one.stem: orjson.loads(one.read_bytes()) for one in found}
            return {pod: [str(one[0]) for one in keys["witness"]] for pod, keys in said.items()}
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise BundleError(str(folder), f"keys of others: {error!r}") from error


def volume(path: Path) -> Volume:
    """Look what log is in a folder.

    Raises:
        BundleError: None is.
        OSError: It cannot be read.
    """
    origin, first, records, signed = "", b"", 0, 0
    for frame in _frames(path):
        if frame.kind is Kind.RECORD:
            first = first or frame.payload
            records += 1
        elif frame.kind is Kind.CHECKPOINT:
            signed = records
        else:
            origin = frame.payload.decode().split("\n")[1]
    if not origin:
        raise BundleError(str(path), f"no log is there: a folder with {_SEGMENTS}/ is accepted")
    return Volume(path, origin, records, signed, first)


def _frames(path: Path) -> Iterator[Frame]:
    for segment in sorted((path / _SEGMENTS).glob(f"*{SUFFIX}")):
        yield from scan(segment)


def _joined(texts: Iterable[str]) -> Iterator[str]:
    """Yield notes of one size; those that say the same are one, with the signatures of all."""
    given = list(dict.fromkeys(texts))
    if len(given) == 1:
        yield given[0]
        return
    lines: dict[str, dict[str, None]] = {}
    for note in map(Note.parse, given):
        lines.setdefault(note.text, {}).update(dict.fromkeys(note.lines))
    for text, signed in lines.items():
        yield str(Note(text, tuple(signed)))
