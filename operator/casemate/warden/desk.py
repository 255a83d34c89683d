"""What everything about held requests is done with, and how they are told apart."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

from casemate.cluster.client import Client
from casemate.warden.contents import Contents, Place
from casemate.warden.register import Clerk
from casemate.warden.rights import Electorate

log = logging.getLogger(__name__)
Json = Mapping[str, Any]
Stopped = Callable[[str, str, str], str]
"""Why a deployment gives no answers, by its namespace, its name and its agreement; or nothing."""


class Desk(NamedTuple):
    """What everything about held requests is done with."""

    client: Client
    name: str
    """Of this replica's pod."""
    clerk: Clerk
    contents: Contents
    electorate: Electorate
    stopped: Stopped
    locks: "Locks"

    async def forget(self, place: Place) -> None:
        """Take a content off the disk; what cannot be is tried again by the next sweep."""
        try:
            await asyncio.to_thread(self.contents.drop, place)
        except OSError as error:
            log.warning("a content is not gone yet: %s", error)


class Locks:
    """One lock for each held request, while somebody needs it."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[Place, asyncio.Lock] = WeakValueDictionary()

    def of(self, place: Place) -> asyncio.Lock:
        """Return a request's lock."""
        lock = self._locks.get(place)
        if lock is None:
            lock = self._locks[place] = asyncio.Lock()
        return lock


def place_of(request: Json) -> Place:
    """Return which request it is."""
    return Place(request["metadata"]["namespace"], request["metadata"]["name"])


def home(request: Json) -> str:
    """Return the replica whose log holds a request."""
    return str(request["spec"]["record"]).partition("/")[0]


def phase(request: Json) -> str:
    """Return where it stands."""
    return str(request.get("status", {}).get("phase", "Pending"))


def approval_of(request: Json) -> dict[str, str]:
    """Return how records name it."""
    return {key: request["metadata"][key] for key in ("namespace", "name", "uid")}
