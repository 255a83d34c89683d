"""What the warden answers to model pods and to the operator."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Protocol

from aiohttp import web

from casemate.core import names
from casemate.isolation.client import CANARY_PATH, MOST_NEIGHBOURS, PROOFS_PATH
from casemate.isolation.proof import Proof, Verdict, both
from casemate.warden.callers import Pod, RefusedError
from casemate.warden.canary import Canary
from casemate.warden.metrics import PROOFS
from casemate.warden.outside import look
from casemate.warden.proofs import Ledger
from casemate.warden.requests import bad_report, bearer, body_of, refusing

log = logging.getLogger(__name__)

LONGEST_WAIT = 10.0
"""Seconds that the operator's question stays open where there is no news."""
_MOST_PORTS = 8
_MOST_MESSAGE = 2000
_MOST_PORT = 65535


class Callers(Protocol):
    """Knows who calls; `warden.callers` asks the API server."""

    async def pod(self, token: str, address: str) -> Pod:
        """Return the model pod that calls, or raise RefusedError."""

    async def operator(self, token: str) -> None:
        """Raise RefusedError unless the operator calls."""


Look = Callable[[str, list[int]], Awaitable[Proof]]
Meet = Callable[[Pod], Awaitable[object]]


async def _met(_: Pod) -> None:
    """Learn nothing of a pod."""


class Answers:
    """The application on the answer port."""

    def __init__(
        self,
        canary: Canary,
        callers: Callers,
        ledger: Ledger,
        outside: Look = look,
        meet: Meet = _met,
    ) -> None:
        """Prepare.

        Args:
            canary: What pods must not reach.
            callers: Knows who calls.
            ledger: Keeps proofs.
            outside: Looks at a pod from here.
            meet: Learns what a pod stands for, before it asks for anything; may be refused.
        """
        self._canary, self._callers, self._ledger = canary, callers, ledger
        self._outside, self._meet = outside, meet

    def app(self, *further: web.RouteDef) -> web.Application:
        """Return the application, with whatever else is answered on the port."""
        app = web.Application(client_max_size=1 << 14, middlewares=[refusing])
        app.router.add_routes(further)
        app.router.add_get(CANARY_PATH, self._seen)
        app.router.add_post(PROOFS_PATH, self._report)
        app.router.add_get(PROOFS_PATH, self._proofs)
        return app

    async def _seen(self, request: web.Request) -> web.Response:
        neighbours = self._ledger.neighbours(request.remote or "", MOST_NEIGHBOURS)
        return web.json_response({"seen": self._canary.seen(), "neighbours": neighbours})

    async def _report(self, request: web.Request) -> web.Response:
        pod = await self._callers.pod(bearer(request), request.remote or "")
        inside, ports = _reported(await body_of(request))
        with suppress(RefusedError):
            # Its terms may change before it first records anything; then nobody could tell them.
            await self._meet(pod)
        outside = await self._outside(pod.address, ports)
        proof = both(inside, outside)
        self._ledger.record(pod, ports, proof)
        PROOFS.labels(proof.verdict).inc()
        if proof.verdict is not Verdict.ENFORCED:
            log.warning("%s/%s: %s: %s", pod.namespace, pod.name, proof.verdict, proof.message)
        return web.json_response({"verdict": outside.verdict, "message": outside.message})

    async def _proofs(self, request: web.Request) -> web.Response:
        await self._callers.operator(bearer(request))
        since = request.query.get("since", "")
        serial = int(since[:18]) if since.isascii() and since.isdigit() else -1
        return web.json_response(await self._ledger.after(serial, LONGEST_WAIT))


def _reported(body: Any) -> tuple[Proof, list[int]]:
    """Read a report.

    Raises:
        RefusedError: It is none.
    """
    try:
        proof = Proof(Verdict(body["verdict"]), str(body["message"])[:_MOST_MESSAGE])
        ports = [int(port) for port in body["ports"]]
    except (TypeError, KeyError, ValueError) as error:
        raise bad_report(f"verdict, message and ports are needed: {error}") from error
    fit = all(1 <= port <= _MOST_PORT and port != names.GATEWAY_PORT for port in ports)
    if not fit or not 0 < len(ports) <= _MOST_PORTS:
        raise bad_report(
            f"ports: 1 to {_MOST_PORTS} of 1 to {_MOST_PORT} but {names.GATEWAY_PORT} are accepted"
        )
    return proof, ports
