"""Streams: nothing is lost, nothing is kept, nothing ends cleanly that did not."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import ClientPayloadError, web
from openai import APIError

from casemate.gateway import stream
from support.attacks import Layer, attack
from unit.gateway.conftest import Start
from unit.gateway.support import CHAT, DONE, FakeEngine, Running, chunk, completion, until
from unit.gateway.test_clients import client

STREAM = {**CHAT, "stream": True}
MESSAGES: Any = CHAT["messages"]
BIG = chunk("x" * 20_000)


def events(*items: bytes, pause: float = 0) -> Callable[[web.Request], Awaitable[Any]]:
    """Return an engine's behaviour: send these events, then end the response properly."""

    async def respond(request: web.Request) -> web.StreamResponse:
        return await FakeEngine.send_events(None, request, list(items), pause=pause)  # type: ignore[arg-type]

    return respond


async def test_each_event_arrives_before_the_next_is_made(
    gateway: Running, engine: FakeEngine
) -> None:
    step = asyncio.Event()

    async def respond(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for number in range(5):
            await response.write(b"data: " + chunk(f"n{number}") + b"\n\n")
            await step.wait()
            step.clear()
        await response.write(b"data: [DONE]\n\n")
        return response

    engine.respond = respond
    async with client(gateway) as openai:
        arriving = await openai.chat.completions.create(model="m", messages=MESSAGES, stream=True)
        seen = []
        async for event in arriving:
            seen.append(event.choices[0].delta.content)
            step.set()
    assert seen == [f"n{number}" for number in range(5)]


async def test_a_client_that_leaves_cancels_the_engine_at_once(
    gateway: Running, engine: FakeEngine
) -> None:
    engine.respond = events(*[chunk("x")] * 1000, pause=0.01)
    async with client(gateway) as openai:
        arriving = await openai.chat.completions.create(model="m", messages=MESSAGES, stream=True)
        await anext(aiter(arriving))
        await arriving.close()
    await asyncio.wait_for(engine.aborted.wait(), 20)
    metric = 'requests_total{code="499",path="/v1/chat/completions"}'
    async with asyncio.timeout(20):
        while await gateway.metric(metric) != 1:
            pass
    assert await gateway.metric("requests_in_flight") == 0


async def test_a_client_that_leaves_before_the_answer_cancels_the_engine_too(
    gateway: Running, engine: FakeEngine
) -> None:
    async def respond(_request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    engine.respond = respond
    asking = asyncio.create_task(gateway.post(CHAT))
    await until(lambda: bool(engine.requests))
    asking.cancel()
    await asyncio.wait_for(engine.aborted.wait(), 20)


async def test_a_client_that_does_not_read_stops_the_engine_not_the_memory(
    gateway: Running, engine: FakeEngine
) -> None:
    sent = 0

    async def respond(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for _ in range(2_000):  # 40 MB
            await response.write(b"data: " + BIG + b"\n\n")
            sent += 1
        return response

    engine.respond = respond
    body = json.dumps(STREAM).encode()
    async with gateway.connect() as (reader, writer):
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        head = (
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        )
        writer.write(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        await until(lambda: sent > 0)
        before = -1
        while before != sent:
            before = sent
            await asyncio.sleep(0.2)
        assert sent < 1_000
        writer.transport.resume_reading()  # type: ignore[attr-defined]
        async with asyncio.timeout(20):
            while sent == before:
                assert await reader.read(65_536)


@pytest.mark.parametrize("after", [0, 1, 3])
async def test_an_engine_that_dies_within_a_stream_is_an_error_for_the_client(
    after: int, gateway: Running, engine: FakeEngine
) -> None:
    async def respond(request: web.Request) -> web.StreamResponse:
        response = await engine.send_events(request, [chunk("x")] * after)
        await asyncio.sleep(0.05)
        engine.kill()
        return response

    engine.respond = respond
    async with client(gateway) as openai:
        with pytest.raises(APIError):  # noqa: PT012  it fails at once or within
            arriving = await openai.chat.completions.create(
                model="m", messages=MESSAGES, stream=True
            )
            async for _ in arriving:
                pass


UNCLEAN: dict[str, Callable[[web.Request], Awaitable[Any]]] = {
    "ends without [DONE]": events(chunk("x")),
    "sends no JSON": events(chunk("x"), b"{", DONE, pause=0.05),
    "sends an error": events(chunk("x"), b'{"error": {"message": "oom"}}', DONE, pause=0.05),
    "sends a field of the wrong type": events(
        chunk("x"), b'{"choices": [{"delta": {"content": 1}}]}', DONE, pause=0.05
    ),
    "sends an endless event": events(chunk("x"), b"y" * 3_000, DONE, pause=0.05),
    "sends more than allowed": events(*[chunk("x" * 900)] * 30, DONE, pause=0.005),
    "falls silent": events(chunk("x"), chunk("y"), DONE, pause=2),
}


@attack("engine", "a stream that falls silent, swells or breaks after it began", Layer.GATEWAY)
@pytest.mark.parametrize("respond", UNCLEAN.values(), ids=UNCLEAN.keys())
async def test_a_stream_that_fails_after_it_began_is_cut_and_never_ends_cleanly(
    respond: Callable[[web.Request], Awaitable[Any]], start: Start, engine: FakeEngine
) -> None:
    engine.respond = respond
    gateway = await start(idle_timeout=0.3, max_event_bytes=2_000, max_response_bytes=20_000)
    url = f"{gateway.url}/v1/chat/completions"
    got = b""
    async with gateway.session() as session, session.post(url, json=STREAM) as answer:
        with pytest.raises(ClientPayloadError):  # noqa: PT012  the loop reads until the cut
            async for part in answer.content.iter_any():
                got += part
    assert b'"content":"x' in got
    assert b'"error":{"message"' in got
    assert b"[DONE]" not in got


async def test_the_same_stream_done_right_ends_cleanly(start: Start, engine: FakeEngine) -> None:
    engine.respond = events(chunk("x"), chunk("y"), DONE, pause=0.05)
    gateway = await start(idle_timeout=0.3, max_event_bytes=2_000, max_response_bytes=20_000)
    reply = await gateway.post(STREAM)
    assert reply.text.endswith("data: [DONE]\n\n")


async def test_a_burst_of_arrivingkeeps_its_order_and_number(
    gateway: Running, engine: FakeEngine
) -> None:
    engine.respond = events(*[chunk(f"n{number} ") for number in range(3_000)], DONE)
    reply = await gateway.post(STREAM)
    texts = [
        json.loads(line[6:])["choices"][0]["delta"]["content"]
        for line in reply.text.splitlines()
        if line.startswith("data: {")
    ]
    assert texts == [f"n{number} " for number in range(3_000)]


WHOLE: dict[str, tuple[Callable[[web.Request], Awaitable[Any]], int, str]] = {}


def whole(name: str, code: int, word: str) -> Callable[[Any], Any]:
    def keep(respond: Callable[[web.Request], Awaitable[Any]]) -> Any:
        WHOLE[name] = respond, code, word
        return respond

    return keep


@whole("refuses with its own words", 400, "engine_refused")
async def _refuse(_request: web.Request) -> web.Response:
    return web.json_response({"error": {"message": "in /models/secret"}}, status=400)


@whole("does not know the model", 404, "engine_refused")
async def _unknown(_request: web.Request) -> web.Response:
    return web.json_response({"error": "secret"}, status=404)


@whole("cannot do this", 404, "engine_refused")
async def _cannot(_request: web.Request) -> web.Response:
    return web.json_response({"error": "secret"}, status=501)


@whole("is loading", 503, "engine_unavailable")
async def _loading(_request: web.Request) -> web.Response:
    return web.json_response({"error": "secret"}, status=503)


@whole("fails", 502, "engine_broken")
async def _fail(_request: web.Request) -> web.Response:
    return web.Response(text="secret trace", status=500)


@whole("redirects", 502, "engine_broken")
async def _redirect(_request: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": "http://secret"})


@whole("answers text", 502, "engine_broken")
async def _text(_request: web.Request) -> web.Response:
    return web.Response(text="secret")


@whole("answers JSON as something else", 502, "engine_broken")
async def _mistyped(_request: web.Request) -> web.Response:
    return web.Response(text=json.dumps(completion("secret")), content_type="text/html")


@whole("answers no choices", 502, "engine_broken")
async def _empty(_request: web.Request) -> web.Response:
    return web.json_response({"secret": 1})


@whole("answers an endless document", 502, "engine_broken")
async def _endless(_request: web.Request) -> web.Response:
    return web.json_response({"choices": [], "secret": "x" * 30_000})


@whole("does not answer", 504, "engine_timeout")
async def _silent(_request: web.Request) -> web.Response:
    await asyncio.sleep(5)
    return web.json_response({"secret": 1})


@attack("engine", "an answer too slow or too large, or an error in its own words", Layer.GATEWAY)
@pytest.mark.parametrize("body", [CHAT, STREAM], ids=["whole", "streamed"])
@pytest.mark.parametrize("told", WHOLE.values(), ids=WHOLE.keys())
async def test_an_engine_that_fails_has_its_status_and_its_words_replaced(
    told: tuple[Any, int, str], body: dict[str, Any], start: Start, engine: FakeEngine
) -> None:
    engine.respond, code, word = told
    gateway = await start(first_byte_timeout=0.3, max_response_bytes=20_000)
    reply = await gateway.post(body)
    assert (reply.status, reply.code) == (code, word)
    assert "secret" not in reply.text
    assert await gateway.metric(f'upstream_errors_total{{kind="{word}"}}') == 1


async def test_no_engine_at_all_is_503_with_retry_after(
    gateway: Running, engine: FakeEngine
) -> None:
    engine.socket.unlink()
    reply = await gateway.post(CHAT)
    assert (reply.status, reply.code) == (503, "engine_unavailable")
    assert reply.headers["Retry-After"] == "5"


async def test_requests_beyond_the_places_are_429_and_the_place_comes_back(
    start: Start, engine: FakeEngine
) -> None:
    engine.respond = events(chunk("x"), DONE, pause=0.3)
    gateway = await start(max_in_flight=1)
    first = asyncio.create_task(gateway.post(STREAM))
    await until(lambda: bool(engine.requests))
    second = await gateway.post(STREAM)
    assert (second.status, second.code) == (429, "rate_limit_exceeded")
    assert second.headers["Retry-After"] == "1"
    assert (await first).status == 200
    assert (await gateway.post(STREAM)).status == 200


async def test_the_total_time_ends_even_a_lively_stream(start: Start, engine: FakeEngine) -> None:
    engine.respond = events(*[chunk("x")] * 500, DONE, pause=0.02)
    gateway = await start(total_timeout=0.4)
    url = f"{gateway.url}/v1/chat/completions"
    async with gateway.session() as session, session.post(url, json=STREAM) as answer:
        with pytest.raises(ClientPayloadError):
            await asyncio.wait_for(answer.read(), 20)
    await asyncio.wait_for(engine.aborted.wait(), 20)


async def test_an_engine_that_does_not_end_its_answer_does_not_spoil_it(
    start: Start, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "_TAIL_SECONDS", 5)

    async def respond(request: web.Request) -> web.StreamResponse:
        response = await engine.send_events(request, [chunk("x"), DONE])
        await asyncio.sleep(5)
        return response

    engine.respond = respond
    gateway = await start(total_timeout=0.5)
    body = json.dumps(STREAM).encode()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
    kind = b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    answer = await gateway.raw(head + kind + body)
    assert b"data: [DONE]" in answer
    assert answer.endswith(b"\r\n0\r\n\r\n")


async def test_a_whole_answer_that_is_not_read_is_cut_and_gives_its_place_back(
    start: Start, engine: FakeEngine
) -> None:
    async def respond(_request: web.Request) -> web.Response:
        engine.respond = None
        return web.json_response(completion("x" * 40_000_000))

    engine.respond = respond
    gateway = await start(idle_timeout=1, max_in_flight=1, max_response_bytes=50_000_000)
    body = json.dumps(CHAT).encode()
    async with gateway.connect() as (_, writer):
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n"
        kind = b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        writer.write(head + kind + body)
        await until(lambda: bool(engine.requests))
        assert (await gateway.post(CHAT)).status == 429
        async with asyncio.timeout(30):
            while await gateway.metric('refusals_total{reason="slow_client"}') != 1:
                pass
    assert (await gateway.post(CHAT)).status == 200
