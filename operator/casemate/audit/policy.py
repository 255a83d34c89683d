"""Whom and what an inspector believes: the file that they bring along, as JSON.

A bundle has one too, which says what the cluster says of itself. It proves nothing by itself: a
forger writes another. An inspector keeps a copy from the day on which they had reason to trust it.
"""

from typing import Annotated

from pydantic import Field, ValidationError

from casemate.audit.canonical import canonical_record
from casemate.audit.fields import Digest, Strict, Text
from casemate.audit.notes import FormatError, Verifier
from casemate.audit.receipts import Trust
from casemate.audit.vkeys import ROLES, public

MOST_BYTES = 1 << 20


class PolicyError(ValueError):
    """A policy that cannot be used; names the field."""


_Keys = Annotated[tuple[Text, ...], Field(max_length=1000, strict=False)]
_Digests = Annotated[tuple[Digest, ...], Field(strict=False)]


class Policy(Strict):
    """The keys that count, and how many witnesses must have seen a log."""

    logs: Annotated[_Keys, Field(min_length=1)]
    """Keys of logs (vkeys); each log of a bundle needs one, and each of these a log."""
    witnesses: _Keys = ()
    """Keys of witnesses (vkeys)."""
    quorum: Annotated[int, Field(ge=0, le=100)] = 0
    """How many witnesses, none of them the log's own, must have signed its last checkpoint."""
    unwitnessed_ms: Annotated[int, Field(ge=0, le=86_400_000)] = 0
    """How much of a log's end may be without so many: a log in use is shown to them every few
    seconds. 0: its last checkpoint must have them."""
    agreements: _Digests | None = None
    """Digests of agreements that may stand behind a request; null: those in the bundle."""
    guard_bundles: _Digests | None = None
    """Digests of bundles that may judge; null: those that the bundle names."""
    skew_ms: Annotated[int, Field(ge=0, le=600_000)] = 2000
    """By how much the clocks of two replicas may differ."""

    def trust(self) -> Trust:
        """Return the keys.

        Raises:
            PolicyError: One is none.
        """
        return Trust(
            tuple(_key("logs", "log", one) for one in self.logs),
            tuple(_key("witnesses", "witness", one) for one in self.witnesses),
            self.quorum,
        )


def parse(raw: bytes) -> Policy:
    """Read a policy.

    Raises:
        PolicyError: It is none.
    """
    if len(raw) > MOST_BYTES:
        raise PolicyError(f"{len(raw)} bytes were given; up to {MOST_BYTES} are accepted")
    try:
        policy = Policy.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise PolicyError(f"{field}: {first['msg']}" if field else first["msg"]) from error
    policy.trust()
    return policy


def encode(policy: Policy) -> bytes:
    """Return a policy as the file that `parse` reads."""
    return canonical_record(policy.model_dump(mode="json", exclude_none=True)) + b"\n"


def _key(field: str, role: str, text: str) -> Verifier:
    try:
        return public(text, ROLES[role])
    except FormatError as error:
        raise PolicyError(f"{field}: {error}") from error
