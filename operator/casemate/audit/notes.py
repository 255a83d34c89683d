"""Signed notes (C2SP signed-note) with Ed25519, and cosignatures of witnesses (tlog-cosignature).

A note is a text, an empty line, and a line for each signature. A witness signs a checkpoint
together with the time at which it saw it: it never signs two that contradict each other.
"""

import base64
import binascii
import re
from collections.abc import Iterable
from enum import IntEnum
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_DASH = "\u2014 "
_ID = 4
_KEY = 32
_TIME = 8
_LATEST = 2**63 - 1
_COSIGNED = "cosignature/v1\n"
_DECIMAL = re.compile("0|[1-9][0-9]{0,18}")
_NAME = re.compile(r"[^\s+\x00-\x1f\ud800-\udfff]+")
_UNPLAIN = re.compile(r"[\x00-\x09\x0b-\x1f\ud800-\udfff]")
MOST_SIGNATURES = 64
"""More in one note are refused."""
MOST_CHARS = 1 << 20
"""A longer note is refused."""


class FormatError(ValueError):
    """A text has not the form that it must have; says what is wrong."""


class SignatureError(ValueError):
    """A signature is missing, or is not of the key that it names."""


class Kind(IntEnum):
    """What a key signs: its byte in key ids."""

    NOTE = 1
    COSIGNATURE = 4


class Signature(NamedTuple):
    """One signature line."""

    name: str
    key_id: bytes
    raw: bytes


class Verifier:
    """A public key, by the name under which it signs."""

    def __init__(self, name: str, key: Ed25519PublicKey, kind: Kind = Kind.NOTE) -> None:
        """Name a key.

        Raises:
            FormatError: The name is none that notes accept.
        """
        _check_name(name)
        self.name, self.kind = name, kind
        self.public = key.public_bytes_raw()
        self._key = key
        self._material = bytes([kind]) + self.public
        self.key_id = sha256(name.encode() + b"\n" + self._material).digest()[:_ID]

    @classmethod
    def parse(cls, text: str) -> "Verifier":
        """Read a key in the form ``name+id+key``.

        Raises:
            FormatError: It is none, or its id is another key's.
        """
        name, _, rest = text.partition("+")
        hint, _, key = rest.partition("+")
        raw = unbase64(key, "key")
        if len(raw) != 1 + _KEY or raw[0] not in set(Kind):
            raise FormatError(f"key of {name!r}: Ed25519 for notes or cosignatures is accepted")
        found = cls(name, Ed25519PublicKey.from_public_bytes(raw[1:]), Kind(raw[0]))
        if hint != found.key_id.hex():
            raise FormatError(f"key of {name!r} has id {found.key_id.hex()}, not {hint!r}")
        return found

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(self._material).decode()}"

    def signed(self, signature: Signature) -> bool:
        """Whether a signature says that it is of this key."""
        return (signature.name, signature.key_id) == (self.name, self.key_id)

    def verify(self, text: str, line: str) -> int:
        """Verify a signature line of this key.

        Returns:
            The time of a cosignature, in seconds since 1970; 0 for others.

        Raises:
            FormatError: It is no signature line.
            SignatureError: The signature is not of this key over this text.
        """
        signature = parse_line(line)
        if not self.signed(signature):
            raise SignatureError(f"the signature is of {signature.name!r}, not of {self.name!r}")
        time, raw, message = 0, signature.raw, text
        if self.kind is Kind.COSIGNATURE:
            time, raw = int.from_bytes(raw[:_TIME]), raw[_TIME:]
            message = _witnessed(text, time)
        try:
            self._key.verify(raw, message.encode())
        except InvalidSignature:
            raise SignatureError(f"{self.name!r} did not sign this text") from None
        return time


class Signer:
    """A private key, by the name under which it signs.

    A key signs notes or cosigns, as its kind says, so that neither passes for the other.
    """

    def __init__(self, name: str, key: Ed25519PrivateKey, kind: Kind = Kind.NOTE) -> None:
        self._key = key
        self.verifier = Verifier(name, key.public_key(), kind)

    def sign(self, text: str) -> str:
        """Return the signature line of a text.

        Raises:
            ValueError: The key is a witness's, or the text is one that witnesses sign.
        """
        if self.verifier.kind is not Kind.NOTE or text.startswith(_COSIGNED):
            raise ValueError(f"{self.verifier.name!r} signs no such text: it would be a witness's")
        return self._line(self._key.sign(text.encode()))

    def cosign(self, text: str, time: int) -> str:
        """Return the line of a witness that saw a checkpoint at a time (s since 1970).

        Raises:
            ValueError: The key is no witness's, or the time is none.
        """
        if self.verifier.kind is not Kind.COSIGNATURE:
            raise ValueError(f"{self.verifier.name!r} signs notes: it is no witness's key")
        message = _witnessed(text, time)
        return self._line(time.to_bytes(_TIME) + self._key.sign(message.encode()))

    def _line(self, raw: bytes) -> str:
        encoded = base64.b64encode(self.verifier.key_id + raw).decode()
        return f"{_DASH}{self.verifier.name} {encoded}\n"


class Note(NamedTuple):
    """A text, which ends in a line break, and the lines under it."""

    text: str
    lines: tuple[str, ...]

    @classmethod
    def parse(cls, note: str) -> "Note":
        """Read a note; its signatures are not verified.

        Raises:
            FormatError: It is none.
        """
        if len(note) > MOST_CHARS:
            raise FormatError(f"a note of {len(note)} characters; {MOST_CHARS} are accepted")
        plain(note, "a note")
        text, parted, signatures = note.rpartition("\n\n")
        if not parted or not signatures.endswith("\n"):
            raise FormatError("a note is a text, an empty line, and signature lines")
        lines = tuple(f"{line}\n" for line in signatures[:-1].split("\n"))
        if len(lines) > MOST_SIGNATURES:
            raise FormatError(f"{len(lines)} signatures; {MOST_SIGNATURES} are accepted")
        for line in lines:
            parse_line(line)
        return cls(text + "\n", lines)

    def __str__(self) -> str:
        return f"{self.text}\n{''.join(self.lines)}"

    def verify(self, keys: Iterable[Verifier]) -> list[Verifier]:
        """Return the keys that signed, each once; signatures of unknown keys count for nothing.

        Raises:
            SignatureError: A line names one of the keys, which did not make it.
        """
        known = tuple(keys)
        found: dict[Verifier, None] = {}
        for line in self.lines:
            signature = parse_line(line)
            for key in known:
                if key.signed(signature):
                    key.verify(self.text, line)
                    found[key] = None
        return list(found)


def parse_line(line: str) -> Signature:
    """Read a signature line.

    Raises:
        FormatError: It is none.
    """
    name, _, encoded = line.removesuffix("\n").removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not name or not encoded:
        raise FormatError(f"a signature line is a dash, a name and base64; given: {line[:40]!r}")
    _check_name(name)
    raw = unbase64(encoded, f"signature of {name!r}")
    if len(raw) <= _ID:
        raise FormatError(f"signature of {name!r}: {len(raw)} bytes are too few")
    return Signature(name, raw[:_ID], raw[_ID:])


def unbase64(text: str, what: str) -> bytes:
    """Decode base64 that has but one form.

    Raises:
        FormatError: It is none, or another form of the same bytes.
    """
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise FormatError(f"{what}: not base64") from None
    if base64.b64encode(raw).decode() != text:
        raise FormatError(f"{what}: not in base64's one form")
    return raw


def decimal(text: str, what: str) -> int:
    """Read a number below 2^63 that has but one form.

    Raises:
        FormatError: It is none.
    """
    if not _DECIMAL.fullmatch(text) or (found := int(text)) > _LATEST:
        raise FormatError(
            f"{what} {text[:30]!r}: a decimal up to 2^63 - 1 without leading zeroes is accepted"
        )
    return found


def plain(text: str, what: str) -> None:
    """Make sure that a text can be a note's: UTF-8, and no control characters but line breaks.

    Raises:
        FormatError: It cannot.
    """
    found = _UNPLAIN.search(text)
    if found:
        raise FormatError(f"{what} with {found[0]!r}: no control character is accepted")


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise FormatError(
            f"key name {name[:80]!r}: one without spaces, control characters and '+' is accepted"
        )


def _witnessed(text: str, time: int) -> str:
    if not 0 <= time <= _LATEST:
        raise FormatError(f"time {time} of a cosignature: 0 to 2^63 - 1 are accepted")
    return f"{_COSIGNED}time {time}\n{text}"
