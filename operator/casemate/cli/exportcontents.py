"""The sealed contents of an exported log, in the order of the records that name them."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import orjson

from casemate.audit.bundle import content_line
from casemate.warden import archivefiles
from casemate.warden.archivefiles import Where

_PARTS = {"intent": "request", "outcome": "response"}
_MARK = b'"sealed":"sha256:'
"""Stands in every record that names a content: all others need not be parsed."""


def contents(volume: Path, records: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the line of each content that a record names and the volume still has.

    Args:
        volume: A warden's log folder, or a copy of it.
        records: Its records from the first.

    Raises:
        OSError: A file cannot be read.
    """
    there = _there(volume)
    for index, record in enumerate(records):
        part = _named(record)
        if part is None:
            continue
        name, digest = part
        if (where := there.get(digest)) is not None:
            yield content_line(index, name, where.read())


def named(records: Iterable[bytes]) -> bool:
    """Whether any record names a content: then they are wanted, wherever they are now."""
    return any(_MARK in record for record in records)


def _there(volume: Path) -> dict[bytes, Where]:
    paths = archivefiles.files(volume / archivefiles.FOLDER)
    return {digest: where for path in paths for digest, where in archivefiles.scan(path)}


def _named(record: bytes) -> tuple[str, bytes] | None:
    """Return which part of a record names a content, and the digest of its sealed form."""
    if _MARK not in record:
        return None
    try:
        said = orjson.loads(record)
        name = _PARTS[said["kind"]]
        return name, bytes.fromhex(said[name]["sealed"].removeprefix("sha256:"))
    except (ValueError, KeyError, TypeError):
        return None  # what is broken on the volume is broken in the bundle, and found there
