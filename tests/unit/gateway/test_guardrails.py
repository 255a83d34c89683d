"""Guardrails that the agreement requires: every text is shown to them, and none may fail."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import orjson
import pytest
from aiohttp import web

from casemate.detector.client import Detector
from casemate.gateway.guard import InForce
from unit.gateway.conftest import Start
from unit.gateway.guarded import delta, in_force, says
from unit.gateway.support import CHAT, DONE, FakeEngine, Running
from unit.gateway.test_guard import engine_says
from unit.gateway.test_guard_failures import readiness

WORD = "PURPLE"
STREAM = {**CHAT, "stream": True}


class Guardrail:
    """A guardrail that finds one word; it can hang, fail or answer nonsense."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.mood = "well"
        self.port = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if self.mood == "hangs":
            await asyncio.sleep(30)
        if self.mood == "fails":
            return web.Response(status=500)
        if self.mood == "babbles":
            return web.json_response({"clean": True})
        if request.method == "GET":
            return web.json_response({})
        texts = orjson.loads(await request.read())["contents"]
        self.seen += texts
        return web.json_response([[self._finding(text)] if WORD in text else [] for text in texts])

    def _finding(self, text: str) -> dict[str, Any]:
        start = text.index(WORD)
        found = {"detection": "word", "detection_type": "words", "score": 0.8}
        return {"start": start, "end": start + len(WORD), **found}


@asynccontextmanager
async def serving() -> AsyncIterator[Guardrail]:
    guardrail = Guardrail()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", guardrail.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    guardrail.port = runner.addresses[0][1]
    try:
        yield guardrail
    finally:
        await runner.cleanup()


@pytest.fixture
async def guardrail() -> AsyncIterator[Guardrail]:
    async with serving() as one:
        yield one


def requiring(*guardrails: Guardrail) -> InForce:
    detectors = [Detector(f"words-{n}", one.port, "words") for n, one in enumerate(guardrails)]
    return replace(in_force(), detectors=tuple(detectors))


def asks(text: str) -> dict[str, Any]:
    return {**CHAT, "messages": [{"role": "user", "content": text}]}


async def test_a_request_is_refused_by_what_a_guardrail_finds(
    start: Start, guardrail: Guardrail, engine: FakeEngine
) -> None:
    gateway = await start(force=requiring(guardrail))

    reply = await gateway.post(asks(f"a {WORD} cow"))
    assert (reply.status, reply.code) == (400, "content_filter")
    assert WORD not in reply.text
    assert engine.requests == []
    assert (await gateway.post(asks("a brown cow"))).status == 200, "control"
    assert "a brown cow" in guardrail.seen
    assert any("hello back" in text for text in guardrail.seen), "the answer was shown too"


@pytest.mark.parametrize("body", [CHAT, STREAM], ids=["whole", "streamed"])
async def test_an_answer_is_withheld_by_what_a_guardrail_finds(
    body: dict[str, Any], start: Start, guardrail: Guardrail, engine: FakeEngine
) -> None:
    gateway = await start(force=requiring(guardrail))
    if body is CHAT:
        engine_says(engine, says(f"a {WORD} cow"))
    else:
        parts = [delta("Here it is. A PUR"), delta("PLE cow. And more. "), DONE]
        engine.respond = lambda request: engine.send_events(request, parts)

    reply = await gateway.post(body)

    assert reply.status == 200
    assert "content_filter" in reply.text
    assert "PUR" not in reply.text
    assert "Here it is" not in reply.text, "nothing leaves before it has seen the end"


@pytest.mark.parametrize("mood", ["hangs", "fails", "babbles"])
async def test_one_that_fails_refuses_everything_until_it_is_well(
    mood: str, start: Start, guardrail: Guardrail, engine: FakeEngine
) -> None:
    async with serving() as other:
        gateway = await start(force=requiring(other, guardrail), check_timeout=0.5)
        assert (await gateway.post(CHAT)).status == 200, "control"
        before = len(engine.requests)

        guardrail.mood = mood
        reply = await gateway.post(CHAT)

        assert (reply.status, reply.code) == (503, "guard_unavailable")
        assert "Retry-After" in reply.headers
        assert len(engine.requests) == before
        assert await gateway.metric('guard_refusals_total{reason="detector"}') == 1
        guardrail.mood = "well"
        assert (await gateway.post(CHAT)).status == 200


async def test_the_pod_is_not_ready_without_it(start: Start, guardrail: Guardrail) -> None:
    gateway = await start(force=requiring(guardrail))
    assert await readiness(gateway) == "ok\n", "control"

    guardrail.mood = "fails"
    await _told(gateway, "not ready: guardrail words-0 answers /health with status 500\n")
    guardrail.mood = "well"
    await _told(gateway, "ok\n")


async def _told(gateway: Running, wanted: str) -> None:
    async with asyncio.timeout(10):
        while await readiness(gateway) != wanted:  # noqa: ASYNC110  it is probed once a second
            await asyncio.sleep(0.05)
