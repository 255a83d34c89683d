"""Our clock held against the one that answers carry, over a real connection."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web
from kubernetes.aio import client as kubernetes

from casemate.cluster.client import Client
from casemate.cluster.clock import Clock
from casemate.cluster.kinds import POD

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def doubt(difference: float) -> str:
    clock = Clock(now=lambda: NOW)
    clock.observe(format_datetime(NOW - timedelta(seconds=difference), usegmt=True))
    return clock.doubt()


@pytest.mark.parametrize("seconds", [0, 60, -60])
def test_up_to_a_minute_apart_is_near_enough(seconds: float) -> None:
    assert doubt(seconds) == ""


@pytest.mark.parametrize(("seconds", "way"), [(61, "ahead of"), (-61, "behind"), (9e7, "ahead of")])
def test_more_than_a_minute_apart_is_doubtful_and_says_which_way(seconds: float, way: str) -> None:
    assert way in doubt(seconds)


def test_before_any_answer_and_after_a_broken_one_nothing_is_trusted() -> None:
    clock = Clock(now=lambda: NOW)
    assert "has not told" in clock.doubt()
    for header in (None, "", "soon", "Sun, 99 Mar 2026 12:00:00 GMT"):
        clock.observe(header)
        assert "has not told" in clock.doubt(), header
    clock.observe(format_datetime(NOW, usegmt=True))
    assert clock.doubt() == "", "control: a good one is trusted"


@asynccontextmanager
async def server(difference: timedelta) -> AsyncIterator[str]:
    """A server whose clock is off by so much."""

    async def answer(_: web.Request) -> web.Response:
        date = format_datetime(datetime.now(UTC) + difference, usegmt=True)
        return web.json_response({"kind": "Pod", "metadata": {}}, headers={"Date": date})

    app = web.Application()
    app.router.add_get("/{tail:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(("minutes", "doubtful"), [(0, False), (5, True), (-5, True)])
async def test_the_client_compares_the_clocks_with_every_answer(
    *, minutes: int, doubtful: bool
) -> None:
    async with server(timedelta(minutes=minutes)) as host:
        client = Client(kubernetes.Configuration(host=host))
        await client.get(POD, "default", "any")
        await client.close()
    assert bool(client.clock.doubt()) == doubtful
