"""The Lease by which one replica leads: read, acquired, renewed, given back."""

import asyncio
import logging
import random
from datetime import UTC, datetime
from typing import Any

from casemate import telemetry
from casemate.cluster.client import Answer, Client
from casemate.cluster.errors import Conflict, Error, Lost, Transient
from casemate.cluster.fence import Fence, now
from casemate.cluster.kinds import LEASE
from casemate.core import election, names
from casemate.core.election import Pace, Step

logger = logging.getLogger(__name__)

NAME = "casemate-operator"

_DRAIN_SECONDS = 0.5
_RELEASE_SECONDS = 1.0
_JITTER = 0.2


class Elector:
    """Takes part in the election.

    Args:
        client: Sends what is about the Lease and nothing else: renewals must not queue behind
            other requests. Its fence is opened for each round.
        fence: Stands before all other writes; open while this replica leads.
        namespace: Where the Lease is.
        me: The identity of this replica; no other process ever has the same.
        pace: The times.
    """

    def __init__(self, client: Client, fence: Fence, namespace: str, me: str, pace: Pace) -> None:
        self._client, self._fence, self._namespace = client, fence, namespace
        self._me, self._pace = me, pace
        self.leading = asyncio.Event()
        """Set while this replica holds the Lease."""
        self._lease: Answer | None = None
        self._observed_at = now()
        self._turn = asyncio.Lock()
        self._resigned = False
        self._current = False
        """Whether the Lease is as this replica wrote it last, as far as is known."""

    async def run(self) -> None:
        """Looks, acquires and renews until cancelled, or until it has resigned.

        Raises:
            Lost: this replica led, and leads no more.
        """
        wait = self._pace.look
        while not self._resigned:
            await asyncio.sleep(wait)
            try:
                await self.round()
                wait = self._wait()
            except Lost:
                raise
            except Error as error:
                logger.warning("the Lease %s could not be read or written: %s", NAME, error)
                wait = min(self._pace.retry, self._left())

    def _wait(self) -> float:
        if self.leading.is_set():
            return min(self._pace.retry, self._left())
        spec = _spec(self._lease)
        until = election.runs_out(spec, self._observed_at, self._pace) - now()
        jitter = random.uniform(1, 1 + _JITTER)  # noqa: S311 - no secret
        return max(min(self._pace.look * jitter, until), 0.0)

    def _left(self) -> float:
        """Seconds for the next renewal; a follower has all the time that a round may take."""
        return max(self._fence.left(), 0.0) if self.leading.is_set() else self._pace.request

    async def round(self) -> None:
        """One look at the Lease, and what follows from it.

        Raises:
            Lost: this replica led, and leads no more.
            Error: the Lease could not be read or written in time.
        """
        async with self._turn:
            if self._resigned:
                return
            seconds = min(self._pace.request, self._left())
            if seconds <= 0:
                raise self._lost(f"it was not renewed for {self._pace.deadline:.1f} s")
            # A round that a pause interrupts must not write after it either.
            self._client.fence.open(now() + seconds)
            try:
                async with asyncio.timeout(seconds):
                    await self._look_and_act()
            except TimeoutError as error:
                raise Transient(f"no answer within {seconds:.1f} s") from error

    async def _look_and_act(self) -> None:
        if not self._current:
            self._observe(await self._client.get(LEASE, self._namespace, NAME))
        await self._act()

    async def _act(self) -> None:
        spec = _spec(self._lease)
        step = election.decide(spec, self._me, now(), self._observed_at, self._pace)
        if step is Step.FOLLOW:
            if self.leading.is_set():
                raise self._lost(f"{election.holder_of(spec)} holds it")
            return
        # Counted from before the request: others count from after it.
        sent, self._current = now(), False
        try:
            await self._write(election.held(spec, self._me, datetime.now(UTC), self._pace))
        except Conflict:
            # Not yet known by whom: the next look tells.
            return
        self._current = True
        self._fence.open(sent + self._pace.deadline)
        if not self.leading.is_set():
            logger.info("%s leads from now on", self._me)
            telemetry.LEADER.set(1)
            self.leading.set()

    def _observe(self, lease: Answer | None) -> None:
        """Takes in the Lease; the time starts anew when its record has changed."""
        if _spec(lease) != _spec(self._lease):
            self._observed_at = now()
        self._lease = lease

    async def _write(self, spec: dict[str, Any]) -> None:
        """Writes the record; of several replicas that saw the same version, one succeeds."""
        if self._lease is None:
            meta = {
                "name": NAME,
                "namespace": self._namespace,
                "labels": {names.MANAGED_BY_LABEL: names.MANAGED_BY},
            }
            kind = {"apiVersion": LEASE.api_version, "kind": LEASE.kind}
            self._lease = await self._client.create(LEASE, {**kind, "metadata": meta, "spec": spec})
        else:
            self._lease = await self._client.replace(LEASE, {**self._lease, "spec": spec})

    def _lost(self, why: str) -> Lost:
        self._fence.close()
        telemetry.LEADER.set(0)
        return Lost(f"{self._me} leads no more: {why}")

    async def resign(self) -> None:
        """Lets no write begin any more, and gives the Lease back when the last one has ended."""
        async with self._turn:
            self._resigned = True
            mine = self._fence.left() > 0
            await self._fence.drain(_DRAIN_SECONDS)
            spec = _spec(self._lease)
            if mine and spec is not None:
                await self._release(election.released(spec, datetime.now(UTC)))

    async def _release(self, spec: dict[str, Any]) -> None:
        telemetry.LEADER.set(0)
        self._client.fence.open(now() + _RELEASE_SECONDS)
        try:
            async with asyncio.timeout(_RELEASE_SECONDS):
                await self._write(spec)
        except (Error, TimeoutError) as error:
            logger.warning("the Lease %s was not given back, and runs out: %s", NAME, error)


def _spec(lease: Answer | None) -> dict[str, Any] | None:
    return None if lease is None else lease.get("spec", {})
