"""Serves an aiohttp application on a port: for the operator, the warden and the console."""

import ssl
from collections.abc import Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from casemate.gateway.tls import Certificate

_SHUTDOWN_SECONDS = 2.0
"""How long questions may still be open at the end: the operator's to the warden stays open long."""


async def serve(
    app: web.Application,
    port: int,
    context: ssl.SSLContext | None = None,
    host: str | None = None,
) -> web.AppRunner:
    """Start serving; on all addresses of the pod where no host is given.

    Raises:
        OSError: The port cannot be bound.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()
    await web.TCPSite(runner, host, port, ssl_context=context).start()
    return runner


def newest(certificate: Certificate) -> ssl.SSLContext:
    """Return a context that hands each connection to the certificate in use at that moment."""
    context = certificate.context

    def hand(link: ssl.SSLObject, _: str | None, __: ssl.SSLContext) -> None:
        link.context = certificate.context

    context.sni_callback = hand
    return context


def health(registry: CollectorRegistry, unready: Callable[[], str] = lambda: "") -> web.Application:
    """Return the application for the kubelet and for Prometheus.

    Args:
        registry: What Prometheus reads.
        unready: Says why this replica should get no new work, or nothing.
    """

    async def healthy(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def ready(_: web.Request) -> web.Response:
        reason = unready()
        return web.Response(status=503 if reason else 200, text=f"{reason or 'ok'}\n")

    async def metrics(_: web.Request) -> web.Response:
        headers = {"Content-Type": CONTENT_TYPE_LATEST}
        return web.Response(body=generate_latest(registry), headers=headers)

    app = web.Application()
    app.router.add_get("/healthz", healthy)
    app.router.add_get("/readyz", ready)
    app.router.add_get("/metrics", metrics)
    return app
