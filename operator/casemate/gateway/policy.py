"""What is in force: loaded once, by digest, and watched for as long as the gateway serves.

The pod says by digest which policy file it stands for. Content with another digest never comes
into force: it belongs to the next pod, which the operator rolls out together with it. A difference
that lasts means that the roll-out does not come, and then this gateway stops rather than serve by
old terms.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from casemate.gateway.errors import Cause, CheckUnavailableError
from casemate.gateway.guard import InForce
from casemate.gateway.guardmetrics import LOADED, REFUSED, GuardMetrics
from casemate.gateway.settings import Pinned
from casemate.gateway.worker import Lane
from casemate.policyfile import MAX_BYTES

log = logging.getLogger(__name__)

POLL_SECONDS = 2.0
LOAD_PATIENCE_SECONDS = 60.0


class LoadError(Exception):
    """A policy or bundle that cannot come into force, and why."""


Load = Callable[[bytes | None], InForce]
"""Makes what is in force from the content of a policy file, or without one; raises LoadError."""


class Keeper:
    """Holds what is in force."""

    def __init__(
        self,
        pinned: Pinned | None,
        load: Load,
        metrics: GuardMetrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with nothing in force.

        Args:
            pinned: The policy file; without one the built-in red lines are in force.
            load: Reads and builds all of it; runs in a thread.
            metrics: Where changes are counted.
            clock: Monotonic seconds.
        """
        self._pinned = pinned
        self._load = load
        self._metrics = metrics
        self._clock = clock
        self._lane = Lane("guard-load", LOAD_PATIENCE_SECONDS)
        self._force: InForce | None = None
        self._tried: str | None = None
        self._trouble = "the guard is loading"
        self._differs_since: float | None = None
        self._seen = ""

    def __call__(self) -> InForce:
        """Return what is in force.

        Raises:
            CheckUnavailableError: Nothing is yet, or it is stale.
        """
        if self._force is None:
            raise CheckUnavailableError(Cause.LOADING)
        if self._stale:
            raise CheckUnavailableError(Cause.STALE)
        return self._force

    @property
    def problem(self) -> str | None:
        """Why nothing may be answered now, or None."""
        if self._force is None:
            return self._trouble
        if self._stale:
            return "the policy file differs from the pinned digest for too long"
        return None

    @property
    def _stale(self) -> bool:
        if self._pinned is None or self._differs_since is None:
            return False
        return self._clock() - self._differs_since >= self._pinned.stale_timeout

    async def run(self) -> None:
        """Load as soon as it can be, then watch, for ever."""
        while True:
            try:
                await self.look()
            except Exception:
                # Nothing new came into force; what is, or is not, stays so, and watching goes on.
                log.exception("looking at the policy failed")
            await asyncio.sleep(POLL_SECONDS)

    async def look(self) -> None:
        """Look at the file once; load it if it is the pinned one and nothing is in force."""
        if self._pinned is None:
            if self._force is None:
                await self._try(None, "")
            return
        raw = _read(self._pinned.path)
        digest = "none" if raw is None else digest_of(raw)
        if raw is not None and digest == self._pinned.digest:
            self._same(digest)
            if self._force is None:
                await self._try(raw, digest)
        else:
            self._differs(digest)

    def _same(self, digest: str) -> None:
        if self._differs_since is not None:
            log.info("the policy file is the pinned one again")
            if self._force is not None:
                self._metrics.reloads.labels(LOADED).inc()
        self._differs_since = None
        self._seen = digest

    def _differs(self, digest: str) -> None:
        if self._differs_since is None:
            self._differs_since = self._clock()
        if digest != self._seen:
            self._seen = digest
            self._metrics.reloads.labels(REFUSED).inc()
            log.error("policy file: %s is not the pinned digest; not loaded", digest)
        if self._force is None:
            self._trouble = "the policy file is missing, or is not the one with the pinned digest"

    async def _try(self, raw: bytes | None, digest: str) -> None:
        if self._tried == digest:
            return  # the same content would fail in the same way
        try:
            force = await self._lane.run(partial(_attempt, self._load, raw))
        except CheckUnavailableError as error:
            self._trouble = f"the guard cannot be loaded: {error.cause}"
            self._metrics.reloads.labels(REFUSED).inc()
            return  # out of memory, perhaps: the next time may do
        self._tried = digest
        self._metrics.reloads.labels(LOADED if type(force) is InForce else REFUSED).inc()
        if type(force) is not InForce:
            self._trouble = f"the guard cannot be loaded: {force}"
            log.error("%s", self._trouble)
            return
        self._force = force
        self._metrics.in_force(force.digest, force.version)
        log.info("guard in force: bundle %s, version %d", force.digest, force.version)


def digest_of(raw: bytes) -> str:
    """Return the digest of a content, as ``sha256:…``."""
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


def _attempt(load: Load, raw: bytes | None) -> InForce | str:
    try:
        return load(raw)
    except LoadError as error:
        return str(error)


def _read(path: Path) -> bytes | None:
    """Return the content of a file; None if there is none that could be a policy."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError:
        return None
    return raw if len(raw) <= MAX_BYTES else None
