"""Which keys a log signs with: what it says itself, from its first record on, and the policy."""

from collections.abc import Sequence
from typing import NamedTuple

from casemate.audit.findings import Findings
from casemate.audit.kinds import KeyRotated, Started
from casemate.audit.notes import FormatError, Note, SignatureError, Verifier
from casemate.audit.times import milliseconds
from casemate.audit.vkeys import ROLES, public

STATEMENT = "casemate.dev/key-rotated/v1"
"""First line of what both keys sign when one takes over."""

_BOTH = 2
_STARTING_MS = 60_000
"""A start names its keys before it is stamped, and reads its volume in between."""


class Term(NamedTuple):
    """A key, and until when it may sign (RFC 3339; empty: no end is known)."""

    vkey: str
    until: str = ""


class KeyChain:
    """The keys of one replica in one role, one after another."""

    def __init__(self, pod: str, role: str, findings: Findings) -> None:
        self.pod, self._role, self._findings = pod, role, findings
        self._kind = ROLES[role]
        self.name = ""
        """Under which they sign: for the log's own keys, its origin."""
        self.terms: list[Term] = []

    def started(self, record: Started) -> None:
        """Compare with the key that a start says it uses; the first start says which it is."""
        field, said = f"keys.{self._role}", getattr(record.keys, self._role)
        if not self.terms:
            self._begin(record, field, said)
            return
        latest = milliseconds(record.time) - _STARTING_MS
        possible = {
            term.vkey for term in self.terms if not term.until or latest <= milliseconds(term.until)
        }
        if said not in possible:
            self._findings.broken(
                self.pod, record.seq, field, f"{said} signs; no key-rotated record tells of it"
            )

    def rotated(self, record: KeyRotated, origin: str) -> None:
        """Take in a change, if both keys signed it."""
        wrong = self._wrong(record, origin)
        if wrong:
            self._findings.broken(self.pod, record.seq, wrong[0], wrong[1])
            return
        self.terms[-1] = Term(record.old, record.until)
        self.terms.append(Term(record.new))

    def verifiers(self, time: str) -> list[Verifier]:
        """Return the keys that may sign a checkpoint at a time."""
        return [key for key, until in self.all() if not until or time <= until]

    def all(self) -> list[tuple[Verifier, str]]:
        """Return the keys, each with its end."""
        return [(public(one.vkey, self._kind), one.until) for one in self.terms]

    def known(self, vkeys: Sequence[str]) -> bool:
        """Whether one of the keys is in this chain."""
        return any(one.vkey in vkeys for one in self.terms)

    def followed(self, vkeys: Sequence[str]) -> tuple[str, ...]:
        """Return the keys, with those that took over from one of them."""
        own = tuple(one.vkey for one in self.terms) if self.known(vkeys) else ()
        return tuple(dict.fromkeys((*vkeys, *own)))

    def _begin(self, record: Started, field: str, said: str) -> None:
        try:
            self.name = public(said, self._kind).name
        except FormatError as error:
            self._findings.broken(self.pod, record.seq, field, str(error))
        else:
            self.terms.append(Term(said))

    def _wrong(self, record: KeyRotated, origin: str) -> tuple[str, str] | None:
        """Return the field and what is wrong with it."""
        if not self.terms or record.old != self.terms[-1].vkey:
            return "old", "is not the key that signed until then"
        if any(record.new == one.vkey for one in self.terms):
            return "new", "signed before"
        try:
            note = Note.parse(record.note)
            signers = note.verify([public(one, self._kind) for one in (record.old, record.new)])
        except (FormatError, SignatureError) as error:
            return "note", str(error)
        said = (STATEMENT, origin, record.role, record.old, record.new, record.until)
        if note.text != "".join(f"{line}\n" for line in said):
            return "note", "does not say what the record says"
        return _of_both(signers, self.name)


def _of_both(signers: Sequence[Verifier], name: str) -> tuple[str, str] | None:
    if any(one.name != name for one in signers):
        return "new", f"signs under another name than {name!r}"
    if len(signers) < _BOTH:
        return "note", "is not signed by both keys"
    return None
