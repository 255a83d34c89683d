"""The newest checkpoint of a log that witnesses signed too: receipts carry it."""

from collections.abc import Sequence

from casemate.audit.checkpoint import Checkpoint
from casemate.audit.notes import Note, Verifier
from casemate.warden.log.checkpoints import Signed


class Cosigned:
    """Gathers witnesses' signatures; larger checkpoints take over from smaller ones."""

    def __init__(self, newest: Signed | None = None) -> None:
        self.newest = newest

    def take(
        self, note: Note, lines: str, own: Sequence[Verifier], witness: Sequence[Verifier]
    ) -> None:
        """Take in a witness's signature lines under a checkpoint that the log signed.

        Raises:
            ValueError: The log or the witness did not sign it.
        """
        added = Note(note.text, tuple(lines.splitlines(keepends=True)))
        if not note.verify(own) or not added.verify(witness):
            raise ValueError("the checkpoint needs a signature of this log and one of the witness")
        found, before = Checkpoint.parse(note.text), self.newest
        if before is not None and before.size > found.size:
            return
        under = note.lines
        if before is not None and before.size == found.size:
            under = before.note.lines
        every = tuple(dict.fromkeys((*under, *added.lines)))
        self.newest = Signed(found.size, found.root, Note(note.text, every))
