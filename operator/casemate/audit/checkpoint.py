"""What a log says of itself at a moment (C2SP tlog-checkpoint): how long it is, and its root."""

import base64
from dataclasses import dataclass

from casemate.audit.merkle import HASH_BYTES
from casemate.audit.notes import FormatError, decimal, plain, unbase64


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a log.

    Attributes:
        origin: Its name.
        size: Records in it.
        root: Of the Merkle tree over them.
        extensions: Further lines.

    Raises:
        FormatError: A line is empty or more than one, or the size or the root is none.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what would read back as something else."""
        for line in (self.origin, *self.extensions):
            plain(line, "a line of a checkpoint")
            if not line or "\n" in line:
                raise FormatError(f"a checkpoint with {line[:30]!r}: it needs lines, none empty")
        decimal(str(self.size), "size")
        if len(self.root) != HASH_BYTES:
            raise FormatError(f"a root of {len(self.root)} bytes; {HASH_BYTES} are accepted")

    def text(self) -> str:
        """Return the text that is signed."""
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode())
        return "".join(f"{line}\n" for line in (*lines, *self.extensions))

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """Read a checkpoint's text, without signatures.

        Raises:
            FormatError: It is none.
        """
        origin, *rest = text.removesuffix("\n").split("\n")
        if not text.endswith("\n") or len(rest) < 2:  # noqa: PLR2004
            raise FormatError("a checkpoint is an origin, a size and a root, a line each")
        size, encoded, *extensions = rest
        root = unbase64(encoded, "root")
        return cls(origin, decimal(size, "size"), root, tuple(extensions))
