"""Outcomes whose intent is in another replica's log: they belong there, while it can take them."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import orjson
from aiohttp import web

from casemate.isolation.client import UnheardError
from casemate.warden.callers import RefusedError, elsewhere
from casemate.warden.peers import Callers, Peers, caller
from casemate.warden.requests import bad_report, body_of

INTENTS_PATH = "/v1/peers/intents"
ASK_SECONDS = 1.0
"""How long another replica may take to answer; then it is away."""
_OK = 200


class Standing(NamedTuple):
    """What a replica knows of an intent.

    Attributes:
        owner: UID of the pod that recorded it; empty: there is no such intent.
        takes: Whether this replica keeps records now.
        ended: Whether it has its outcome.
    """

    owner: str
    takes: bool
    ended: bool


class Homes:
    """Asks the replica whose log an intent is in."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers

    async def require(self, replica: str, intent: str, pod: str) -> None:
        """Return where an outcome may be kept here, since its own replica cannot take it.

        Whose intent it is can be asked of that replica alone. While it is away, the pod's own word
        is taken: an inspector sees both logs side by side.

        Args:
            replica: Which log the intent is in.
            intent: Its id.
            pod: UID of the pod that gives the outcome.

        Raises:
            RefusedError: 421 where that replica takes it, or has one already; 409 where there is
                no such intent.
        """
        if replica not in self._peers.names():
            raise no_such_intent()
        try:
            body = orjson.dumps({"intent": intent})
            heard = await self._peers.ask(replica, INTENTS_PATH, body, ASK_SECONDS)
        except UnheardError:
            return
        standing = _read(heard.text) if heard.status == _OK else None
        if standing is None:
            raise elsewhere(replica)
        if standing.owner != pod:
            raise no_such_intent()
        if standing.takes or standing.ended:
            raise elsewhere(replica)


def route(callers: Callers, standing: Callable[[str], Awaitable[Standing]]) -> web.RouteDef:
    """Return where other replicas ask about intents of this one.

    Args:
        callers: Knows the replica that asks.
        standing: Knows an intent by its id.
    """

    async def answer(request: web.Request) -> web.Response:
        await caller(callers, request)
        body = await body_of(request)
        if not isinstance(body, dict) or not isinstance(body.get("intent"), str):
            raise bad_report("an object with an intent is accepted")
        try:
            found = await standing(body["intent"])
        except ValueError as error:
            raise bad_report(str(error)) from None
        return web.json_response(found._asdict())

    return web.post(INTENTS_PATH, answer)


def no_such_intent() -> RefusedError:
    """Return the refusal of an outcome without an intent."""
    return RefusedError(409, "no_such_intent", "an intent of this pod is needed")


def _read(text: str) -> Standing | None:
    try:
        said: Any = orjson.loads(text)
        # One of before this was told says nothing of it.
        return Standing(str(said["owner"]), bool(said["takes"]), bool(said.get("ended")))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
