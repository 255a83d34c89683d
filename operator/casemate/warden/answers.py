"""What the warden answers to model pods and to the operator."""

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Protocol

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from casemate.core import names
from casemate.isolation.client import CANARY_PATH, MOST_NEIGHBOURS, PROOFS_PATH
from casemate.isolation.proof import Proof, Verdict, both
from casemate.warden.callers import Pod, RefusedError
from casemate.warden.canary import Canary
from casemate.warden.metrics import PROOFS, REFUSALS, REGISTRY
from casemate.warden.outside import look
from casemate.warden.proofs import Ledger

log = logging.getLogger(__name__)

LONGEST_WAIT = 10.0
"""Seconds that the operator's question stays open where there is no news."""
_MOST_PORTS = 8
_MOST_MESSAGE = 2000
_MOST_PORT = 65535
_BEARER = "Bearer "


class Callers(Protocol):
    """Knows who calls; `warden.callers` asks the API server."""

    async def pod(self, token: str, address: str) -> Pod:
        """Return the model pod that calls, or raise RefusedError."""

    async def operator(self, token: str) -> None:
        """Raise RefusedError unless the operator calls."""


Look = Callable[[str, list[int]], Awaitable[Proof]]


class Answers:
    """The application on the answer port."""

    def __init__(
        self, canary: Canary, callers: Callers, ledger: Ledger, outside: Look = look
    ) -> None:
        self._canary, self._callers, self._ledger = canary, callers, ledger
        self._outside = outside

    def app(self) -> web.Application:
        """Return the application."""
        app = web.Application(client_max_size=1 << 14, middlewares=[_refusing])
        app.router.add_get(CANARY_PATH, self._seen)
        app.router.add_post(PROOFS_PATH, self._report)
        app.router.add_get(PROOFS_PATH, self._proofs)
        return app

    async def _seen(self, request: web.Request) -> web.Response:
        neighbours = self._ledger.neighbours(request.remote or "", MOST_NEIGHBOURS)
        return web.json_response({"seen": self._canary.seen(), "neighbours": neighbours})

    async def _report(self, request: web.Request) -> web.Response:
        pod = await self._callers.pod(_token(request), request.remote or "")
        inside, ports = _reported(await _json(request))
        outside = await self._outside(pod.address, ports)
        proof = both(inside, outside)
        self._ledger.record(pod, ports, proof)
        PROOFS.labels(proof.verdict).inc()
        if proof.verdict is not Verdict.ENFORCED:
            log.warning("%s/%s: %s: %s", pod.namespace, pod.name, proof.verdict, proof.message)
        return web.json_response({"verdict": outside.verdict, "message": outside.message})

    async def _proofs(self, request: web.Request) -> web.Response:
        await self._callers.operator(_token(request))
        since = request.query.get("since", "")
        serial = int(since[:18]) if since.isascii() and since.isdigit() else -1
        return web.json_response(await self._ledger.after(serial, LONGEST_WAIT))


def health() -> web.Application:
    """Return the application for the kubelet and for Prometheus."""

    async def healthy(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def metrics(_: web.Request) -> web.Response:
        headers = {"Content-Type": CONTENT_TYPE_LATEST}
        return web.Response(body=generate_latest(REGISTRY), headers=headers)

    app = web.Application()
    app.router.add_get("/healthz", healthy)
    app.router.add_get("/metrics", metrics)
    return app


@web.middleware
async def _refusing(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Tell, count and log who is refused."""
    try:
        return await handler(request)
    except RefusedError as error:
        REFUSALS.labels(error.reason).inc()
        log.warning("refused %s %s: %s", request.method, request.remote, error)
        return web.Response(status=error.status, text=str(error))


def _token(request: web.Request) -> str:
    given = request.headers.get("Authorization", "")
    if not given.removeprefix(_BEARER) or not given.startswith(_BEARER):
        raise RefusedError(401, "no_token", f"a Bearer token of audience {names.WARDEN} is needed")
    return given.removeprefix(_BEARER)


async def _json(request: web.Request) -> Any:
    try:
        return await request.json()
    except ValueError as error:
        raise RefusedError(400, "bad_report", f"a JSON object is accepted: {error}") from error


def _reported(body: Any) -> tuple[Proof, list[int]]:
    """Read a report.

    Raises:
        RefusedError: It is none.
    """
    try:
        proof = Proof(Verdict(body["verdict"]), str(body["message"])[:_MOST_MESSAGE])
        ports = [int(port) for port in body["ports"]]
    except (TypeError, KeyError, ValueError) as error:
        raise RefusedError(
            HTTPStatus.BAD_REQUEST, "bad_report", f"verdict, message and ports are needed: {error}"
        ) from error
    fit = all(1 <= port <= _MOST_PORT and port != names.GATEWAY_PORT for port in ports)
    if not fit or not 0 < len(ports) <= _MOST_PORTS:
        raise RefusedError(
            HTTPStatus.BAD_REQUEST,
            "bad_report",
            f"ports: 1 to {_MOST_PORTS} of 1 to {_MOST_PORT} but {names.GATEWAY_PORT} are accepted",
        )
    return proof, ports
