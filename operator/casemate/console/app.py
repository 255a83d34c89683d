"""The console as an application."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from importlib import resources

from aiohttp import web

from casemate.console import fences
from casemate.console.entrance import Enter, Entrance
from casemate.console.limits import Attempts
from casemate.console.metrics import SESSIONS
from casemate.console.overview import Overview
from casemate.console.pages import frame
from casemate.console.reviewing import Reviewing
from casemate.console.sessions import Sessions
from casemate.console.visits import Visits

MOST_BYTES = 64 << 10
"""Of a form."""
SWEEP_SECONDS = 30.0
"""How long the token of a session that has ended stays in memory at most."""


def _today() -> datetime:
    return datetime.now(UTC)


def application(
    enter: Enter,
    hosts: frozenset[str],
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], datetime] = _today,
) -> web.Application:
    """Return the application.

    Args:
        enter: What the holder of a token may do.
        hosts: The names that browsers ask for it by.
        clock: Seconds that never go back.
        now: The moment.
    """
    sessions = Sessions(clock)
    SESSIONS.set_function(lambda: len(sessions))
    visits = Visits(sessions, hosts)
    app = web.Application(client_max_size=MOST_BYTES, middlewares=[visits.middleware])
    app.on_response_prepare.append(fences.harden)
    app.cleanup_ctx.append(lambda _: _sweeping(sessions))
    for part in (Entrance(sessions, Attempts(clock), enter), Overview(now), Reviewing(now)):
        app.router.add_routes(part.routes())
    app.router.add_get(frame.STYLE, _style())
    return app


def _style() -> Callable[[web.Request], Awaitable[web.Response]]:
    text = (resources.files("casemate") / "console" / "style.css").read_text("utf-8")

    async def style(_: web.Request) -> web.Response:
        return web.Response(text=text, content_type="text/css", charset="utf-8")

    return style


async def _sweeping(sessions: Sessions) -> AsyncIterator[None]:
    """Forget tokens whose time is over while the application runs, and all of them at its end."""

    async def sweep() -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            await sessions.sweep()

    task = asyncio.create_task(sweep())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await sessions.close_all()
