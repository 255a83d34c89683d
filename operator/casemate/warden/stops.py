"""What is stopped: kill switches in force, and who waits for news of them.

A list every half second is what counts: no watch that hangs can hide a switch.
"""

import asyncio
import logging
import secrets
from collections.abc import Mapping
from typing import Any

from casemate.cluster.errors import Error
from casemate.core.stops import Stop, stop_of
from casemate.stops import KNOWN_SECONDS, STOPPED, UNKNOWN
from casemate.warden.callers import RefusedError
from casemate.warden.log.store import Log
from casemate.warden.metrics import LOOKED, SWITCHES
from casemate.warden.news import News
from casemate.warden.stoprecorder import Recorder, Source
from casemate.warden.switches import Listed

log = logging.getLogger(__name__)
Json = Mapping[str, Any]

LOOK_SECONDS, LOOK_TIMEOUT = 0.5, 1.0
"""From one list to the next, and how long one may take: together well within the 2 s of a stop."""
NOT_KNOWN = "whether anything is stopped is not known: the API server does not tell"
_SCOPES = ("All", "Agreement", "Deployment")
_SERIAL_BITS = 48


class Stops:
    """Knows what is stopped; to be made within a running loop."""

    def __init__(self, source: Source, kept: Log) -> None:
        """Prepare; before the first look everything is stopped.

        Args:
            source: Where switches are.
            kept: The log that says when each came and went.
        """
        self._source = source
        self._recorder = Recorder(source, kept, self._tell)
        self._loop = asyncio.get_running_loop()
        self._looked: float | None = None
        self._listed = Listed({}, "")
        # Never the same as that of another process: what it said is not what this one knows.
        self._news = News(secrets.randbits(_SERIAL_BITS))
        self._told: tuple[bool, dict[str, Any]] = (False, {})

    @property
    def serial(self) -> int:
        """Changes whenever an answer may be another one."""
        return self._news.serial

    @property
    def known(self) -> bool:
        """Whether the newest list is fresh enough."""
        return self._looked is not None and self._loop.time() - self._looked <= KNOWN_SECONDS

    def reason(self, namespace: str, deployment: str, agreement: str) -> str:
        """Return why a deployment gives no answers, or "".

        Args:
            namespace: The deployment's.
            deployment: Its name.
            agreement: Name of the agreement that it is made under.
        """
        if not self.known:
            return NOT_KNOWN
        found = self.stop(namespace, deployment, agreement)
        return found.reason if found else ""

    def stop(self, namespace: str, deployment: str, agreement: str) -> Stop | None:
        """Return the switch that stops a deployment, of those that are known."""
        return stop_of(self._in_force().values(), namespace, deployment, agreement)

    def require_none(self, namespace: str, deployment: str, agreement: str) -> None:
        """Let pass what is not stopped.

        Raises:
            RefusedError: 403, it is stopped; 503, nobody knows whether it is.
        """
        if reason := self.reason(namespace, deployment, agreement):
            known = self.known
            raise RefusedError(403 if known else 503, STOPPED if known else UNKNOWN, reason)

    async def after(self, serial: int, seconds: float) -> None:
        """Wait until there is news since `serial`, or for a while."""
        await self._news.after(serial, seconds)

    async def run(self) -> None:
        """Look and record for ever, first of all at what the log remembers."""
        self._listed = Listed(await self._recorder.remembered(), "")
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look_on())
            group.create_task(self._recorder.run())

    async def _look_on(self) -> None:
        while True:
            began = self._loop.time()
            try:
                async with asyncio.timeout(LOOK_TIMEOUT):
                    listed = await self._source.all()
                self._take(listed, began)
            except (Error, TimeoutError) as error:
                log.warning("kill switches cannot be listed: %s", str(error) or "timeout")
            except Exception:
                # Nothing is answered without a fresh list, but looking must go on.
                log.exception("kill switches cannot be listed")
            self._tell()
            await asyncio.sleep(max(0.0, began + LOOK_SECONDS - self._loop.time()))

    def _take(self, listed: Listed, began: float) -> None:
        before, self._listed, self._looked = self._listed, listed, began
        LOOKED.set_to_current_time()
        self._recorder.take(before, listed)

    def _in_force(self) -> dict[str, Json]:
        return self._recorder.going() | self._listed.switches

    def _tell(self) -> None:
        """Wake whoever waits, where there is news."""
        found = self._in_force()
        state = self.known, {uid: one.get("spec") for uid, one in found.items()}
        if state == self._told:
            return
        self._told = state
        self._news.tell()
        scopes = [(one or {}).get("scope") for one in state[1].values()]
        for scope in _SCOPES:
            SWITCHES.labels(scope).set(scopes.count(scope))
