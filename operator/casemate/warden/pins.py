"""By which keys this replica knows the others: those that it saw first, until they say otherwise.

A peer tells its keys over TLS, as itself. From then on they are on the disk, and other keys are
believed only where a record that the old and the new one signed leads from one to the other.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from casemate.audit.findings import Findings
from casemate.audit.kinds import KeyRotated
from casemate.audit.notes import FormatError, Verifier
from casemate.audit.records import RecordError, parse
from casemate.audit.verify_keys import KeyChain, Term
from casemate.audit.vkeys import ROLES, public
from casemate.warden.log.disk import make_directory, replace

LOG, WITNESS = "log", "witness"
PINS = "peers"
"""Folder beside a log with the keys of other replicas."""


class PinError(Exception):
    """A peer's keys are not those that it is known by, or cannot be read."""


class Keys(NamedTuple):
    """What a replica says of its keys.

    Attributes:
        log: Signs its log.
        witness: Signs what it saw of others.
        rotations: Records of changes, the oldest first.
    """

    log: str
    witness: str
    rotations: tuple[bytes, ...] = ()

    def encoded(self) -> bytes:
        """Return the form that `read` reads."""
        changes = [one.decode() for one in self.rotations]
        return orjson.dumps({LOG: self.log, WITNESS: self.witness, "rotations": changes})

    @classmethod
    def read(cls, text: str) -> "Keys":
        """Read what a replica says.

        Raises:
            PinError: It says something else.
        """
        try:
            said: Any = orjson.loads(text)
            changes = tuple(str(one).encode() for one in said["rotations"])
            return cls(str(said[LOG]), str(said[WITNESS]), changes)
        except (ValueError, KeyError, TypeError) as error:
            raise PinError(f"no keys were told: {error!r}") from None


class Pins:
    """Remembers the keys of peers, on the disk."""

    def __init__(self, directory: Path, origin: str) -> None:
        """Open what is remembered.

        Args:
            directory: Where it is kept; made if it is missing.
            origin: Of this replica's own log; those of others differ in the last part alone.
        """
        make_directory(directory)
        self._directory, self._cluster = directory, origin.rpartition("/")[0]

    def origin(self, replica: str) -> str:
        """Return the name of a replica's log."""
        return f"{self._cluster}/{replica}"

    def keys(self, replica: str, role: str, time: str) -> list[Verifier]:
        """Return the keys of a replica that may sign at a time (RFC 3339); none: it is unknown.

        Raises:
            PinError: What is on the disk cannot be read.
        """
        terms = self._terms(replica)[role]
        found = [one for one in terms if not one.until or time <= one.until]
        return [public(one.vkey, ROLES[role]) for one in found]

    def take(self, replica: str, said: Keys) -> bool:
        """Compare what a replica says with what is known; returns whether that was news.

        Raises:
            PinError: It has other keys than those that are known, and no record leads to them.
            OSError: They cannot be kept.
        """
        before, origin = self._terms(replica), self.origin(replica)
        after = {role: _followed(origin, role, before[role], said) for role in (LOG, WITNESS)}
        if after == before:
            return False
        replace(self._path(replica), _encoded(after))
        return True

    def _path(self, replica: str) -> Path:
        return self._directory / f"{replica}.json"

    def _terms(self, replica: str) -> dict[str, list[Term]]:
        try:
            raw = self._path(replica).read_bytes()
        except FileNotFoundError:
            return {LOG: [], WITNESS: []}
        try:
            said: Mapping[str, Any] = orjson.loads(raw)
            return {role: [Term(*one) for one in said[role]] for role in (LOG, WITNESS)}
        except (ValueError, KeyError, TypeError) as error:
            raise PinError(f"{self._path(replica)}: cannot be read: {error!r}") from error


def _encoded(terms: Mapping[str, Sequence[Term]]) -> bytes:
    return orjson.dumps({role: [list(one) for one in found] for role, found in terms.items()})


def _followed(origin: str, role: str, known: Sequence[Term], said: Keys) -> list[Term]:
    """Return the keys of one role, with those that took over."""
    name = origin if role == LOG else f"{origin}/{WITNESS}"
    now = said.log if role == LOG else said.witness
    try:
        if public(now, ROLES[role]).name != name:
            raise PinError(f"the {role} key {now} is not of {name}")
    except FormatError as error:
        raise PinError(f"the {role} key: {error}") from error
    findings = Findings()
    chain = KeyChain(name, role, findings)
    chain.name, chain.terms = name, list(known) or [Term(now)]
    for leaf in said.rotations:
        record = _rotation(leaf)
        if record.role == role and record.old == chain.terms[-1].vkey:
            chain.rotated(record, origin)
    if findings.kept:
        raise PinError(f"a change of the {role} key of {name}: {findings.kept[0].why}")
    if not chain.known([now]):
        raise PinError(f"the {role} key of {name} is {now}; {known[-1].vkey} is known")
    return chain.terms


def _rotation(leaf: bytes) -> KeyRotated:
    try:
        record = parse(leaf)
    except RecordError as error:
        raise PinError(f"a record of a change: {error}") from error
    if not isinstance(record, KeyRotated):
        raise PinError(f"a {record.kind} record was given as one of a change")
    return record
