"""How records are made and read: one form in bytes, the leaf that the Merkle tree is over.

What is not known is refused: kinds, fields, types, and every other spelling of the same JSON. So
whoever reads a record again, years later, reads the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self, get_args

import orjson
from pydantic import TypeAdapter, ValidationError

from casemate.audit.canonical import canonical_record
from casemate.audit.kinds import Record, Stamped

MOST_BYTES = 1 << 18
"""Largest record; a usual one has some hundred."""
STAMPED = frozenset(Stamped.model_fields) | {"kind"}
"""Fields that the log itself says."""
_ADAPTER: TypeAdapter[Record] = TypeAdapter(Record)
KINDS = tuple(
    get_args(one.model_fields["kind"].annotation)[0] for one in get_args(get_args(Record)[0])
)
"""All kinds, by name."""
_STAMP = {
    "v": 1,
    "seq": 0,
    "time": "1970-01-01T00:00:00.000Z",
    "boot": "00000000-0000-0000-0000-000000000000",
}
_SHOWN = 80


class RecordError(ValueError):
    """A record that is not accepted.

    Attributes:
        field: Path of the field, such as `request.sha256`; empty: the record as a whole.
    """

    def __init__(self, field: str, told: str) -> None:
        super().__init__(f"{field}: {told}" if field else told)
        self.field = field


@dataclass(frozen=True, slots=True)
class RecordId:
    """Which record: `casemate-warden-0/17` is the one at index 17 of that pod's log."""

    pod: str
    index: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an id.

        Raises:
            ValueError: It is none.
        """
        pod, slash, index = text.rpartition("/")
        plain = index.isascii() and index.isdecimal()
        if not slash or not pod or "/" in pod or not plain or index != str(int(index)):
            raise ValueError(f"record id: {text!r} was given; POD/INDEX is accepted")
        return cls(pod, int(index))

    def __str__(self) -> str:
        """Return it as it stands in the header `Casemate-Decision`."""
        return f"{self.pod}/{self.index}"


def parse(leaf: bytes) -> Record:
    """Read a record.

    Args:
        leaf: Its canonical bytes.

    Raises:
        RecordError: It is of no known kind, a field is not as it must be, or the bytes are not
            the canonical ones.
    """
    if len(leaf) > MOST_BYTES:
        raise RecordError("", f"{len(leaf)} bytes were given; up to {MOST_BYTES} are accepted")
    try:
        found = orjson.loads(leaf)
    except orjson.JSONDecodeError as error:
        raise RecordError("", f"not JSON: {error}") from error
    record = _validated(found)
    if canonical_record(found) != leaf:
        raise RecordError("", "the bytes are not the canonical form (RFC 8785) of what they say")
    return record


def check(kind: str, fields: Mapping[str, Any]) -> None:
    """Make sure that a log may stamp and keep a record.

    Args:
        kind: Its kind.
        fields: All fields but those that the log itself says.

    Raises:
        RecordError: It would not be read again.
    """
    if taken := STAMPED.intersection(fields):
        raise RecordError(min(taken), "was given; the log itself says it")
    _validated({**_STAMP, "kind": kind, **fields})


def encode(record: Record) -> bytes:
    """Return the canonical bytes of a record, which are its leaf; absent fields are left out."""
    return canonical_record(record.model_dump(mode="json", exclude_unset=True))


def _validated(found: Any) -> Record:
    try:
        return _ADAPTER.validate_python(found)
    except ValidationError as error:
        raise _told(error) from error


def _told(error: ValidationError) -> RecordError:
    first = error.errors(include_url=False, include_context=False)[0]
    given = repr(first["input"])
    shown = given if len(given) <= _SHOWN else f"{given[:_SHOWN]}…"
    if first["type"] in {"union_tag_invalid", "union_tag_not_found"}:
        tag = first["input"].get("kind") if isinstance(first["input"], dict) else first["input"]
        return RecordError("kind", f"{tag!r} was given; accepted: {', '.join(KINDS)}")
    path = ".".join(str(part) for part in first["loc"][1:])
    if first["type"] == "missing":
        return RecordError(path, "is missing")
    if first["type"] == "extra_forbidden":
        return RecordError(path, "is not known")
    return RecordError(path, f"{shown} was given; {first['msg'][:1].lower()}{first['msg'][1:]}")
