"""The fence: no write passes it when its time is over, not even one that was on its way."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from aiohttp import web
from kubernetes.aio import client as kubernetes

from casemate.cluster.client import Client
from casemate.cluster.errors import Fenced
from casemate.cluster.fence import Fence
from casemate.cluster.kinds import POD

BODY = {"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "n", "name": "p"}}


class Server:
    """Counts what arrives; answers when it is let."""

    def __init__(self) -> None:
        self.arrived: list[str] = []
        self.asked, self.may_answer = asyncio.Event(), asyncio.Event()
        self.may_answer.set()
        self.host = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.arrived.append(request.method)
        self.asked.set()
        await self.may_answer.wait()
        return web.json_response(BODY)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", made.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.host = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


def connect(server: Server, fence: Fence | None) -> Client:
    return Client(kubernetes.Configuration(host=server.host), fence)


async def write_all(client: Client) -> Iterator[str]:
    """Tries every way to write; the methods that were refused."""
    refused = []
    attempts = {
        "POST": lambda: client.create(POD, BODY),
        "PUT": lambda: client.replace(POD, BODY),
        "PATCH": lambda: client.apply(POD, BODY),
        "DELETE": lambda: client.delete(POD, "n", "p", "u"),
    }
    for method, attempt in attempts.items():
        try:
            await attempt()
        except Fenced:
            refused.append(method)
    return iter(refused)


async def test_a_closed_fence_stops_every_way_to_write_and_no_read(server: Server) -> None:
    client = connect(server, Fence.closed())
    assert list(await write_all(client)) == ["POST", "PUT", "PATCH", "DELETE"]
    assert server.arrived == []
    await client.get(POD, "n", "p")
    assert server.arrived == ["GET"]
    await client.close()


@pytest.mark.parametrize("fence", [None, Fence(until=10, clock=lambda: 9.9)], ids=["none", "open"])
async def test_where_there_is_time_everything_passes(server: Server, fence: Fence | None) -> None:
    client = connect(server, fence)
    assert list(await write_all(client)) == []
    assert server.arrived == ["POST", "PUT", "PATCH", "DELETE"]
    await client.close()


async def test_the_moment_itself_is_too_late() -> None:
    times = iter([9.999, 10.0])
    fence = Fence(until=10, clock=lambda: next(times))
    fence.check("PATCH")
    with pytest.raises(Fenced, match="does not lead"):
        fence.check("PATCH")


@pytest.mark.parametrize("passed", [1, 2, 3])
async def test_time_that_ends_on_the_way_to_the_connection_stops_the_write(
    server: Server, passed: int
) -> None:
    """The process is paused behind one check after the other: none of them is the last."""
    looks = iter([0.0] * passed + [100.0] * 100)
    client = connect(server, Fence(until=10, clock=lambda: next(looks)))
    with pytest.raises(Fenced):
        await client.apply(POD, BODY)
    assert server.arrived == []
    await client.close()


async def test_draining_lets_what_is_under_way_end_and_nothing_new_begin(server: Server) -> None:
    fence = Fence()
    client = connect(server, fence)
    server.may_answer.clear()
    writing = asyncio.create_task(client.apply(POD, BODY))
    await server.asked.wait()
    draining = asyncio.create_task(fence.drain(60))
    await asyncio.sleep(0)
    with pytest.raises(Fenced):
        await client.apply(POD, BODY)
    assert not draining.done(), "one is still under way"
    server.may_answer.set()
    await draining
    assert (await writing)["kind"] == "Pod"
    assert server.arrived == ["PATCH"]
    await client.close()


async def test_draining_waits_no_longer_than_it_is_told(server: Server) -> None:
    fence = Fence()
    client = connect(server, fence)
    server.may_answer.clear()
    writing = asyncio.create_task(client.apply(POD, BODY))
    await server.asked.wait()
    await fence.drain(0.01)
    assert not writing.done()
    server.may_answer.set()
    await writing
    await client.close()
