"""The pages that show what there is: held requests, deployments, kill switches."""

import re
from collections.abc import Callable
from datetime import datetime

from aiohttp import web

from casemate.console import fences
from casemate.console.access import Json
from casemate.console.pages import frame
from casemate.console.pages.deployments import deployments
from casemate.console.pages.queue import ENDED, NAMESPACE, STILL, queue
from casemate.console.pages.stops import stops
from casemate.console.visits import session_of, signed
from casemate.deciding.refusals import DeskError, Refused

_NAME = re.compile("[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_KEPT = (NAMESPACE, ENDED, STILL)


class Overview:
    """Pages that only read.

    Args:
        now: The moment.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/", self._start),
            web.get(frame.QUEUE, self._queue),
            web.get(frame.DEPLOYMENTS, self._deployments),
            web.get(frame.STOPS, self._stops),
        ]

    async def _start(self, _: web.Request) -> web.Response:
        return web.Response(status=303, headers={"Location": frame.QUEUE})

    async def _queue(self, request: web.Request) -> web.Response:
        session, chosen = session_of(request), _chosen(request)
        desk, problem, found = session.access.desk, "", list[Json]()
        listed = desk.all if ENDED in chosen else desk.waiting
        try:
            found = await listed(chosen.get(NAMESPACE))
        except DeskError as error:
            problem = _told(error, chosen)
        return fences.html(queue(found, self._now(), signed(session), chosen, problem))

    async def _deployments(self, request: web.Request) -> web.Response:
        session, chosen = session_of(request), _chosen(request)
        problem, found = "", list[Json]()
        try:
            found = await session.access.deployments(chosen.get(NAMESPACE))
        except DeskError as error:
            problem = _told(error, chosen)
        switches: list[Json] | str
        try:
            switches = await session.access.switches()
        except DeskError as error:
            switches = str(error)
        page = deployments(found, switches, self._now(), signed(session), chosen, problem=problem)
        return fences.html(page)

    async def _stops(self, request: web.Request) -> web.Response:
        session, problem, found = session_of(request), "", list[Json]()
        try:
            found = await session.access.switches()
        except DeskError as error:
            problem = f"{error}."
        return fences.html(stops(found, self._now(), signed(session), problem))


def _chosen(request: web.Request) -> dict[str, str]:
    """Return what is to be shown.

    Raises:
        RefusedError: A parameter says something that it cannot.
    """
    chosen = {key: request.query[key] for key in _KEPT if request.query.get(key)}
    namespace = chosen.get(NAMESPACE, "").strip()
    if namespace and not _NAME.fullmatch(namespace):
        raise fences.malformed("A namespace has a name of lower-case letters, digits and '-'.")
    return {key: namespace if key == NAMESPACE else "1" for key in chosen}


def _told(error: DeskError, chosen: dict[str, str]) -> str:
    narrower = isinstance(error, Refused) and NAMESPACE not in chosen
    hint = " You may have the right in a namespace: name it below." if narrower else ""
    return f"{error}.{hint}"
