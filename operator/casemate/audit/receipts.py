"""Receipts (C2SP tlog-proof): a record's place in a log, in one text that is checked offline."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from casemate.audit.checkpoint import Checkpoint
from casemate.audit.merkle import HASH_BYTES, leaf_hash, verify_inclusion
from casemate.audit.notes import (
    MOST_CHARS,
    FormatError,
    Kind,
    Note,
    SignatureError,
    Verifier,
    decimal,
    unbase64,
)

HEADER = "c2sp.org/tlog-proof@v1"
_EXTRA = "extra "
_INDEX = "index "
_HIGHEST = 63


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom an inspector believes.

    Attributes:
        logs: Keys of logs; a log's origin is its key's name.
        witnesses: Keys of witnesses.
        quorum: How many witnesses must have seen a checkpoint. A log is no witness of its own:
            neither its key nor a name that begins with its origin counts.

    Raises:
        FormatError: A key is not of the kind that signs for logs or for witnesses.
    """

    logs: tuple[Verifier, ...]
    witnesses: tuple[Verifier, ...] = ()
    quorum: int = 0

    def __post_init__(self) -> None:
        """Refuse keys of another kind."""
        for keys, kind in ((self.logs, Kind.NOTE), (self.witnesses, Kind.COSIGNATURE)):
            for key in keys:
                if key.kind is not kind:
                    raise FormatError(
                        f"key of {key.name!r} is one of {key.kind.name}, not {kind.name}"
                    )

    def checkpoint(self, note: Note) -> Checkpoint:
        """Return what a note says, if log and witnesses signed it.

        Raises:
            FormatError: It is no checkpoint.
            SignatureError: A signature that is needed is missing or wrong.
        """
        found = Checkpoint.parse(note.text)
        own = [key for key in self.logs if key.name == found.origin]
        if not own:
            raise SignatureError(f"no key is known of the log {found.origin!r}")
        if not note.verify(own):
            raise SignatureError(f"{found.origin!r} did not sign its checkpoint")
        seen = _others(found.origin, own, note.verify(self.witnesses))
        if seen < self.quorum:
            raise SignatureError(
                f"{seen} witnesses signed the checkpoint of {found.origin!r}; "
                f"{self.quorum} are needed"
            )
        return found


def _others(origin: str, own: Sequence[Verifier], signed: Sequence[Verifier]) -> int:
    """Count witnesses other than the log: one key has one name, and one name is one witness."""
    keys = {key.public for key in own}
    found = [
        key
        for key in signed
        if key.public not in keys and not f"{key.name}/".startswith(f"{origin}/")
    ]
    return min(len({key.name for key in found}), len({key.public for key in found}))


@dataclass(frozen=True, slots=True)
class Receipt:
    """That a record is in a log.

    Attributes:
        index: Of the record.
        proof: Of inclusion, from the record upwards.
        checkpoint: Signed, perhaps by witnesses too.
        extra: What else its writer sent along; nothing vouches for it.
    """

    index: int
    proof: tuple[bytes, ...]
    checkpoint: Note
    extra: bytes = b""

    def __str__(self) -> str:
        hashes = "".join(f"{base64.b64encode(one).decode()}\n" for one in self.proof)
        extra = f"{_EXTRA}{base64.b64encode(self.extra).decode()}\n" if self.extra else ""
        return f"{HEADER}\n{extra}{_INDEX}{self.index}\n{hashes}\n{self.checkpoint}"

    @classmethod
    def parse(cls, text: str) -> "Receipt":
        """Read a receipt; nothing is verified.

        Raises:
            FormatError: It is none.
        """
        if len(text) > MOST_CHARS:
            raise FormatError(f"a receipt of {len(text)} characters; {MOST_CHARS} are accepted")
        head, parted, note = text.partition("\n\n")
        header, *lines = head.split("\n")
        if header != HEADER or not parted:
            raise FormatError(f"a receipt begins with {HEADER!r}, and has a checkpoint at its end")
        extra = b""
        if lines and lines[0].startswith(_EXTRA):
            extra = unbase64(lines.pop(0).removeprefix(_EXTRA), "extra")
            if not extra:
                raise FormatError("extra: no data; without any there is no such line")
        if not lines or not lines[0].startswith(_INDEX) or len(lines) > 1 + _HIGHEST:
            raise FormatError(f"a receipt has a line 'index', then up to {_HIGHEST} hashes")
        index = decimal(lines[0].removeprefix(_INDEX), "index")
        signed = Note.parse(note)
        Checkpoint.parse(signed.text)
        return cls(index, _hashes(lines[1:]), signed, extra)

    def verify(self, record: bytes, trust: Trust) -> Checkpoint:
        """Make sure that a record is in a log; return the checkpoint that says so.

        Raises:
            FormatError: The checkpoint is none.
            SignatureError: A signature that is needed is missing or wrong.
            ProofError: The record is not where the receipt says.
        """
        found = trust.checkpoint(self.checkpoint)
        verify_inclusion(leaf_hash(record), self.index, found.size, self.proof, found.root)
        return found


def _hashes(lines: Sequence[str]) -> tuple[bytes, ...]:
    found = tuple(unbase64(line, "hash") for line in lines)
    if any(len(one) != HASH_BYTES for one in found):
        raise FormatError(f"a hash has {HASH_BYTES} bytes")
    return found
