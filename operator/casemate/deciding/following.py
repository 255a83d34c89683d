"""All objects of a kind at each moment: one list, then a watch that goes on where it broke off."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any, NamedTuple

from casemate.cluster.client import Client
from casemate.cluster.errors import Error, Expired, Stalled
from casemate.cluster.kinds import Kind
from casemate.deciding.refusals import Away, Refused, sentence

WATCH_SECONDS = 20
"""How long one watch lasts; one that is dead is given up 15 s after it should have ended."""
_RETRY_SECONDS = (1.0, 2.0, 4.0, 8.0)
"""Pauses after a list or a watch that had no answer; the last for as long as it takes."""

Json = dict[str, Any]


class Listed(NamedTuple):
    """All objects at one moment.

    Attributes:
        objects: Whole.
        version: The moment, as a resourceVersion.
    """

    objects: list[Json]
    version: str


class Seen(NamedTuple):
    """What is known.

    Attributes:
        objects: All that there are, as far as anybody has told.
        away: Why that may be old: the API server does not answer; empty: it is how things are.
    """

    objects: list[Json]
    away: str = ""


class Collection(NamedTuple):
    """What is followed.

    Attributes:
        kind: Which objects.
        namespace: Where; None: everywhere.
        listed: Asks for all; raises Away where there is no answer.
    """

    kind: Kind
    namespace: str | None
    listed: Callable[[], Awaitable[Listed]]


async def follow(client: Client, what: Collection) -> AsyncGenerator[Seen]:
    """Yield all that there are at first, and again at each change, for ever.

    Where the API server has forgotten the moment of the last event (410), or was away, all is
    listed anew: what was deleted meanwhile shows in nothing else.

    Raises:
        Away: There is no answer to the first list.
        Refused: It is not ours to list or to watch.
    """
    state = _State(client, what)
    yield await state.list()
    while True:
        try:
            if state.failures:
                yield await state.list()
            async with aclosing(state.changes()) as changes:
                async for seen in changes:
                    yield seen
        except (Away, Error) as error:
            if away := state.failed(error):
                yield state.seen(away)
            await asyncio.sleep(_RETRY_SECONDS[min(state.failures, len(_RETRY_SECONDS)) - 1])


class _State:
    """What is known of a collection, and since when.

    Attributes:
        failures: Lists and watches without an answer since there last was one.
    """

    def __init__(self, client: Client, what: Collection) -> None:
        self._client, self._what = client, what
        self._known: dict[str, Json] = {}
        self._version = ""
        self.failures = 0

    def seen(self, away: str = "") -> Seen:
        return Seen([*self._known.values()], away)

    async def list(self) -> Seen:
        listed = await self._what.listed()
        self._known = {one["metadata"]["uid"]: one for one in listed.objects}
        self._version = listed.version
        return self.seen()

    async def changes(self) -> AsyncGenerator[Seen]:
        """Yield what one watch shows."""
        kind, where = self._what.kind, self._what.namespace
        watch = self._client.watch(kind, self._version, WATCH_SECONDS, where)
        async with aclosing(watch) as events:
            async for event in events:
                self.failures = 0
                self._version = event["object"]["metadata"]["resourceVersion"]
                if _changed(self._known, event):
                    yield self.seen()
        self.failures = 0

    def failed(self, error: Away | Error) -> str:
        """Take in a failure; return what people should know of it, or nothing.

        Raises:
            Refused: Trying again does not help.
        """
        self.failures += 1
        if isinstance(error, Stalled):
            raise Refused(sentence(str(error))) from error
        if isinstance(error, Away):
            return str(error)
        # Where watches alone are cut off, again and again, lists tell what there is.
        lost = self.failures == 1 and not isinstance(error, Expired)
        return f"the API server could not answer: {error}" if lost else ""


async def repeated(changes: AsyncGenerator[Seen], seconds: float | None) -> AsyncGenerator[Seen]:
    """Yield each change, and the last one again whenever nothing has changed for a while.

    Args:
        changes: What there is; closed at the end.
        seconds: How long; None: for ever.
    """
    async with aclosing(changes):
        now, coming = await anext(changes), asyncio.ensure_future(anext(changes))
        try:
            while True:
                yield now
                done, _ = await asyncio.wait({coming}, timeout=seconds)
                if done:
                    now, coming = coming.result(), asyncio.ensure_future(anext(changes))
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)


def _changed(known: dict[str, Json], event: Mapping[str, Any]) -> bool:
    """Take in an event; whether it tells of an object."""
    if event["type"] == "BOOKMARK":
        return False
    uid = event["object"]["metadata"]["uid"]
    if event["type"] == "DELETED":
        known.pop(uid, None)
    else:
        known[uid] = event["object"]
    return True
