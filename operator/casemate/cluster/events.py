"""Kubernetes Events about repairs and terms: who changed what, in a bounded number."""

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from casemate.api.conditions import Reason
from casemate.cluster.client import Client
from casemate.cluster.errors import Error
from casemate.cluster.glass import Use
from casemate.cluster.kinds import EVENT, MODEL_DEPLOYMENT
from casemate.core import contest
from casemate.core.notices import Notice
from casemate.core.observed import Observed, Repair

logger = logging.getLogger(__name__)

_NOTE_CHARACTERS = 1024
"""Longest note that events.k8s.io/v1 takes."""

_PER_MINUTE = 30
"""Most Events a minute over all deployments: a fight over fields must not flood the API server.

It counts for each action by itself: terms that change for many deployments at once must not crowd
out who edited a policy, nor a stop of all of them what the terms say. The counter
`casemate_drift_repairs_total` and the log count every repair.
"""
_OF_STOPS = {Reason.STOPPED, Reason.NOT_STOPPED, Reason.STOPS_UNKNOWN}


class Recorder:
    """Posts Events in the background: a repair never waits for its report."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._recent: dict[str, list[datetime]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def repaired(self, observed: Observed, repair: Repair) -> None:
        """Says that a child was restored, and by whose hand it had changed where that is known."""
        who = f" by {', '.join(repair.managers)}" if repair.managers else ""
        what = f": {', '.join(repair.fields)}" if repair.fields else ""
        note = f"{repair.ref} was {repair.action}{who} and is restored{what}"
        self._warn(observed, "DriftRepaired", "Restore", note)

    def put_off(self, observed: Observed, repair: Repair) -> None:
        """Says that a repair waits, as somebody undoes each; once for each contest."""
        self._warn(observed, Reason.CONTESTED, "Wait", contest.words(repair))

    def noticed(self, observed: Observed, notice: Notice) -> None:
        """Says what changed about terms (a refusal, a day less of a countdown) or stops."""
        action = "Stop" if notice.reason in _OF_STOPS else "Judge"
        self._warn(observed, notice.reason, action, notice.message)

    def broke_glass(self, observed: Observed, use: Use) -> None:
        """Says who wrote a child by the right to break the glass, and why.

        Never left out: each costs a person a write, and repairs must not crowd it out.
        """
        note = f"{use.ref} was written by breaking the glass: {use.note}"
        logger.warning("%s/%s: BrokenGlass: %s", observed.namespace, observed.name, note)
        self._post(observed, ("BrokenGlass", "Notice", note), datetime.now(UTC))

    def _warn(self, observed: Observed, reason: str, action: str, note: str) -> None:
        logger.warning("%s/%s: %s: %s", observed.namespace, observed.name, reason, note)
        now = datetime.now(UTC)
        recent = [t for t in self._recent.get(action, ()) if now - t < timedelta(minutes=1)]
        if len(recent) < _PER_MINUTE:
            recent.append(now)
            self._post(observed, (reason, action, note), now)
        self._recent[action] = recent

    def _post(self, observed: Observed, said: tuple[str, str, str], now: datetime) -> None:
        reason, action, note = said
        body = {
            "apiVersion": EVENT.api_version,
            "kind": EVENT.kind,
            "metadata": {
                "generateName": f"{observed.name}-",
                "namespace": observed.namespace,
            },
            "eventTime": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "type": "Warning",
            "reason": reason,
            "action": action,
            "note": note[:_NOTE_CHARACTERS],
            "reportingController": "casemate.dev/operator",
            "reportingInstance": "casemate",
            "regarding": {
                "apiVersion": MODEL_DEPLOYMENT.api_version,
                "kind": MODEL_DEPLOYMENT.kind,
                "name": observed.name,
                "namespace": observed.namespace,
                "uid": observed.uid,
            },
        }
        task = asyncio.create_task(self._send(body))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, body: Mapping[str, object]) -> None:
        try:
            await self._client.create(EVENT, body)
        except Error as error:
            logger.info("an Event was not posted: %s", error)
