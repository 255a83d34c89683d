"""One replica of the operator: its parts, and what runs when."""

import asyncio
import logging
from collections.abc import Callable, Coroutine

import kopf

from casemate.cluster.client import Client
from casemate.cluster.errors import Error
from casemate.cluster.index import Index
from casemate.cluster.lease import Elector
from casemate.cluster.resync import resync
from casemate.cluster.store import Store
from casemate.controller import isolation, proofs, switches, watches
from casemate.controller.arguments import Options
from casemate.controller.authority import CHECK_SECONDS, AuthorityKeeper
from casemate.controller.health import Progress
from casemate.controller.leadership import Gate, Leader
from casemate.controller.patience import answered
from casemate.controller.queue import WorkQueue
from casemate.controller.reconcile import Reconciler, failed
from casemate.controller.servers import StateCollector
from casemate.controller.signer import Signer
from casemate.controller.terms import TermsReconciler
from casemate.controller.terms import failed as terms_failed
from casemate.core import names
from casemate.core.observed import Isolation
from casemate.isolation.visits import visit_forever

logger = logging.getLogger(__name__)

_RESYNC_SECONDS = 300.0
_GATHER_SECONDS = 1.0
"""How long to wait for further watches that start over: many do so at once."""
_RETRY_SECONDS = 5.0


class Replica:
    """Watches from its start on, and works while it leads."""

    def __init__(
        self,
        client: Client,
        elector: Elector,
        options: Options,
        where: Isolation,
        progress: Progress,
    ) -> None:
        self._client, self._elector, self._where = client, elector, where
        self._progress = progress
        self._store = store = Store()
        store.terms.doubt = client.clock.doubt
        keeper, index = AuthorityKeeper(client, options.namespace), Index(client)
        gate = Gate()
        self._due = asyncio.Event()
        reconciler = Reconciler(client, store, options.settings(where))
        self._deployments = WorkQueue(gate.only(reconciler), options.workers, failed)
        terms = TermsReconciler(client, store, index, self._deployments.add)
        self._terms = WorkQueue(gate.only(terms), 4, terms_failed)
        signer = Signer(client, store, keeper, options.namespace)
        self._certificates = WorkQueue(gate.only(signer), 4, failed)
        wardens = [
            isolation.warden(one, where.namespace, lambda: keeper.chain_pem().decode())
            for one in where.wardens
        ]
        listener = proofs.Listener(wardens, options.warden_token, store, self._deployments.add)
        self._leader = Leader(
            client=client,
            store=store,
            keeper=keeper,
            index=index,
            gate=gate,
            listener=listener,
            deployments=self._deployments,
            certificates=self._certificates,
            terms=self._terms,
        )
        progress.follow(store, self._deployments)
        self.collector = StateCollector(store, self._deployments, elector.leading.is_set)

    async def prime(self) -> None:
        """Reads everything once, and looks who leads.

        Raises:
            Error: the API server could not answer, or lacks a CustomResourceDefinition.
        """
        await resync(self._client, self._store)
        await self._elector.round()
        self._progress.primed = not self._elector.leading.is_set()

    def running(self) -> list[Coroutine[None, None, None]]:
        """Everything that goes on until it is cancelled."""
        return [
            self._deployments.run(),
            self._certificates.run(),
            self._terms.run(),
            self._resync_forever(),
            switches.tell_of_doubt(self._store, self._deployments.add),
            self._lead(),
            self._leader.keep_authority(),
            self._leader.keep_index(),
            self._leader.keep_words(),
            *(visit_forever(one.address, names.CANARY_PORT) for one in self._where.wardens),
            isolation.until_moved(self._client, self._where, CHECK_SECONDS),
        ]

    def handlers(self, started: Callable[[], None]) -> kopf.OperatorRegistry:
        """What kopf is to call; `started` when it has begun."""
        return watches.registry(
            self._store,
            self._deployments,
            self._certificates,
            self._terms,
            started=started,
            listed=self._due.set,
        )

    async def _lead(self) -> None:
        await self._elector.leading.wait()
        await answered(self._leader.take_over)
        self._progress.primed = True
        await asyncio.Event().wait()

    async def _resync_forever(self) -> None:
        while True:
            await self._until_due()
            try:
                for key in await resync(self._client, self._store):
                    self._deployments.add(key)
                watches.recount(self._store, self._terms)
            except Error as error:
                logger.warning("the lists could not be read, tried again later: %s", error)
                await asyncio.sleep(_RETRY_SECONDS)
                self._due.set()

    async def _until_due(self) -> None:
        """Waits until a watch has started over, or until it is time anyway."""
        timer = asyncio.get_running_loop().call_later(_RESYNC_SECONDS, self._due.set)
        try:
            await self._due.wait()
        finally:
            timer.cancel()
        await asyncio.sleep(_GATHER_SECONDS)
        self._due.clear()
