"""The keys of one replica: one signs its own log, the other witnesses the logs of others.

Both are made at the first start and never leave the volume. A change of keys is a record of the log
that both keys sign; until its end both sign every checkpoint, so that nobody has to change at once.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import orjson
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from casemate.audit.notes import Kind, Note, Signer
from casemate.warden.log.disk import make_directory, read_private, replace, sync_directory
from casemate.warden.log.errors import CannotStartError, LogError
from casemate.warden.log.stamp import ms_of, text

STATEMENT = "casemate.dev/key-rotated/v1"
"""First line of what both keys sign."""
_NEXT = "-next"


class Role(StrEnum):
    """What a key is for."""

    LOG = "log"
    WITNESS = "witness"

    @property
    def kind(self) -> Kind:
        """What signatures of its key are."""
        return Kind.NOTE if self is Role.LOG else Kind.COSIGNATURE


class Rotation(NamedTuple):
    """A change of keys that the log holds."""

    role: Role
    old: str
    new: str
    until: int
    """End of the overlap, in ms since 1970."""


def rotation(record: bytes) -> Rotation:
    """Read a `key-rotated` record.

    Raises:
        CannotStartError: It is none.
    """
    try:
        found = orjson.loads(record)
        until = ms_of(found["until"])
        return Rotation(Role(found["role"]), str(found["old"]), str(found["new"]), until)
    except (ValueError, KeyError, TypeError) as error:
        raise CannotStartError(f"a key-rotated record cannot be read: {error!r}") from error


class Key:
    """One key, and the one that takes over from it. Threads may share it."""

    def __init__(self, directory: Path, role: Role, name: str, *, existing: bool) -> None:
        """Load the key, or make it.

        Args:
            directory: Where keys are.
            role: What it is for.
            name: Its name in signed notes.
            existing: A log exists, so the key must.

        Raises:
            CannotStartError: It is missing beside a log, or cannot be read.
        """
        self.role, self._name = role, name
        self._path = directory / f"{role}.pem"
        self._next_path = directory / f"{role}{_NEXT}.pem"
        if not self._path.exists():
            if existing:
                raise CannotStartError(
                    f"{self._path} is missing beside a log that exists: put it back; a new key "
                    "would be another log's"
                )
            _make(self._path)
        self.current = Signer(name, _load(self._path), role.kind)
        self.next: Signer | None = None
        if self._next_path.exists():
            self.next = self._successor()
        self._until = 0
        self.left = False
        """Its predecessor signs no more, and is still on the disk."""
        self._lock = Lock()

    @property
    def until(self) -> int:
        """End of the overlap, in ms since 1970; 0: no change is under way."""
        return self._until

    def settle(self, named: str, rotations: Sequence[Rotation], now: int) -> None:
        """Take up where the log says that this key's change is.

        Args:
            named: The key of the last start; empty: there was none.
            rotations: All changes, of other keys too.
            now: In ms since 1970.

        Raises:
            CannotStartError: The key on the disk is not the one that the log names.
        """
        own = [one for one in rotations if one.role is self.role]
        if not own and named not in {"", vkey(self.current)}:
            raise CannotStartError(f"{self._path} is not {named}, which the log began with")
        if own and vkey(self.current) == own[-1].new:
            self.drop()
        elif own and vkey(self.current) != own[-1].old:
            raise CannotStartError(f"{self._path} is not {own[-1].new}, which the log changed to")
        elif own and (self.next is None or vkey(self.next) != own[-1].new):
            raise CannotStartError(f"{self._next_path}: {own[-1].new} is missing")
        elif own:
            self._until = own[-1].until
        else:
            self.drop()
        self.signers(now)

    def signers(self, now: int) -> list[Signer]:
        """Return who signs at a time: both keys while they overlap."""
        with self._lock:
            if self.next is None or not self._until:
                return [self.current]
            if now < self._until:
                return [self.current, self.next]
            self.current, self.next, self._until, self.left = self.next, None, 0, True
            return [self.current]

    def forget(self) -> None:
        """Remove a key from the disk that signs no more.

        Whoever calls makes sure that nothing rests on its signature alone: the next start knows the
        keys that are on the disk, and no others.
        """
        with self._lock:
            if self.left:
                self._next_path.rename(self._path)
                sync_directory(self._path.parent)
                self.left = False

    def stage(self) -> Signer:
        """Make the key that is to take over; it signs nothing before `begin`.

        Raises:
            LogError: A change is under way.
        """
        with self._lock:
            if self.next is not None:
                raise LogError(
                    f"the {self.role} key is being changed already, until {text(self._until)}"
                )
            if self.left:
                raise LogError(f"the {self.role} key before this one is not removed yet")
            _make(self._next_path)
            self.next = self._successor()
            return self.next

    def begin(self, until: int) -> None:
        """Let both keys sign, now that the log holds the change."""
        with self._lock:
            self._until = until

    def _successor(self) -> Signer:
        return Signer(self._name, _load(self._next_path), self.role.kind)

    def drop(self) -> None:
        """Forget a key whose change the log does not hold."""
        if self.next is not None:
            self._next_path.unlink()
            sync_directory(self._path.parent)
        self.next, self._until = None, 0


class Keys:
    """Both keys of a replica."""

    def __init__(self, directory: Path, origin: str, witness: str, *, existing: bool) -> None:
        make_directory(directory)
        self._origin = origin
        self.log = Key(directory, Role.LOG, origin, existing=existing)
        self.witness = Key(directory, Role.WITNESS, witness, existing=existing)

    def of(self, role: Role) -> Key:
        """Return a key by its role."""
        return self.log if role is Role.LOG else self.witness

    def settle(self, started: bytes, rotations: Sequence[bytes], now: int) -> None:
        """Take up where the log's records say that changes are.

        Raises:
            CannotStartError: A key is not the one that the log names.
        """
        named = orjson.loads(started)["keys"] if started else {}
        found = [rotation(record) for record in rotations]
        for role in Role:
            self.of(role).settle(named.get(role, ""), found, now)

    def names(self) -> dict[str, str]:
        """Return the public keys in use, by role."""
        return {role.value: vkey(self.of(role).current) for role in Role}

    def rotate(
        self, role: Role, now: int, until: int, why: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Make a new key; return the fields of the record that must be durable before it signs.

        Both keys sign a statement: the log's as a note, the witness's as a cosignature.

        Args:
            role: Of which key.
            now: In ms since 1970.
            until: End of the overlap, likewise.
            why: Further fields of the record: by whom and why.

        Raises:
            LogError: A change is under way.
        """
        key = self.of(role)
        new, old = key.stage(), key.current
        lines = (STATEMENT, self._origin, role.value, vkey(old), vkey(new), text(until))
        body = "".join(f"{line}\n" for line in lines)
        signed = Note(body, tuple(_line(signer, body, now) for signer in (old, new)))
        return {
            **(why or {}),
            "role": role.value,
            "old": vkey(old),
            "new": vkey(new),
            "until": text(until),
            "note": str(signed),
        }


def _line(signer: Signer, body: str, now: int) -> str:
    if signer.verifier.kind is Kind.NOTE:
        return signer.sign(body)
    return signer.cosign(body, now // 1000)


def vkey(signer: Signer) -> str:
    """Return a signer's public key in C2SP's form."""
    return str(signer.verifier)


def _make(path: Path) -> None:
    replace(
        path,
        Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )


def _load(path: Path) -> Ed25519PrivateKey:
    try:
        key = serialization.load_pem_private_key(read_private(path), password=None)
    except OSError as error:
        raise CannotStartError(f"{path}: {error.strerror}") from error
    except (ValueError, TypeError) as error:
        raise CannotStartError(f"{path}: no private key: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise CannotStartError(f"{path}: an Ed25519 key is needed, not {type(key).__name__}")
    return key
