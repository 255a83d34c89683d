"""Arrays and a description in one file, without pickle: what a bundle is made of.

Layout: magic; 4 bytes, the header's length; header (JSON: `meta`, and name, type and shape of every
array); then the arrays in that order, little-endian, each at the next multiple of 64 bytes, so that
a mapped file can be computed with as it is. Nothing may follow. Equal arrays give equal bytes.
"""

import json
from collections.abc import Mapping
from math import prod
from mmap import mmap
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
Item: TypeAlias = tuple[str, str, tuple[int, ...]]

MAGIC = b"casemate-arrays\x01"
LIMIT = 8 * 2**20
_TYPES = {"int8", "uint8", "int16", "int32", "uint32", "float32", "float64"}
_MAX_HEADER = 2**18
_ALIGNED = 64


class ContainerError(ValueError):
    """The bytes are not a container; the message says what is wrong with them."""


def pack(meta: Mapping[str, Any], arrays: Mapping[str, Array]) -> bytes:
    """Return the bytes of a container; equal inputs give equal bytes."""
    items = [[name, each.dtype.name, list(each.shape)] for name, each in arrays.items()]
    text = json.dumps({"meta": meta, "arrays": items}, sort_keys=True, separators=(",", ":"))
    header = text.encode()
    out = bytearray(MAGIC + len(header).to_bytes(4, "little") + header)
    for each in arrays.values():
        out += bytes(-len(out) % _ALIGNED)
        out += np.ascontiguousarray(each).tobytes()
    return bytes(out)


def unpack(raw: bytes | mmap, limit: int = LIMIT) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return description and arrays (read-only views of `raw`).

    Raises:
        ContainerError: the bytes are not exactly one container, or more than `limit`.
    """
    if len(raw) > limit:
        raise ContainerError(f"{len(raw)} bytes, more than {limit}")
    if raw[: len(MAGIC)] != MAGIC:
        raise ContainerError("it does not begin as such a file does")
    start = len(MAGIC) + 4
    size = int.from_bytes(raw[len(MAGIC) : start], "little")
    if size > _MAX_HEADER or start + size > len(raw):
        raise ContainerError("the header is longer than the file or its limit")
    meta, items = _header(raw[start : start + size])
    return meta, _arrays(raw, start + size, items)


def _header(raw: bytes) -> tuple[dict[str, Any], list[Item]]:
    try:
        header = json.loads(raw)
        meta = dict(header["meta"])
        items = [(str(n), str(kind), tuple(map(int, shape))) for n, kind, shape in header["arrays"]]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ContainerError(f"the header cannot be read: {error}") from error
    if len({name for name, _, _ in items}) != len(items):
        raise ContainerError("two arrays have the same name")
    return meta, items


def _arrays(raw: bytes | mmap, at: int, items: list[Item]) -> dict[str, Array]:
    found: dict[str, Array] = {}
    for name, kind, shape in items:
        if kind not in _TYPES or any(n < 0 for n in shape):
            raise ContainerError(f"array {name}: type {kind} or shape {shape} is not accepted")
        at += -at % _ALIGNED
        dtype = np.dtype(kind).newbyteorder("<")
        size = dtype.itemsize * prod(shape)
        if at + size > len(raw):
            raise ContainerError(f"array {name} ends after the file")
        found[name] = np.frombuffer(raw, dtype, prod(shape), at).reshape(shape)
        at += size
    if at != len(raw):
        raise ContainerError(f"{len(raw) - at} bytes follow the last array")
    return found
