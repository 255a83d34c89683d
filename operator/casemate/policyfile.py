"""The policy file of a gateway: what an agreement says about its guard.

The operator writes it and the gateway reads it. It is JSON with one meaning only: a field that is
not known, stands twice or has another type refuses the file, since a term that is overlooked is one
that is not kept.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from casemate.audit import sealing

T = TypeVar("T")

MAX_BYTES = 1 << 20
"""What a ConfigMap holds."""
VERSION = 1
HOLD, REFUSE = "Hold", "Refuse"
_DIGEST_LENGTH = len("sha256:") + 64


class PolicyFileError(Exception):
    """A policy file that cannot be used, and why."""


@dataclass(frozen=True, slots=True)
class LineRule:
    """One red line.

    Attributes:
        id: Its name.
        verdict: "Hold" or "Refuse".
        patterns: RE2 patterns that find it, beside what the guard finds itself.
    """

    id: str
    verdict: str
    patterns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class QuotaRule:
    """What one caller may use within a window, in seconds; None is no limit."""

    window: int
    requests: int | None = None
    tokens: int | None = None
    persons: int | None = None


@dataclass(frozen=True, slots=True)
class DetectorRule:
    """A guardrail container that must agree too."""

    name: str
    port: int
    detector: str


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """All that the file says.

    Attributes:
        digest: The bundle that must judge, ``sha256:…``; any if None.
        minimum_version: The oldest bundle that may, as YYYYMMDD; any if None.
        lines: Red lines that are tightened or added.
        uncovered: "Hold" or "Refuse", for text in a language without figures.
        instruction: What is put before every conversation; nothing if empty.
        quotas: Limits for each caller, if there are any.
        detectors: Guardrail containers that must agree too.
        seal_to: Key that contents are sealed to for the record; none are kept if None.
    """

    digest: str | None = None
    minimum_version: int | None = None
    lines: tuple[LineRule, ...] = ()
    uncovered: str = HOLD
    instruction: str = ""
    quotas: QuotaRule | None = None
    detectors: tuple[DetectorRule, ...] = ()
    seal_to: X25519PublicKey | None = None


def parse(raw: bytes) -> PolicyFile:
    """Read a policy file.

    Raises:
        PolicyFileError: Says which field is wrong and what is accepted.
    """
    if len(raw) > MAX_BYTES:
        raise PolicyFileError(f"larger than {MAX_BYTES} bytes")
    try:
        value = json.loads(raw.decode(), object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise PolicyFileError(f"not JSON: {error}") from None
    top = _Fields("", value)
    if top.number("version", 1, least=1) != VERSION or "version" not in value:
        raise PolicyFileError(f"version must be {VERSION}")
    bundle = _Fields("bundle", top.take("bundle", dict, {}))
    policy = PolicyFile(
        digest=_digest(bundle.take("digest", str, None)),
        minimum_version=bundle.number("minimumVersion", None),
        lines=top.each("lines", _line),
        uncovered=_verdict("uncovered", top.take("uncovered", str, HOLD)),
        instruction=top.take("systemInstruction", str, "").strip(),
        quotas=_quotas(top.take("quotas", dict, None)),
        detectors=top.each("detectors", _detector),
        seal_to=_key("sealTo", top.take("sealTo", str, None)),
    )
    bundle.end()
    top.end()
    return policy


class _Fields:
    """The fields of one object; what is not taken by the end is not known."""

    def __init__(self, path: str, value: Any) -> None:
        if type(value) is not dict:
            raise PolicyFileError(f"{path or 'the file'} must be an object")
        self._path = path
        self._value = dict(value)
        self._known: list[str] = []

    def take(self, name: str, kind: type, default: Any) -> Any:
        self._known.append(name)
        value = self._value.pop(name, default)
        if value is not default and type(value) is not kind:
            raise PolicyFileError(f"{self._at(name)} must be a JSON value of type {kind.__name__}")
        return value

    def text(self, name: str) -> str:
        value = self.take(name, str, "")
        if not value:
            raise PolicyFileError(f"{self._at(name)} must be a string that is not empty")
        return str(value)

    def number(self, name: str, default: int | None, least: int = 1) -> int | None:
        value: int | None = self.take(name, int, default)
        if value is not None and value < least:
            raise PolicyFileError(f"{self._at(name)} must be at least {least}")
        return value

    def each(self, name: str, read: "Callable[[_Fields], T]") -> tuple[T, ...]:
        items = self.take(name, list, [])
        found = []
        for place, item in enumerate(items):
            fields = _Fields(f"{self._at(name)}[{place}]", item)
            found.append(read(fields))
            fields.end()
        return tuple(found)

    def end(self) -> None:
        for name in self._value:
            known = ", ".join(self._known)
            raise PolicyFileError(f"unknown field {self._at(name)!r}; accepted: {known}")

    def _at(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name


def _line(fields: _Fields) -> LineRule:
    patterns = fields.take("patterns", list, [])
    if not all(type(pattern) is str and pattern for pattern in patterns):
        raise PolicyFileError("patterns must be strings that are not empty")
    verdict = _verdict("verdict", fields.take("verdict", str, ""))
    return LineRule(fields.text("id"), verdict, tuple(patterns))


def _detector(fields: _Fields) -> DetectorRule:
    port = fields.number("port", None)
    if port is None or port >= 1 << 16:
        raise PolicyFileError("a detector's port must be from 1 to 65535")
    return DetectorRule(fields.text("name"), port, fields.text("detectorId"))


def _quotas(value: Mapping[str, Any] | None) -> QuotaRule | None:
    if value is None:
        return None
    fields = _Fields("quotas", value)
    window = fields.number("windowSeconds", None)
    if window is None:
        raise PolicyFileError("quotas.windowSeconds is required")
    limits = [fields.number(name, None) for name in ("requests", "tokens", "persons")]
    fields.end()
    return QuotaRule(window, *limits)


def _verdict(name: str, value: str) -> str:
    if value not in {HOLD, REFUSE}:
        raise PolicyFileError(f"{name} must be {HOLD} or {REFUSE}")
    return value


def _digest(value: str | None) -> str | None:
    if value is not None and not is_digest(value):
        raise PolicyFileError("bundle.digest must be sha256: and 64 hexadecimal digits")
    return value


def _key(name: str, value: str | None) -> X25519PublicKey | None:
    if value is None:
        return None
    try:
        return sealing.recipient(value)
    except sealing.SealError as error:
        raise PolicyFileError(f"{name} must be an X25519 public key in PEM: {error}") from None


def is_digest(text: str) -> bool:
    """Whether a text is a digest, ``sha256:`` and 64 hexadecimal digits in lower case."""
    hexadecimal = set(text[7:]) <= set("0123456789abcdef")
    return len(text) == _DIGEST_LENGTH and text.startswith("sha256:") and hexadecimal


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a field stands twice in one object")
    return value


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number in JSON")
