"""Serves an aiohttp application on a port: the operator's two, and the warden's."""

import ssl

from aiohttp import web


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
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port, ssl_context=context).start()
    return runner
