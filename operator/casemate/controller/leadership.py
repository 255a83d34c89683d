"""What only the leader does. A follower watches and remembers, so that it can go on at once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from casemate.cluster.client import Client
from casemate.cluster.errors import Error
from casemate.cluster.index import Index
from casemate.cluster.keys import Key, TermsKey
from casemate.cluster.resync import unsettled
from casemate.cluster.store import Store
from casemate.controller.authority import CHECK_SECONDS, AuthorityKeeper
from casemate.controller.proofs import Listener
from casemate.controller.queue import WorkQueue

logger = logging.getLogger(__name__)

K = TypeVar("K")

_RETRY_SECONDS = 10.0


class Gate:
    """Lets passes through once it is open.

    Until then they do nothing: keys that pile up in a queue would never go away, and all that a
    leader must look at is in the store.
    """

    def __init__(self) -> None:
        self.opened = asyncio.Event()

    def only(
        self, work: Callable[[K], Awaitable[float | None]]
    ) -> Callable[[K], Awaitable[float | None]]:
        """`work`, where the gate is open."""

        async def pass_through(key: K) -> float | None:
            return await work(key) if self.opened.is_set() else None

        return pass_through


@dataclass(frozen=True)
class Leader:
    """The part of the operator that begins with leading."""

    client: Client
    store: Store
    keeper: AuthorityKeeper
    index: Index
    gate: Gate
    listener: Listener
    deployments: WorkQueue[Key]
    certificates: WorkQueue[Key]
    terms: WorkQueue[TermsKey]

    async def take_over(self) -> None:
        """Begins to lead: everything that is known is looked at once, and costs nothing if right.

        Raises:
            Error: the CA or the index could not be kept.
        """
        await self.keeper.refresh()
        await self.index.publish(self.store.terms.index())
        await self.listener.begin()
        self.store.glass.retell()
        self.gate.opened.set()
        everything = self.store.keys()
        for key in everything:
            self.deployments.add(key)
        for one in self.store.terms.known():
            self.terms.add(one)
        # After the gate: what is asked for from now on, the watches show.
        for request in await unsettled(self.client):
            self.certificates.add(request)

    async def keep_index(self) -> None:
        """Looks at the index now and then, from the take-over on until cancelled."""
        await self.gate.opened.wait()
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            try:
                await self.index.restore()
            except Error as error:
                logger.warning("the index of terms could not be kept, tried again: %s", error)

    async def keep_words(self) -> None:
        """Listens to the warden, from the take-over on until cancelled."""
        await self.gate.opened.wait()
        await self.listener.run()

    async def keep_authority(self) -> None:
        """Looks at the CA now and then, from the take-over on until cancelled."""
        await self.gate.opened.wait()
        wait = CHECK_SECONDS
        while True:
            await asyncio.sleep(wait)
            try:
                wait = await self.keeper.refresh()
            except Error:
                logger.exception("the gateway CA could not be kept")
                wait = _RETRY_SECONDS
