"""The kill switch at the gateway: nothing is answered, what is under way is cut; so in doubt."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import ClientError, ClientSession, web

from casemate.gateway import stops
from casemate.gateway.checks import Chain
from support.attacks import Layer, attack
from unit.gateway.conftest import Start
from unit.gateway.desk import ANN, Desk, ask, bearer, refusals
from unit.gateway.support import CHAT, FakeEngine, Running, chunk, until

WANTED_SECONDS = 2.0
STREAM = {**CHAT, "stream": True}


async def models(gateway: Running, path: str = "/v1/models") -> tuple[int, dict[str, Any]]:
    async with (
        gateway.session() as session,
        session.get(gateway.url + path, headers=bearer(ANN)) as answer,
    ):
        return answer.status, await answer.json()


async def ready(gateway: Running) -> tuple[int, str]:
    url = f"{gateway.admin_url}/readyz"
    async with ClientSession() as session, session.get(url) as answer:
        return answer.status, await answer.text()


def now(gateway: Running) -> str:
    """The reason why it answers nothing, or ""."""
    assert gateway.gateway.stops is not None
    refusal = gateway.gateway.stops.refusal()
    return refusal.reason.value if refusal else ""


async def in_force(gateway: Running, reason: str) -> float:
    """Wait until it answers nothing for a reason; return the seconds."""
    began = time.monotonic()
    await until(lambda: now(gateway) == reason, 5)
    return time.monotonic() - began


async def test_it_refuses_at_once_and_says_which_switch_but_neither_who_nor_why(
    asking: Running, desk: Desk, engine: FakeEngine
) -> None:
    assert (await ask(asking, ANN)).status == 200, "control"
    desk.stop("drill-7")
    assert await in_force(asking, "stopped") < WANTED_SECONDS
    seen = len(engine.requests)
    reply = await ask(asking, ANN)
    assert (reply.status, reply.code) == (403, "stopped")
    assert reply.document["error"]["type"] == "permission_error"
    assert "KillSwitch drill-7" in reply.text
    assert "eve" not in reply.text
    assert "exercise" not in reply.text
    for path in ("/v1/models", "/v1/models/m"):
        status, said = await models(asking, path)
        assert (status, said["error"]["code"]) == (403, "stopped")
    assert (await asking.post(CHAT)).status == 403, "without a name, too"
    assert len(engine.requests) == seen
    assert await refusals(asking, "stopped") == 4
    assert await asking.metric('stopped{why="stopped"}') == 1
    assert (await ready(asking))[0] == 200, "it gives the answer that it should"

    desk.tell(stopped="", switch="")
    await until(lambda: not now(asking))
    assert (await ask(asking, ANN)).status == 200
    assert await asking.metric('stopped{why="stopped"}') == 0


@attack("stops", "an answer that goes on after the stop", Layer.GATEWAY)
@pytest.mark.parametrize("body", [STREAM, CHAT], ids=["a stream", "a whole answer"])
async def test_what_is_under_way_is_cut_within_two_seconds(
    asking: Running, desk: Desk, engine: FakeEngine, body: dict[str, Any]
) -> None:
    begun = asyncio.Event()

    async def slow(request: web.Request) -> web.StreamResponse:
        begun.set()
        if "stream" not in body:
            await asyncio.sleep(60)
        return await engine.send_events(request, [chunk("a word ")] * 2000, pause=0.01)

    engine.respond = slow
    answering = asyncio.create_task(whole(asking, body))
    async with asyncio.timeout(5):
        await begun.wait()
    stopped_at = time.monotonic()
    desk.stop()
    with pytest.raises(ClientError):
        await answering
    assert time.monotonic() - stopped_at < WANTED_SECONDS
    async with asyncio.timeout(5):
        await engine.aborted.wait()
    await until(lambda: desk.records[-1]["kind"] == "outcome")
    assert desk.records[-1]["reason"] == "stopped"
    assert await refusals(asking, "stopped") == 1


async def whole(gateway: Running, body: dict[str, Any]) -> bytes:
    async with (
        gateway.session() as session,
        session.post(
            f"{gateway.url}/v1/chat/completions", json=body, headers=bearer(ANN)
        ) as answer,
    ):
        return await answer.read()


async def test_before_the_first_answer_nothing_is_answered(
    start: Start, desk: Desk, engine: FakeEngine
) -> None:
    gate = asyncio.Event()

    async def waits(_: web.Request) -> web.StreamResponse:
        await gate.wait()
        return web.json_response(desk.stops)

    desk.stop_answer = waits
    gateway = await start(identity=desk.identity, heard=False)
    reply = await ask(gateway, ANN)
    assert (reply.status, reply.code) == (503, "stops_unknown")
    assert reply.headers["Retry-After"] == "5"
    assert (await models(gateway))[0] == 503
    assert engine.requests == []
    assert desk.records == []
    status, told = await ready(gateway)
    assert (status, told) == (
        503,
        "not ready: kill switches: the warden has not answered yet\n",
    )
    assert await gateway.metric('stopped{why="stops_unknown"}') == 1
    gate.set()
    await gateway.heard()
    assert (await ask(gateway, ANN)).status == 200
    assert (await ready(gateway))[0] == 200


@attack("stops", "the way from the gateway to the warden, cut", Layer.GATEWAY)
async def test_without_an_answer_for_too_long_it_cuts_and_refuses(
    start: Start, desk: Desk, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stops, "KNOWN_SECONDS", 1.5)
    monkeypatch.setattr(stops, "ASK_SECONDS", 0.5)
    monkeypatch.setattr(stops, "RETRY_SECONDS", 0.1)
    gateway = await start(identity=desk.identity)
    await until(lambda: not now(gateway))

    async def endless(request: web.Request) -> web.StreamResponse:
        return await engine.send_events(request, [chunk("a word ")] * 2000, pause=0.01)

    engine.respond = endless

    async def silent(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        raise AssertionError("nobody waits that long")

    answering = asyncio.create_task(whole(gateway, STREAM))
    await until(lambda: bool(engine.requests))
    desk.stop_answer = silent
    began = time.monotonic()
    with pytest.raises(ClientError):
        await answering
    assert 0.5 < time.monotonic() - began < 1.5 + WANTED_SECONDS
    assert now(gateway) == "stops_unknown"
    engine.respond = None
    assert (await ask(gateway, ANN)).code == "stops_unknown"
    desk.stop_answer = None
    await gateway.heard()
    assert (await ask(gateway, ANN)).status == 200


def says(**changed: Any) -> Callable[[Desk], web.Response]:
    return lambda desk: web.json_response({**desk.stops, **changed})


NO_ANSWERS: dict[str, Callable[[Desk], web.Response]] = {
    "that it does not know itself": says(known=False, stopped="the API server does not tell"),
    "500": lambda _: web.json_response({}, status=500),
    "401 about the gateway": lambda _: web.json_response({"reason": "bad_token"}, status=401),
    "503 that looks like an answer": lambda desk: web.json_response(desk.stops, status=503),
    "no JSON": lambda _: web.Response(text="nothing is stopped"),
    "a list": lambda desk: web.json_response([desk.stops]),
    "known that is a text": says(known="yes"),
    "no known": lambda _: web.json_response({"serial": 1, "stopped": "", "switch": ""}),
    "stopped that is a number": says(stopped=0),
    "a serial that is true": says(serial=True),
    "no switch": lambda _: web.json_response({"serial": 1, "known": True, "stopped": ""}),
}


@pytest.mark.parametrize("say", NO_ANSWERS.values(), ids=NO_ANSWERS.keys())
async def test_what_is_no_answer_lets_nothing_pass(
    start: Start, desk: Desk, engine: FakeEngine, say: Callable[[Desk], web.Response]
) -> None:
    asked = asyncio.Event()

    async def answer(_: web.Request) -> web.StreamResponse:
        asked.set()
        return say(desk)

    desk.stop_answer = answer
    gateway = await start(identity=desk.identity, heard=False)
    async with asyncio.timeout(5):
        await asked.wait()
    assert (await ask(gateway, ANN)).code == "stops_unknown"
    assert engine.requests == []
    desk.stop_answer = None
    await gateway.heard()
    assert (await ask(gateway, ANN)).status == 200, "control"


async def test_a_warden_that_refuses_an_intent_is_believed_at_once(
    asking: Running, desk: Desk, engine: FakeEngine
) -> None:
    desk.refused = {"reason": "stopped", "message": "stopped by eve: an exercise"}
    reply = await ask(asking, ANN)
    assert (reply.status, reply.code) == (403, "stopped")
    assert "eve" not in reply.text
    assert engine.requests == []
    desk.refused = None
    assert (await ask(asking, ANN)).status == 200, "control"


async def test_where_there_is_no_warden_nothing_is_asked(gateway: Running) -> None:
    assert gateway.gateway.stops is None
    assert (await gateway.post(CHAT)).status == 200
    for why in ("stopped", "stops_unknown"):
        assert await gateway.metric(f'stopped{{why="{why}"}}') == 0


async def test_a_stop_while_a_request_waits_in_a_check_lets_nothing_reach_the_engine(
    start: Start, desk: Desk, engine: FakeEngine
) -> None:
    gateway = await start(Chain(), identity=desk.identity)
    head = (
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json"
        b"\r\nAuthorization: Bearer " + ANN.encode() + b"\r\nContent-Length: 900\r\n\r\n{"
    )
    async with gateway.connect() as (reader, writer):
        writer.write(head)
        await until(lambda: bool(desk.asked))
        desk.stop()
        async with asyncio.timeout(WANTED_SECONDS):
            assert b"200" not in await reader.read()
    assert engine.requests == []


async def test_a_warden_that_does_not_know_is_asked_no_more_often_than_one_that_does(
    start: Start, desk: Desk
) -> None:
    asked = []

    async def unsure(request: web.Request) -> web.StreamResponse:
        asked.append(request.query["since"])
        if len(asked) > 1:
            await asyncio.sleep(60)
        return web.json_response({**desk.stops, "known": False, "stopped": "not known"})

    desk.stop_answer = unsure
    gateway = await start(identity=desk.identity, heard=False)
    await until(lambda: len(asked) == 2)
    assert asked == ["", "1"]
    assert (await ready(gateway))[1] == "not ready: kill switches: not known\n"
