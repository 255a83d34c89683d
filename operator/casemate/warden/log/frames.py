"""How bytes lie in a segment: length, checksum and kind before each payload."""

import zlib
from collections.abc import Iterator
from enum import IntEnum
from struct import Struct
from typing import NamedTuple

_HEADER = Struct("<IIB")
_SUMMED = Struct("<IB")
HEADER_BYTES = _HEADER.size
MOST_BYTES = 1 << 18
"""Largest payload: a record is some hundred bytes; a garbled length must not ask for gigabytes."""


class Kind(IntEnum):
    """What a payload is."""

    HEAD = 1
    """First of each segment: which log it belongs to, and the index of its first record."""
    RECORD = 2
    CHECKPOINT = 3
    """A signed note about all records before it, which were synced before it was written."""


class Frame(NamedTuple):
    """One whole frame, and where it lies."""

    kind: Kind
    payload: bytes
    start: int
    end: int


def encode(kind: Kind, payload: bytes) -> bytes:
    """Return the frame of a payload.

    Raises:
        ValueError: It is longer than MOST_BYTES.
    """
    if len(payload) > MOST_BYTES:
        raise ValueError(f"{len(payload)} bytes were given; up to {MOST_BYTES} are accepted")
    return _HEADER.pack(len(payload), _sum(len(payload), kind, payload), kind) + payload


def decode(data: bytes, at: int = 0) -> Frame | None:
    """Return the frame that starts at a place; None where none is whole."""
    begin = at + HEADER_BYTES
    if at < 0 or begin > len(data):
        return None
    length, checksum, kind = _HEADER.unpack_from(data, at)
    if length > MOST_BYTES or begin + length > len(data) or kind not in _KINDS:
        return None
    payload = data[begin : begin + length]
    if _sum(length, kind, payload) != checksum:
        return None
    return Frame(_KINDS[kind], payload, at, begin + length)


def walk(data: bytes, at: int = 0) -> Iterator[Frame]:
    """Yield frames one after another, until the first that is not whole."""
    while (frame := decode(data, at)) is not None:
        yield frame
        at = frame.end


_KINDS = {int(kind): kind for kind in Kind}


def _sum(length: int, kind: int, payload: bytes) -> int:
    """CRC-32 over length, kind and payload: a flipped length does not go unseen either."""
    return zlib.crc32(payload, zlib.crc32(_SUMMED.pack(length, kind)))
