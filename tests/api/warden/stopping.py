"""Kill switches on a real API server, and a warden's look at them that can be started anew."""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from typing_extensions import override

from api.warden.looking import ended, looked
from casemate.audit.records import parse
from casemate.cluster.client import Client
from casemate.core.names import LIFT_ANNOTATION
from casemate.warden.log.stamp import SystemClock
from casemate.warden.log.store import Log
from casemate.warden.stops import Stops
from casemate.warden.switches import Switches
from enclave.kubeapi import ApiError, KubeApi
from enclave.waiting import until
from support.approvals import switch
from support.fronts import Front
from support.operators import Api

Json = dict[str, Any]
SWITCHES = "/apis/casemate.dev/v1alpha1/killswitches"
MERGE = "application/merge-patch+json"
WANTED_SECONDS = 2.0
"""Within how long a stop is in force: what the project promises."""


async def within(seconds: float, holds: Callable[[], Any]) -> float:
    """Wait until something holds; return how long it took, in seconds."""
    began = time.monotonic()
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110  what is waited for has no event
            await asyncio.sleep(0.005)
    return time.monotonic() - began


class Board:
    """Sets and lifts switches, as people with every right, with admission's policies or without."""

    def __init__(self, api: Api) -> None:
        self.api = api

    async def stop(self, name: str, by: str = "eve", **changed: Any) -> Json:
        body = switch(name, by, **changed)
        made: Json = await asyncio.to_thread(self._as(by).request, "POST", SWITCHES, body)
        return made

    async def lift(self, name: str, note: str = "lou: it was looked into", by: str = "lou") -> None:
        """Note and delete, as fast as can be."""
        await asyncio.to_thread(self._lift, self._as(by), name, note)

    def _as(self, user: str) -> KubeApi:
        return KubeApi.load(self.api.plane.client_config_for(user, ["system:masters"]))

    def _lift(self, client: KubeApi, name: str, note: str) -> None:
        where = f"{SWITCHES}/{name}"
        body = {"metadata": {"annotations": {LIFT_ANNOTATION: note}}}
        client.request("PATCH", where, body, MERGE)
        client.request("DELETE", where)

    def clear(self) -> None:
        """Take all away; a kind that was changed just now is not served for a moment."""
        until(self._cleared, 30, "kill switches never went")

    def _cleared(self) -> bool:
        try:
            for one in self.api.client.request("GET", SWITCHES)["items"]:
                self._lift(self._as("lou"), one["metadata"]["name"], "lou: the test has ended")
        except ApiError:
            return False
        return True


class Warden:
    """A log, and what looks at switches for it."""

    def __init__(self, client: Client, folder: Path) -> None:
        self.client, self.folder = client, folder

    async def open(self, *, wait: bool = True) -> None:
        self.log = await Log.open(self.folder / "log", "log/of/casemate-warden-0", SystemClock())
        self.stops = Stops(Switches(self.client), self.log)
        self.task = asyncio.create_task(self.stops.run())
        if wait:
            await looked(self.stops)

    async def close(self) -> None:
        await ended(self.task)
        await self.log.close()

    def reason(self, name: str = "m", agreement: str = "harbour", namespace: str = "models") -> str:
        return self.stops.reason(namespace, name, agreement)

    def records(self, *kinds: str) -> list[Json]:
        """What the log holds of some kinds, each read again as an inspector would."""
        found = [one.record for one in self.log.read(0, self.log.size)]
        for one in found:
            parse(one)
        return [one for one in map(json.loads, found) if one["kind"] in kinds]

    async def recorded(self, *kinds: str) -> Json:
        """The first record of a kind, once it is there."""
        await within(10, lambda: self.records(*kinds))
        return self.records(*kinds)[0]


class Way(Front):
    """A way to the API server on which questions about switches hang, or watches are cut.

    Attributes:
        hanging: How many of the next lists get no answer.
        cutting: Whether watches end as soon as they begin.
    """

    hanging = 0
    cutting = False

    @override
    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if "watch" in request.query and self.cutting:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if "watch" not in request.query and self.hanging > 0:
            self.hanging -= 1
            await asyncio.sleep(3600)
        return await super()._answer(request)


def patience(monkeypatch: pytest.MonkeyPatch, **seconds: float) -> None:
    """Change how long the warden's look is good, or waits for a lift's words."""
    for name, value in seconds.items():
        module = "stoprecorder" if name == "WORDS_SECONDS" else "stops"
        monkeypatch.setattr(f"casemate.warden.{module}.{name}", value)
