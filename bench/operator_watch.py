"""The benchmark's own eyes and hands: an administrator's session, and a watch of all children."""

import asyncio
import base64
import ssl
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self

import aiohttp
import orjson
import yaml

from casemate.cluster.kinds import CHILDREN, Kind
from casemate.core.names import MANAGED_SELECTOR

MERGE = "application/merge-patch+json"


class Place(NamedTuple):
    """Where one child is."""

    kind: str
    namespace: str
    name: str

    @property
    def path(self) -> str:
        return CHILDREN[self.kind].path(self.namespace, self.name)


class Admin:
    """Requests as administrator over kept-alive connections."""

    def __init__(self, kubeconfig: Path) -> None:
        document = yaml.safe_load(kubeconfig.read_text())
        self._server = document["clusters"][0]["cluster"]["server"]
        connector = aiohttp.TCPConnector(ssl=_tls(document), limit=64)
        self.session = aiohttp.ClientSession(
            self._server,
            connector=connector,
            read_bufsize=2**21,
            timeout=aiohttp.ClientTimeout(total=None),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.close()

    async def send(
        self, method: str, path: str, body: Any = None, kind: str = "application/json"
    ) -> Any:
        data = None if body is None else orjson.dumps(body)
        headers = {"Content-Type": kind}
        async with self.session.request(method, path, data=data, headers=headers) as answer:
            found = await answer.read()
            if answer.status >= 300:
                raise RuntimeError(f"{method} {path} answered {answer.status}: {found[:300]!r}")
            return orjson.loads(found)


def _tls(document: Mapping[str, Any]) -> ssl.SSLContext:
    authority = document["clusters"][0]["cluster"]["certificate-authority-data"]
    user = document["users"][0]["user"]
    context = ssl.create_default_context(cadata=base64.b64decode(authority).decode())
    with tempfile.NamedTemporaryFile(suffix=".pem") as pair:  # ssl reads pairs from files only
        pair.write(base64.b64decode(user["client-key-data"]))
        pair.write(base64.b64decode(user["client-certificate-data"]))
        pair.flush()
        context.load_cert_chain(pair.name)
    return context


class Watcher:
    """Knows every child, since when, and tells when one looks as it should."""

    def __init__(self, admin: Admin) -> None:
        self._admin = admin
        self._tasks: list[asyncio.Task[None]] = []
        self._lines: dict[Place, bytes] = {}
        self._waits: dict[Place, tuple[Callable[[Any], bool], asyncio.Future[float]]] = {}
        self._missing: set[Place] = set()
        self._complete: asyncio.Future[float] | None = None

    async def __aenter__(self) -> Self:
        for kind in CHILDREN.values():
            answer = await self._admin.send("GET", f"{kind.path()}?limit=1")
            version = answer["metadata"]["resourceVersion"]
            self._tasks.append(asyncio.create_task(self._watch(kind, version)))
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def all_of(self, places: set[Place]) -> asyncio.Future[float]:
        """When the last of these, none of which exists, has been seen (monotonic clock)."""
        self._missing = set(places)
        self._complete = asyncio.get_running_loop().create_future()
        return self._complete

    def looks(self, place: Place, test: Callable[[Any], bool]) -> asyncio.Future[float]:
        """When the next event of a child that passes `test` has been seen (monotonic clock)."""
        future: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._waits[place] = (test, future)
        return future

    def body(self, place: Place) -> Any:
        """The child as it was last seen."""
        return orjson.loads(self._lines[place])["object"]

    async def _watch(self, kind: Kind, version: str) -> None:
        query = f"watch=1&labelSelector={MANAGED_SELECTOR}&resourceVersion={version}"
        async with self._admin.session.get(f"{kind.path()}?{query}") as answer:
            async for line in answer.content:
                self._take(kind.kind, line, time.monotonic())

    def _take(self, kind: str, line: bytes, now: float) -> None:
        event = orjson.loads(line)
        body = event["object"]
        place = Place(kind, body["metadata"]["namespace"], body["metadata"]["name"])
        if event["type"] == "DELETED":
            return
        self._lines[place] = line
        if place in self._waits and self._waits[place][0](body):
            self._waits.pop(place)[1].set_result(now)
        self._missing.discard(place)
        if self._complete and not self._missing:
            self._complete.set_result(now)
            self._complete = None
