"""A held request from the warden that holds it, by the console, back to the warden."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from api.warden.conftest import connected
from api.warden.holding import ADA, BOB, CONTENT, MARKER, People, Warden
from api.warden.looking import ended
from casemate.cluster.client import Client
from casemate.console.access import Access
from casemate.console.app import application
from casemate.holds import PENDING
from support.operators import Api
from unit.console.place import HOST, Browser

REASON = "read it whole, and it is the order of the day"


@pytest.fixture
async def warden(
    guarded: Api, namespace: str, client: Client, people: People, tmp_path: Path
) -> AsyncIterator[Warden]:
    """A replica that makes its rounds by itself."""
    made = Warden(guarded, namespace, client, tmp_path)
    await made.fresh()
    rounds = asyncio.create_task(made.rounds.run())
    yield made
    await ended(rounds)
    await made.close()


@pytest.fixture
async def sign_in(guarded: Api) -> AsyncIterator[Callable[[str], Awaitable[Browser]]]:
    """Signs people in: here they have certificates, and their name is the token."""
    plane, members = guarded.plane, ["system:authenticated"]
    clients = {user: await connected(plane.client_config_for(user, members)) for user in (ADA, BOB)}
    app = application(lambda user: Access(clients[user]), frozenset({HOST}))
    jar = aiohttp.DummyCookieJar()
    async with TestServer(app) as server, aiohttp.ClientSession(cookie_jar=jar) as session:
        url = str(server.make_url("")).rstrip("/")

        async def sign_in(user: str) -> Browser:
            browser = Browser(url, session)
            assert (await browser.sign_in(user)).status == 303
            return browser

        yield sign_in
    for one in clients.values():
        await one.close()


async def approved(browser: Browser, where: str) -> None:
    """Reads a request, and approves it; a policy sees a new one a moment late."""
    shown = await browser.get(where)
    assert MARKER in shown.document.text
    form = shown.document.hidden() | {"verdict": "Approve", "justification": REASON}
    async with asyncio.timeout(20):
        while (said := await browser.post(f"{where}/decide", form)).status != 303:
            assert said.status == 403, said.document.text
            await asyncio.sleep(0.2)


async def test_what_two_people_approve_in_the_console_goes_once(
    warden: Warden, namespace: str, sign_in: Callable[[str], Awaitable[Browser]]
) -> None:
    key = warden.pod("console")
    held = await warden.hold(key, CONTENT)
    name = held["metadata"]["name"]
    where = f"/requests/{namespace}/{name}"
    await approved(await sign_in(ADA), where)
    assert await warden.retry(key, name) == (403, PENDING), "one is not enough"
    bob = await sign_in(BOB)
    await approved(bob, where)
    assert (await warden.retry(key, name))[0] == 200
    assert (await warden.retry(key, name))[0] == 403, "once"
    shown = await bob.get(where)
    assert f"Nobody decides any more: {name} is Consumed" in shown.document.text
    assert MARKER not in shown.document.text, "what has ended is kept for nobody"
    (consumed,) = warden.records("approval-consumed")
    assert consumed["approvers"] == [ADA, BOB]
