"""Signed checkpoints: what is signed once is never contradicted."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from casemate.audit.checkpoint import Checkpoint
from casemate.audit.notes import Note, Signer, Verifier
from casemate.warden.log.disk import replace
from casemate.warden.log.errors import CannotStartError, FatalLogError

FILE = "checkpoint"
"""A copy of the newest checkpoint at each start, stop and new segment: a lost end is noticed."""
COSIGNED = "cosigned"
"""The newest checkpoint that witnesses signed too."""


class Signed(NamedTuple):
    """A checkpoint, and the note that it was signed in."""

    size: int
    root: bytes
    note: Note


class Notary:
    """Signs for one log, and remembers what it signed last."""

    def __init__(self, origin: str, last: Signed | None = None) -> None:
        self._origin, self.last = origin, last

    def sign(self, size: int, root: bytes, signers: Iterable[Signer]) -> Signed:
        """Sign the state of the log.

        Raises:
            FatalLogError: It contradicts what was signed before.
        """
        if self.last is not None:
            same = size == self.last.size
            if size < self.last.size or (same and root != self.last.root):
                raise FatalLogError(
                    f"a checkpoint of size {self.last.size} was signed; one of size {size} "
                    "contradicts it"
                )
        text = Checkpoint(self._origin, size, root).text()
        lines = tuple(signer.sign(text) for signer in signers)
        self.last = Signed(size, root, Note(text, lines))
        return self.last


def unverified(text: str, origin: str) -> Signed:
    """Read a checkpoint without looking at its signatures.

    Raises:
        ValueError: It is none of this log.
    """
    note = Note.parse(text)
    found = Checkpoint.parse(note.text)
    if found.origin != origin:
        raise ValueError(f"origin {found.origin!r} was given; {origin!r} is accepted")
    return Signed(found.size, found.root, note)


def verify(signed: Signed, verifiers: Iterable[Verifier]) -> None:
    """Make sure that one of the log's keys signed a checkpoint.

    Raises:
        ValueError: None did, or one that is named did not.
    """
    if not signed.note.verify(verifiers):
        raise ValueError(f"no key of this log signed the checkpoint of size {signed.size}")


class RetiredError(CannotStartError):
    """A checkpoint that no key in use signed."""


def load(
    directory: Path, origin: str, verifiers: Iterable[Verifier], name: str = FILE
) -> Signed | None:
    """Return the checkpoint that was put beside the segments, if there is one.

    Raises:
        RetiredError: None of the keys signed it.
        CannotStartError: It is not of this log.
    """
    path = directory / name
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise CannotStartError(f"{path}: not a checkpoint: {error}") from error
    try:
        signed = unverified(text, origin)
    except ValueError as error:
        raise CannotStartError(f"{path}: {error}") from error
    try:
        verify(signed, verifiers)
    except ValueError as error:
        raise RetiredError(f"{path}: {error}") from error
    return signed


def cosigned(directory: Path, origin: str, verifiers: Iterable[Verifier]) -> Signed | None:
    """Return the newest checkpoint that witnesses signed, if it is there and by a key in use.

    Raises:
        CannotStartError: It is of another log, or no checkpoint.
    """
    try:
        return load(directory, origin, verifiers, COSIGNED)
    except RetiredError:
        return None


def save(directory: Path, signed: Signed, name: str = FILE) -> None:
    """Put a checkpoint beside the segments, durably."""
    replace(directory / name, str(signed.note).encode())
