"""Copies of the API server's objects, kept current by list and watch.

An outage leaves a copy as it was. The watch goes on where it stopped when the API server is back,
and lists again when the server no longer knows that place.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Generic, Protocol, TypeVar

import aiohttp

LOG = logging.getLogger(__name__)
WATCH_SECONDS = 240
"""How long the server keeps a watch open; below the client's own limit of 300 s."""
PAUSES = (0.1, 0.5, 1.0, 2.0)
"""Seconds to wait after one, two, ... failures in a row."""

Json = Mapping[str, Any]
Key = tuple[str, str]
"""Namespace (empty for an object without one) and name."""
T = TypeVar("T")


class Call(Protocol):
    """A ``..._without_preload_content`` method of the official client."""

    def __call__(self, **options: Any) -> Awaitable[aiohttp.ClientResponse]:
        """Send the request; the answer's body is still to be read."""


class RefusedError(Exception):
    """The API server answered, but not with what was asked for."""


def key_of(data: Json) -> Key:
    """Return what names an object among those of its kind."""
    return data["metadata"].get("namespace") or "", data["metadata"]["name"]


def version_of(data: Json) -> int:
    """Return an object's resource version, which grows with every change."""
    return int(data["metadata"]["resourceVersion"])


async def read(call: Call, **options: Any) -> Any:
    """Send a request and read its answer as JSON.

    Raises:
        RefusedError: with the server's own words, when the status is not 200.
        aiohttp.ClientError: when there is no answer.
    """
    async with await call(**options) as response:
        body = await response.read()
        if response.status != HTTPStatus.OK:
            raise RefusedError(f"{response.status}: {body.decode(errors='replace')[:300]}")
        return json.loads(body)


class Mirror(Generic[T]):
    """All objects of one kind, each as ``parse`` reads it.

    Attributes:
        objects: the copy.
        ready: set once the first list is in.
    """

    def __init__(self, call: Call, parse: Callable[[Json], T], changed: Callable[[], None]) -> None:
        self.objects: dict[Key, T] = {}
        self.ready = asyncio.Event()
        self._versions: dict[Key, int] = {}
        self._call = call
        self._parse = parse
        self._changed = changed
        self._place = ""  # resource version to watch from; empty: list first
        self._failures = 0

    def holds(self, data: Json) -> bool:
        """Tell whether the copy of this object is as new as ``data``, or newer."""
        return self._versions.get(key_of(data), 0) >= version_of(data)

    async def run(self) -> None:
        """Follow the API server until cancelled."""
        while True:
            try:
                if not self._place:
                    await self._list()
                await self._watch()
            except RefusedError as error:
                LOG.warning("starting over with a list: %s", error)
                self._place = ""
                self._failures += 1
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                LOG.warning("no word from the API server, the last rules stay: %r", error)
                self._failures += 1
            await asyncio.sleep(PAUSES[min(self._failures, len(PAUSES) - 1)])

    async def _list(self) -> None:
        listed = await read(self._call)
        self.objects = {key_of(item): self._parse(item) for item in listed["items"]}
        self._versions = {key_of(item): version_of(item) for item in listed["items"]}
        self._place = listed["metadata"]["resourceVersion"]
        self.ready.set()
        self._changed()

    async def _watch(self) -> None:
        options = {"allow_watch_bookmarks": True, "timeout_seconds": WATCH_SECONDS}
        call = self._call(watch=True, resource_version=self._place, **options)
        async with await call as response:
            if response.status != HTTPStatus.OK:
                raise RefusedError(f"{response.status}: {await response.text()}")
            self._failures = 0
            async for line in response.content:
                event = json.loads(line)
                self._take(event["type"], event["object"])

    def _take(self, kind: str, data: Json) -> None:
        if kind == "ERROR":
            raise RefusedError(str(data.get("message")))
        self._place = data["metadata"]["resourceVersion"]
        if kind == "BOOKMARK":
            return
        key, before = key_of(data), self.objects.get(key_of(data))
        if kind == "DELETED":
            self.objects.pop(key, None)
            self._versions.pop(key, None)
        else:
            self.objects[key] = self._parse(data)
            self._versions[key] = version_of(data)
        if self.objects.get(key) != before:
            self._changed()
