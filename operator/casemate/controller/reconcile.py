"""One pass: gather → plan → apply → status. It decides nothing itself."""

import logging
import time
from collections.abc import Collection
from datetime import UTC, datetime

from casemate import telemetry
from casemate.cluster import apply, events
from casemate.cluster.client import Client
from casemate.cluster.contests import Contests
from casemate.cluster.errors import Stalled, Transient, Waiting
from casemate.cluster.keys import Key
from casemate.cluster.store import Store
from casemate.core.notices import notices
from casemate.core.observed import Observed, Ref, Repair, Settings, Trouble
from casemate.core.plan import Plan, plan

logger = logging.getLogger(__name__)

_LOOK_AGAIN_SECONDS = 60.0
"""When to try again what the API server refused for good: nobody tells us about a changed quota."""

_ORPHANS_SECONDS = 2.0
"""When to look once more at what a deleted deployment left behind."""


class Reconciler:
    """Looks at one ModelDeployment at a time, and brings the cluster to what it asks for."""

    def __init__(self, client: Client, store: Store, settings: Settings) -> None:
        self._client, self._store, self._settings = client, store, settings
        self._recorder = events.Recorder(client)
        self._contests = Contests()

    async def __call__(self, key: Key) -> float | None:
        """One pass; returns the seconds until the next look, or None.

        Raises:
            Transient: the API server could not answer; the queue tries again with back-off.
        """
        started = time.monotonic()
        try:
            result, requeue = await self._pass(key)
        except Waiting as waiting:
            result, requeue = "waiting", waiting.after
        except Stalled as stalled:
            # Even the report was refused, or a removal: there is no status to say it in.
            _count(key, stalled)
            result, requeue = "stalled", _LOOK_AGAIN_SECONDS
        telemetry.RECONCILE_TOTAL.labels(result).inc()
        telemetry.RECONCILE_DURATION.observe(time.monotonic() - started)
        return requeue

    async def _pass(self, key: Key) -> tuple[str, float | None]:
        observed = self._gather(key)
        if observed is None:
            self._contests.forget(key)
            return await self._gone(key)
        if "deletionTimestamp" in observed.body["metadata"]:
            return "noop", None
        first = plan(observed, self._settings, datetime.now(UTC))
        for repair in self._contests.put_off(key, first.put_off):
            telemetry.CONTESTS.labels(repair.ref.kind).inc()
            self._recorder.put_off(observed, repair)
        trouble = await self._carry_out(key, observed, first)
        if not first.writes and trouble is None:
            await self._write_status(observed, first)
            return "changed" if first.status else "noop", first.requeue
        return await self._report(key, trouble, before=observed.children.keys())

    def _gather(self, key: Key, trouble: Trouble | None = None) -> Observed | None:
        observed = self._store.gather(key, trouble, self._contests.of(key))
        self._tell(key, observed)
        return observed

    def _tell(self, key: Key, observed: Observed | None) -> None:
        """Counts and reports who broke the glass; of a deployment that is gone, in the log."""
        for use in self._store.glass.take(key):
            telemetry.BREAK_GLASS.labels(use.ref.kind).inc()
            if observed is None:
                logger.warning("%s, which is gone: glass broken at %s: %s", key, use.ref, use.note)
            else:
                self._recorder.broke_glass(observed, use)

    async def _carry_out(self, key: Key, observed: Observed, first: Plan) -> Trouble | None:
        repairs = {repair.ref: repair for repair in first.repairs}

        def written(ref: Ref, existed: bool) -> None:  # noqa: FBT001 - a callback's signature
            if repair := repairs.get(ref):
                self._contests.repaired(key, ref)
                self._repaired(observed, repair, existed=existed)

        try:
            await apply.carry_out(self._client, self._store, observed, first, written)
        except Stalled as stalled:
            _count(key, stalled)
            return Trouble(stalled.reason, str(stalled))
        return None

    def _repaired(self, observed: Observed, repair: Repair, *, existed: bool) -> None:
        """Counts and reports a repair that was made, never one that was only tried."""
        if existed:
            # The watches show a child that lost its labels as deleted.
            repair = repair._replace(action="edited")
        telemetry.DRIFT_REPAIRS.labels(repair.ref.kind, repair.action).inc()
        self._recorder.repaired(observed, repair)

    async def _report(
        self, key: Key, trouble: Trouble | None, before: Collection[Ref]
    ) -> tuple[str, float | None]:
        """Writes the status from what is seen now, after the writes."""
        observed = self._gather(key, trouble)
        if observed is None:
            return "changed", None
        second = plan(observed, self._settings, datetime.now(UTC))
        await self._write_status(observed, second)
        if trouble:
            return "stalled", _LOOK_AGAIN_SECONDS
        if any(one.ref not in before for stage in second.stages for one in stage):
            # A child that had lost its labels is seen only now, with whatever else was done to it;
            # the watches may have nothing newer to show of it.
            return "changed", 0.0
        return "changed", second.requeue

    async def _write_status(self, observed: Observed, decided: Plan) -> None:
        await apply.write_status(self._client, self._store, observed, decided)
        if decided.status is not None:
            before = observed.body.get("status", {})
            for notice in notices(before, decided.status):
                self._recorder.noticed(observed, notice)

    async def _gone(self, key: Key) -> tuple[str, float | None]:
        if await apply.prune_orphans(self._client, self._store, key):
            return "changed", _ORPHANS_SECONDS
        return "noop", None


def _count(key: Key, stalled: Stalled) -> None:
    telemetry.RECONCILE_ERRORS.labels("stalled").inc()
    logger.warning("%s is stalled: %s", key, stalled)


def failed(key: Key, error: Exception) -> float | None:
    """Counts and logs what a pass raised; returns the least wait that the server asked for."""
    if isinstance(error, Transient):
        telemetry.RECONCILE_ERRORS.labels("transient").inc()
        logger.info("%s: tried again later: %s", key, error)
        return error.after
    telemetry.RECONCILE_ERRORS.labels("bug").inc()
    logger.error("%s: a bug, tried again later", key, exc_info=error)
    return None
