"""Witnesses the logs of other replicas (C2SP tlog-witness): signs only what grew from what it saw.

What was signed last is on the disk before a signature leaves, so a restart forgets nothing.
"""

import asyncio
import base64
import re
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, Self

from casemate.audit.checkpoint import Checkpoint
from casemate.audit.merkle import EMPTY_ROOT, ProofError, verify_consistency
from casemate.audit.notes import Note, SignatureError, Verifier, unbase64
from casemate.warden.log.disk import make_directory, replace
from casemate.warden.log.keys import Key
from casemate.warden.log.stamp import Clock, read

_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})")
_MOST_HASHES = 63
WITNESSED = "witnessed"
"""Folder beside a log with what was signed of other logs."""
_HASH = 32
SIZE_TYPE = "text/x.tlog.size"
"""Content type of the answer to a log that believes another size was seen last."""


class NotWitnessedError(Exception):
    """A checkpoint is not signed.

    Attributes:
        status: HTTP status of the answer.
        size: What was seen last, where the log must begin there; None: it must not.
    """

    def __init__(self, status: int, message: str, size: int | None = None) -> None:
        super().__init__(message)
        self.status, self.size = status, size


class Growth(NamedTuple):
    """What a log sends: from which size it grew, the proof, and the signed checkpoint."""

    old: int
    proof: tuple[bytes, ...]
    note: Note

    def __str__(self) -> str:
        hashes = "".join(f"{base64.b64encode(one).decode()}\n" for one in self.proof)
        return f"old {self.old}\n{hashes}\n{self.note}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the body of a request.

        Raises:
            ValueError: It is none.
        """
        head, parted, note = text.partition("\n\n")
        first, *hashes = head.split("\n")
        old = _OLD.fullmatch(first)
        if not parted or old is None or len(hashes) > _MOST_HASHES:
            raise ValueError("a line 'old SIZE', up to 63 hashes and a checkpoint are accepted")
        proof = tuple(unbase64(one, "hash") for one in hashes)
        if any(len(one) != _HASH for one in proof):
            raise ValueError(f"a hash has {_HASH} bytes")
        return cls(int(old[1]), proof, Note.parse(note))


class Witness:
    """Remembers the newest checkpoint of each log that it knows."""

    def __init__(
        self,
        directory: Path,
        key: Key,
        clock: Clock,
        known: Callable[[str], Sequence[Verifier]],
    ) -> None:
        """Sign nothing yet.

        Args:
            directory: Where checkpoints are kept; made if it is missing.
            key: Signs.
            clock: Tells the time in signatures.
            known: Returns the keys of a log by its origin; none: it is unknown.
        """
        make_directory(directory)
        self._directory, self._key, self._clock, self._known = directory, key, clock, known
        self._lock = asyncio.Lock()

    async def cosign(self, growth: Growth) -> str:
        """Return signature lines for a checkpoint that grew from the last one seen.

        Raises:
            NotWitnessedError: It did not, or its log is unknown or did not sign it.
            OSError: It cannot be kept, so it is not signed.
        """
        found = self._checked(growth)
        async with self._lock:
            path = self._path(found.origin)
            seen = await asyncio.to_thread(self._seen, path, found.origin)
            _grown(seen, found, growth)
            now = read(self._clock).wall
            signers = await asyncio.to_thread(self._key.signers, now)
            lines = [one.cosign(growth.note.text, now // 1000) for one in signers]
            if seen != found:
                kept = Note(growth.note.text, (*growth.note.lines, *lines))
                await asyncio.to_thread(replace, path, str(kept).encode())
            return "".join(lines)

    def newest(self, origin: str) -> Note | None:
        """Return the newest checkpoint of a log that was signed here, with both signatures.

        Raises:
            ValueError: What is on the disk is none.
            OSError: It cannot be read.
        """
        try:
            return Note.parse(self._path(origin).read_text("utf-8"))
        except FileNotFoundError:
            return None

    def _path(self, origin: str) -> Path:
        return self._directory / sha256(origin.encode()).hexdigest()

    def _checked(self, growth: Growth) -> Checkpoint:
        try:
            found = Checkpoint.parse(growth.note.text)
        except ValueError as error:
            raise NotWitnessedError(400, str(error)) from error
        keys = self._known(found.origin)
        if not keys:
            raise NotWitnessedError(404, f"the log {found.origin!r} is not known here")
        try:
            signed = growth.note.verify(keys)
        except SignatureError as error:
            raise NotWitnessedError(403, str(error)) from error
        if not signed:
            raise NotWitnessedError(403, f"{found.origin!r} did not sign this checkpoint")
        if growth.old > found.size:
            raise NotWitnessedError(400, f"old {growth.old} is more than the size {found.size}")
        return found

    def _seen(self, path: Path, origin: str) -> Checkpoint:
        """Return the newest checkpoint of a log that was signed; one of size 0 if none was."""
        try:
            found = Checkpoint.parse(Note.parse(path.read_text("utf-8")).text)
        except FileNotFoundError:
            return Checkpoint(origin, 0, EMPTY_ROOT)
        except ValueError as error:
            raise NotWitnessedError(500, f"{path}: {error}") from error
        if found.origin != origin:
            raise NotWitnessedError(500, f"{path}: is of {found.origin!r}, not of {origin!r}")
        return found


def _grown(seen: Checkpoint, found: Checkpoint, growth: Growth) -> None:
    """Raise NotWitnessedError unless a checkpoint grew from the one that was seen."""
    if growth.old != seen.size:
        message = f"size {seen.size} was seen last, not {growth.old}"
        raise NotWitnessedError(409, message, seen.size)
    if found.size == seen.size and found.root != seen.root:
        raise NotWitnessedError(409, f"another root of size {seen.size} was seen", seen.size)
    try:
        verify_consistency(seen.size, seen.root, found.size, found.root, growth.proof)
    except ProofError as error:
        raise NotWitnessedError(422, str(error)) from error
