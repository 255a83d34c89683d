"""What is held, word for word: sealed, on this replica's volume, for as long as it can be let go.

People must read what they decide about, and a restart must not lose it. It is never in clear on a
disk, and never in etcd: a file for each request, sealed to a key beside them.
"""

import threading
import time
from collections.abc import Container
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from casemate.audit import sealing
from casemate.warden.log.disk import DRAFT, make_directory, read_private, replace

MOST_BYTES = 64 << 20
"""Sealed bytes of all requests together."""
MOST_FILES = 2048
_KEY, _SUFFIX = "key.pem", ".sealed"


class FullError(Exception):
    """Too much is held already."""


class Place(NamedTuple):
    """Which held request: its namespace and name."""

    namespace: str
    name: str


class _Kept(NamedTuple):
    bytes: int
    at: float
    """On the monotonic clock."""


class Contents:
    """The contents of held requests; calls block for a disk's while, and come from any thread."""

    def __init__(self, directory: Path, most: int = MOST_BYTES) -> None:
        """Use a folder, which is made if it is missing.

        Args:
            directory: On the volume; its parent must exist.
            most: Bytes of all together.

        Raises:
            OSError: The volume cannot be used.
            SealError: The key there is none.
        """
        self._directory, self._most = directory, most
        self._lock = threading.RLock()
        make_directory(directory)
        for draft in directory.glob(f"*{DRAFT}"):
            draft.unlink()
        self._key = _key(directory / _KEY)
        now = time.monotonic()
        self._kept = {
            Place(*path.name.removesuffix(_SUFFIX).split(".")): _Kept(path.stat().st_size, now)
            for path in directory.glob(f"*.*{_SUFFIX}")
        }

    @property
    def total(self) -> int:
        """Sealed bytes of all that is kept."""
        with self._lock:
            return sum(one.bytes for one in self._kept.values())

    def keep(self, place: Place, content: bytes) -> None:
        """Keep a content; returns once it is on the disk.

        Raises:
            FullError: There is no room left for it.
            OSError: The disk failed.
        """
        sealed = sealing.seal(content, self._key.public_key())
        with self._lock:
            if self.total + len(sealed) > self._most or len(self._kept) >= MOST_FILES:
                told = f"{self.total} bytes of held requests are kept; up to {self._most} are"
                raise FullError(told)
            self._kept[place] = _Kept(len(sealed), time.monotonic())
        try:
            replace(self._path(place), sealed)
        except OSError:
            with self._lock:
                del self._kept[place]
            raise

    def content(self, place: Place) -> bytes | None:
        """Return a content, or None where it is not here.

        Raises:
            OSError: The disk failed.
            SealError: It is not as it was sealed.
        """
        if place not in self._kept:
            return None
        return sealing.open(self._path(place).read_bytes(), self._key)

    def drop(self, place: Place) -> None:
        """Forget a content; nothing happens where it is not here.

        Raises:
            OSError: The disk failed.
        """
        with self._lock:
            if place in self._kept:
                self._path(place).unlink(missing_ok=True)
                del self._kept[place]

    def sweep(self, wanted: Container[Place], before: float) -> None:
        """Forget what no request is held for any more.

        Args:
            wanted: The requests that are.
            before: Moment on the monotonic clock of that list: what is kept since then stays.

        Raises:
            OSError: The disk failed.
        """
        with self._lock:
            old = [place for place, one in self._kept.items() if one.at < before]
        for place in old:
            if place not in wanted:
                self.drop(place)

    def _path(self, place: Place) -> Path:
        # A namespace and the names that the warden gives are labels: neither has a dot or a slash.
        return self._directory / f"{place.namespace}.{place.name}{_SUFFIX}"


def _key(path: Path) -> X25519PrivateKey:
    if not path.exists():
        pem = X25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        replace(path, pem)
    return sealing.identity(read_private(path))
