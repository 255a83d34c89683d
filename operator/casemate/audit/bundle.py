"""The exported evidence: which files it has, and how each is read, line by line.

    bundle.json                   what there is
    policy.json                   keys, as the cluster tells them
    agreements/<sha256>.json      terms, by their digest
    logs/<pod>/records.jsonl      every leaf from the first, a line each
    logs/<pod>/hashes             their hashes, 32 bytes each: they show which one was changed
    logs/<pod>/checkpoints.jsonl  signed notes as JSON strings, by size; the last covers all
    logs/<pod>/contents.jsonl     sealed contents, where they were asked for

A source of files is a directory or a tar; nothing here opens one. Every reader is bounded: whoever
made a bundle may be the one whom it is to convict.
"""

import base64
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, BinaryIO, Literal, Protocol, TypeVar

import orjson
from pydantic import BaseModel, Field, ValidationError

from casemate.audit import policy
from casemate.audit.canonical import canonical_record
from casemate.audit.fields import Digest, Index, Name, Strict
from casemate.audit.notes import MOST_CHARS
from casemate.audit.records import MOST_BYTES

FORMAT = "casemate.dev/evidence/v1"
MANIFEST, POLICY = "bundle.json", "policy.json"
MOST_CONTENT = 64 << 20
"""Longest line of sealed content, in bytes."""
MOST_FILE = 1 << 24
"""Largest file that is read whole."""
_NOTE_LINE = 2 * MOST_CHARS
_SPELLING = "not in the one form that this format has"


class BundleError(ValueError):
    """A bundle that cannot be read.

    Attributes:
        file: Which part of it.
    """

    def __init__(self, file: str, told: str) -> None:
        super().__init__(f"{file}: {told}" if file else told)
        self.file = file


class Source(Protocol):
    """Where files come from; opening one that is not there, or reading it, raises BundleError."""

    def names(self) -> Collection[str]:
        """Return the names of all files."""

    def open(self, name: str) -> BinaryIO:
        """Open a file; several are read at the same time."""


class Manifest(Strict):
    """What a bundle says that it has."""

    format: Literal["casemate.dev/evidence/v1"]
    logs: Annotated[tuple[Name, ...], Field(min_length=1, max_length=1000, strict=False)]
    """Pods whose logs these are."""
    contents: bool
    """Whether sealed contents were exported."""
    guard_bundles: Annotated[tuple[Digest, ...], Field(max_length=10_000, strict=False)]
    """Digests of bundles that the cluster knows."""


class Content(Strict):
    """One sealed content."""

    seq: Index
    part: Literal["request", "response"]
    sealed: bytes


def record_file(pod: str) -> str:
    """Return the file of a log's leaves."""
    return f"logs/{pod}/records.jsonl"


def hash_file(pod: str) -> str:
    """Return the file of a log's leaf hashes."""
    return f"logs/{pod}/hashes"


def checkpoint_file(pod: str) -> str:
    """Return the file of a log's checkpoints."""
    return f"logs/{pod}/checkpoints.jsonl"


def content_file(pod: str) -> str:
    """Return the file of a log's sealed contents."""
    return f"logs/{pod}/contents.jsonl"


def agreement_file(digest: str) -> str:
    """Return the file of an agreement's terms."""
    return f"agreements/{digest.removeprefix('sha256:')}.json"


def manifest_bytes(manifest: Manifest) -> bytes:
    """Return the file that says what there is."""
    return canonical_record(manifest.model_dump(mode="json")) + b"\n"


def checkpoint_line(note: str) -> bytes:
    """Return the line of a signed note."""
    return orjson.dumps(note) + b"\n"


def content_line(seq: int, part: str, sealed: bytes) -> bytes:
    """Return the line of a sealed content."""
    encoded = base64.b64encode(sealed).decode()
    return canonical_record({"seq": seq, "part": part, "sealed": encoded}) + b"\n"


@dataclass(frozen=True, slots=True)
class Bundle:
    """An exported bundle, opened."""

    source: Source
    manifest: Manifest
    policy: policy.Policy

    @classmethod
    def read(cls, source: Source) -> "Bundle":
        """Read what there is.

        Raises:
            BundleError: It is no bundle of this format.
        """
        raw = whole(source, MANIFEST)
        manifest = _model(Manifest, raw)
        if manifest_bytes(manifest) != raw:
            raise BundleError(MANIFEST, _SPELLING)
        if len(set(manifest.logs)) != len(manifest.logs):
            raise BundleError(MANIFEST, "logs: one is named twice")
        try:
            keys = policy.parse(whole(source, POLICY))
        except policy.PolicyError as error:
            raise BundleError(POLICY, str(error)) from error
        return cls(source, manifest, keys)

    def leaves(self, pod: str) -> Iterator[bytes]:
        """Yield a log's leaves from the first."""
        return lines(self.source, record_file(pod), MOST_BYTES)

    def notes(self, pod: str) -> Iterator[str]:
        """Yield a log's signed notes, as they stand there."""
        for line in lines(self.source, checkpoint_file(pod), _NOTE_LINE):
            yield _string(checkpoint_file(pod), line)

    def contents(self, pod: str) -> Iterator[Content]:
        """Yield a log's sealed contents."""
        name = content_file(pod)
        if name not in self.source.names():
            return
        for line in lines(self.source, name, MOST_CONTENT):
            yield _content(name, line)

    def files(self) -> set[str]:
        """Return the names that a file may have, but agreements."""
        named = {MANIFEST, POLICY}
        for pod in self.manifest.logs:
            named |= {record_file(pod), hash_file(pod), checkpoint_file(pod), content_file(pod)}
        return named


def whole(source: Source, name: str) -> bytes:
    """Return a small file.

    Raises:
        BundleError: It is not there, or is large.
    """
    with source.open(name) as file:
        raw = file.read(MOST_FILE + 1)
    if len(raw) > MOST_FILE:
        raise BundleError(name, f"more than {MOST_FILE} bytes")
    return raw


def lines(source: Source, name: str, most: int) -> Iterator[bytes]:
    """Yield the lines of a file, without their ends.

    Raises:
        BundleError: A line is too long, or the last has no end.
    """
    with source.open(name) as file:
        number = 0
        while line := file.readline(most + 1):
            if line[-1] != 0x0A:  # noqa: PLR2004  a line feed
                raise BundleError(name, f"line {number + 1} is cut short, or longer than {most}")
            yield line[:-1]
            number += 1


_Model = TypeVar("_Model", bound=BaseModel)


def _model(kind: type[_Model], raw: bytes) -> _Model:
    try:
        return kind.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise BundleError(MANIFEST, f"{field}: {first['msg']}") from error


def _string(name: str, line: bytes) -> str:
    try:
        found: Any = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise BundleError(name, f"not JSON: {error}") from error
    if not isinstance(found, str):
        raise BundleError(name, "a line is a JSON string")
    if checkpoint_line(found)[:-1] != line:
        raise BundleError(name, _SPELLING)
    return found


def _content(name: str, line: bytes) -> Content:
    try:
        found = orjson.loads(line)
        found["sealed"] = base64.b64decode(found["sealed"], validate=True)
        content = Content.model_validate(found)
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(name, f"no sealed content: {error}") from error
    if content_line(content.seq, content.part, content.sealed)[:-1] != line:
        raise BundleError(name, _SPELLING)
    return content
