"""What the API server says of kill switches."""

from collections.abc import Mapping
from contextlib import aclosing
from typing import Any, NamedTuple

from casemate.cluster.client import Client
from casemate.cluster.kinds import KILL_SWITCH

Json = Mapping[str, Any]
_WORDS_SECONDS = 2
"""How long the events since a list may take to come: they are there already."""


class Listed(NamedTuple):
    """All switches at one moment.

    Attributes:
        switches: Whole, by UID.
        version: The moment, as a resourceVersion.
    """

    switches: dict[str, Json]
    version: str


class Switches:
    """Asks the API server."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def all(self) -> Listed:
        """Return all that there are, as etcd has them now: no cache that lags behind.

        Raises:
            Error: They cannot be listed; that there is no such kind is no list without switches.
        """
        page = await self._client.request("GET", KILL_SWITCH.path())
        return Listed({one["metadata"]["uid"]: one for one in page["items"]}, _version(page))

    async def last(self, uid: str, since: str) -> Json | None:
        """Return a switch as it was when it was deleted, or None where nobody can tell.

        Who lifts one writes on it first, and deletes it then, which may be between two lists: the
        events say both.

        Args:
            uid: The switch.
            since: Of a list that still had it.

        Raises:
            Error: The API server does not answer, or has forgotten that moment.
        """
        async with aclosing(self._client.watch(KILL_SWITCH, since, _WORDS_SECONDS)) as events:
            async for event in events:
                found: Json = event["object"]
                if event["type"] == "DELETED" and found["metadata"]["uid"] == uid:
                    return found
        return None


def _version(page: Mapping[str, Any]) -> str:
    return str(page["metadata"]["resourceVersion"])
