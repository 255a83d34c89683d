"""Tells gateways what stops their deployment, as soon as it does."""

from typing import Any

from aiohttp import web

from casemate.stops import SINCE, STOPS_PATH, WAIT_SECONDS
from casemate.warden.answers import Callers
from casemate.warden.requests import bearer
from casemate.warden.stops import Stops
from casemate.warden.subjects import Subjects

_MOST_DIGITS = 18


def stops_route(callers: Callers, subjects: Subjects, stops: Stops) -> web.RouteDef:
    """Return where gateways ask whether they are stopped.

    Args:
        callers: Knows the pod that asks.
        subjects: Knows under which agreement its deployment is made.
        stops: Knows what is stopped.
    """

    async def answer(request: web.Request) -> web.Response:
        pod = await callers.pod(bearer(request), request.remote or "")
        given = request.query.get(SINCE, "")[:_MOST_DIGITS]
        since = int(given) if given.isascii() and given.isdigit() else -1
        await stops.after(since, WAIT_SECONDS)
        agreement: Any = (await subjects.about(pod))["agreement"]
        which = pod.namespace, pod.deployment, str(agreement["name"])
        found = stops.stop(*which)
        said = {
            "serial": stops.serial,
            "known": stops.known,
            "stopped": stops.reason(*which),
            "switch": found.switch if found else "",
        }
        return web.json_response(said)

    return web.get(STOPS_PATH, answer)
