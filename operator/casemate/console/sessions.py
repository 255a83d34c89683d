"""Who is signed in: tokens are in this process's memory alone, against a random id in a cookie."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256

from casemate.api.persons import Approver
from casemate.console.access import Access

IDLE_SECONDS = 15 * 60.0
"""How long somebody may do nothing; a page that fetches itself anew is nobody's doing."""
LONGEST_SECONDS = 8 * 3600.0
"""How long anybody stays signed in."""
MOST_SESSIONS = 200


class FullError(Exception):
    """There are as many sessions as this process holds."""


def drawn() -> str:
    """Return a random word of 256 bits that fits in cookies and forms."""
    return secrets.token_urlsafe(32)


@dataclass
class Session:
    """Somebody who is signed in.

    Attributes:
        access: The cluster, with their token.
        who: What the API server calls them.
        began: When they signed in, by the clock of `Sessions`.
        used: When they last did something.
        csrf: What each of their forms carries: a page of another site does not know it.
    """

    access: Access
    who: Approver
    began: float
    used: float
    csrf: str = field(default_factory=drawn)


class Sessions:
    """All sessions of this process.

    Args:
        clock: Seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        # By digest: how long a look-up takes tells nothing about an id.
        self._held: dict[str, Session] = {}

    def __len__(self) -> int:
        """How many there are, ended ones that nobody has swept away included."""
        return len(self._held)

    async def open(self, access: Access, who: Approver) -> str:
        """Return the id of a new session.

        Raises:
            FullError: There are too many.
        """
        await self.sweep()
        if len(self._held) >= MOST_SESSIONS:
            raise FullError(f"{MOST_SESSIONS} people are signed in, and more are not accepted")
        now, key = self._clock(), drawn()
        self._held[_digest(key)] = Session(access, who, now, now)
        return key

    def find(self, key: str, *, doing: bool) -> Session | None:
        """Return the session of an id, or None where there is none (any more).

        Args:
            key: The id.
            doing: Whether a person did something, which keeps the session.
        """
        session = self._held.get(_digest(key))
        if session is None or self._ended(session):
            return None
        if doing:
            session.used = self._clock()
        return session

    async def close(self, key: str) -> None:
        """End a session, and forget its token."""
        session = self._held.pop(_digest(key), None)
        if session is not None:
            await session.access.close()

    async def sweep(self) -> None:
        """Forget all that have ended."""
        for key in [key for key, one in self._held.items() if self._ended(one)]:
            await self._held.pop(key).access.close()

    async def close_all(self) -> None:
        """Forget all."""
        while self._held:
            await self._held.popitem()[1].access.close()

    def _ended(self, session: Session) -> bool:
        now = self._clock()
        idle, age = now - session.used, now - session.began
        return idle >= IDLE_SECONDS or age >= LONGEST_SECONDS


def _digest(key: str) -> str:
    return sha256(key.encode(errors="replace")).hexdigest()
