"""The text of every agreement that a record names: an inspector needs it long after it changed."""

import asyncio
import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from casemate.api.agreement import UsageAgreementSpec
from casemate.core import agreements
from casemate.core.digests import digest_of, encoded
from casemate.warden.log.disk import make_directory, replace

FOLDER = "terms"
"""Beside the log's segments."""
_DIGEST = re.compile("sha256:[0-9a-f]{64}")
_MOST_READ = 1000
"""Texts that are remembered."""


class Terms:
    """Keeps each text once, in a file that is named by its digest."""

    def __init__(self, directory: Path) -> None:
        """Look what is kept.

        Args:
            directory: Of the log; it exists.

        Raises:
            OSError: It cannot be read or written.
        """
        self._folder = directory / FOLDER
        make_directory(self._folder)
        self._kept = {path.name for path in self._folder.glob("*.json")}
        self._read: dict[str, Mapping[str, Any]] = {}

    async def keep(self, spec: UsageAgreementSpec) -> str:
        """Return the digest of terms, once their text is on the disk.

        Raises:
            OSError: It cannot be written.
        """
        plain = agreements.plain(spec)
        digest = digest_of(plain)
        name = file_of(digest)
        if name not in self._kept:
            await asyncio.to_thread(replace, self._folder / name, encoded(plain))
            self._kept.add(name)
        return digest

    async def text(self, digest: str) -> Mapping[str, Any] | None:
        """Return the terms of a digest, defaults written out; None: they are not kept here.

        Raises:
            OSError: They cannot be read, or are not what their digest is of.
        """
        if digest not in self._read:
            # What names a file is checked before there is a path.
            if not _DIGEST.fullmatch(digest) or file_of(digest) not in self._kept:
                return None
            raw = await asyncio.to_thread((self._folder / file_of(digest)).read_bytes)
            if f"sha256:{sha256(raw).hexdigest()}" != digest:
                raise OSError(None, f"{file_of(digest)} is not what it is named after")
            if len(self._read) >= _MOST_READ:
                self._read.clear()
            self._read[digest] = orjson.loads(raw)
        return self._read[digest]


def file_of(digest: str) -> str:
    """Return the name of the file that holds the text of a digest."""
    return f"{digest.removeprefix('sha256:')}.json"
