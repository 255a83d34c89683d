"""Contents of requests and answers, sealed to the agreement's key before they leave the gateway.

What is sealed is the salt and the body behind it: the very bytes that the record's digest is of.
An answer that cannot be kept whole does not leave: part of a record would look like all of it.
"""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from casemate.audit import sealing
from casemate.evidence import MOST_CONTENT, SEALED
from casemate.gateway.errors import Reason, Refusal, overloaded

MOST_TOGETHER = 64 << 20
"""Bytes of all answers that are kept at the same time, until their outcomes are on record."""
LARGE = 64 << 10
"""Bytes of a content that is sealed in a thread: more would keep others waiting."""
LARGE_AT_ONCE = 4
"""Large contents on their way to the warden: each stands there sealed, encoded and as JSON."""


@dataclass(slots=True)
class Budget:
    """How much is kept of all answers together."""

    most: int = MOST_TOGETHER
    used: int = 0


@dataclass(slots=True)
class Content:
    """What is kept of one answer, as far as it has left.

    Attributes:
        key: What it is sealed to: the one in force when its request came.
        salt: Stands before request and answer.
        parts: The answer so far.
    """

    key: X25519PublicKey
    salt: bytes
    budget: Budget
    most: int = MOST_CONTENT
    parts: list[bytes] = field(default_factory=list)
    size: int = 0

    def add(self, data: bytes) -> None:
        """Keep bytes that are about to leave.

        Raises:
            Refusal: 400: the answer is too long to be kept; 429: too much is kept already.
        """
        if self.size + len(data) > self.most:
            # No 5xx, which clients take for a passing trouble and ask again.
            raise Refusal(
                400,
                Reason.ANSWER_TOO_LARGE_TO_SEAL,
                f"The agreement of this model wants answers on record, whole, and up to {self.most}"
                " bytes can be; this answer is longer. Ask for a shorter one.",
            )
        if self.budget.used + len(data) > self.budget.most:
            raise overloaded("Too many answers are about to be put on record; try again shortly.")
        self.parts.append(data)
        self.size += len(data)
        self.budget.used += len(data)

    def drop(self) -> None:
        """Keep nothing any more."""
        self.budget.used -= self.size
        self.parts, self.size = [], 0


class Sealing:
    """Seals what goes beside records."""

    def __init__(
        self, seal_to: Callable[[], X25519PublicKey | None], most: int = MOST_CONTENT
    ) -> None:
        """Prepare.

        Args:
            seal_to: Returns the key in force, or None where no content is kept; may refuse.
            most: Bytes of one answer.
        """
        self._seal_to, self._most = seal_to, most
        self._budget = Budget()
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)

    def begin(self, salt: bytes) -> Content | None:
        """Return what keeps the content of a request that begins; None: nothing does.

        Raises:
            Refusal: 503: nothing is in force.
        """
        key = self._seal_to()
        return None if key is None else Content(key, salt, self._budget, self._most)

    @asynccontextmanager
    async def of_request(
        self, intent: dict[str, Any], content: Content | None, payload: bytes
    ) -> AsyncIterator[dict[str, str]]:
        """Name a request's content in its intent; give what goes to the warden beside it."""
        if content is None:
            yield {}
            return
        async with self._sealed(intent["request"], content, (content.salt, payload)) as more:
            yield more

    @asynccontextmanager
    async def of_answer(
        self, outcome: dict[str, Any], content: Content | None
    ) -> AsyncIterator[dict[str, str]]:
        """Name an answer's content in its outcome; give what goes beside it, and forget it then."""
        if content is None:
            yield {}
            return
        try:
            if outcome["response"] is None:
                yield {}
                return
            parts = (content.salt, *content.parts)
            async with self._sealed(outcome["response"], content, parts) as more:
                yield more
        finally:
            content.drop()

    @asynccontextmanager
    async def _sealed(
        self, part: dict[str, Any], content: Content, parts: Sequence[bytes]
    ) -> AsyncIterator[dict[str, str]]:
        if sum(map(len, parts)) <= LARGE:
            part["sealed"], encoded = _seal(parts, content.key)
            yield {SEALED: encoded}
            return
        async with self._large:
            part["sealed"], encoded = await asyncio.to_thread(_seal, parts, content.key)
            yield {SEALED: encoded}


def _seal(parts: Sequence[bytes], key: X25519PublicKey) -> tuple[str, str]:
    """Return the digest of the sealed form, and that form in base64."""
    sealed = sealing.seal(b"".join(parts), key)
    digest = f"sha256:{hashlib.sha256(sealed).hexdigest()}"
    return digest, base64.b64encode(sealed).decode("ascii")
