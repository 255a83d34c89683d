"""Hostile clients on raw TLS connections; beside each attack stands the same request done right."""

import asyncio
import contextlib
import gzip
import json

import pytest

from unit.gateway.conftest import Start
from unit.gateway.support import CHAT, FakeEngine, Running, until

BODY = json.dumps(CHAT).encode()
PATH = b"POST /v1/chat/completions HTTP/1.1\r\n"
HOST = b"Host: localhost\r\n"
TYPE = b"Content-Type: application/json\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
CLOSE = b"Connection: close\r\n"
CHUNKS = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
CODED = b"Transfer-Encoding: chunked\r\n"
SMUGGLED = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n"


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


GOOD = {
    "with a length": PATH + HOST + TYPE + LENGTH + CLOSE + b"\r\n" + BODY,
    "in chunks": PATH + HOST + TYPE + CODED + CLOSE + b"\r\n" + CHUNKS,
    "after 100 Continue": (
        PATH + HOST + TYPE + LENGTH + CLOSE + b"Expect: 100-continue\r\n\r\n" + BODY
    ),
    "with sixty headers": (
        PATH + HOST + TYPE + LENGTH + CLOSE + b"X-A: b\r\n" * 55 + b"\r\n" + BODY
    ),
}


@pytest.mark.parametrize("data", GOOD.values(), ids=GOOD.keys())
async def test_a_correct_raw_request_is_answered(
    data: bytes, gateway: Running, engine: FakeEngine
) -> None:
    answer = await gateway.raw(data)
    assert status(answer) == 200
    assert json.loads(engine.requests[0][3]) == CHAT


MALFORMED = {
    "length and chunks": PATH + HOST + TYPE + LENGTH + CODED + b"\r\n" + CHUNKS,
    "chunks and length": PATH + HOST + TYPE + CODED + LENGTH + b"\r\n" + CHUNKS,
    "two lengths": PATH + HOST + TYPE + LENGTH + b"Content-Length: 3\r\n\r\n" + BODY,
    "the same length twice": PATH + HOST + TYPE + LENGTH + LENGTH + b"\r\n" + BODY,
    "a list of lengths": PATH + HOST + TYPE + b"Content-Length: 5, 5\r\n\r\n" + BODY,
    "a signed length": PATH + HOST + TYPE + b"Content-Length: +%d\r\n\r\n" % len(BODY) + BODY,
    "a hexadecimal length": PATH + HOST + TYPE + b"Content-Length: 0x10\r\n\r\n" + BODY,
    "chunked twice": PATH + HOST + TYPE + CODED + CODED + b"\r\n" + CHUNKS,
    "an unknown coding": (
        PATH + HOST + TYPE + b"Transfer-Encoding: xchunked\r\n\r\n" + CHUNKS + SMUGGLED
    ),
    "gzip, chunked": PATH + HOST + TYPE + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + CHUNKS,
    "a coding behind a tab": (
        PATH + HOST + TYPE + b"Transfer-Encoding\t: chunked\r\n\r\n" + CHUNKS + SMUGGLED
    ),
    "a space before the colon": (
        PATH + HOST + TYPE + b"Content-Length : %d\r\n\r\n" % len(BODY) + BODY
    ),
    "a folded header": PATH + HOST + TYPE + LENGTH + b"X-A: b\r\n c\r\n\r\n" + BODY,
    "a NUL in a header": PATH + HOST + TYPE + LENGTH + b"X-A: \x00\r\n\r\n" + BODY,
    "a bare CR in a header": PATH + HOST + TYPE + LENGTH + b"X-A: b\rX-B: c\r\n\r\n" + BODY,
    "a header without a colon": PATH + HOST + TYPE + LENGTH + b"X-A\r\n\r\n" + BODY,
    "a chunk size of letters": PATH + HOST + TYPE + CODED + b"\r\nxyz\r\n" + BODY,
    "a chunk longer than said": PATH + HOST + TYPE + CODED + b"\r\n1\r\n" + BODY + b"\r\n0\r\n\r\n",
    "no host": PATH + TYPE + LENGTH + b"\r\n" + BODY,
    "two hosts": PATH + HOST + HOST + TYPE + LENGTH + b"\r\n" + BODY,
    "two content types": PATH + HOST + TYPE + TYPE + LENGTH + b"\r\n" + BODY,
    "HTTP/1.0": PATH.replace(b"1.1", b"1.0") + HOST + TYPE + LENGTH + b"\r\n" + BODY,
    "HTTP/1.2": PATH.replace(b"1.1", b"1.2") + HOST + TYPE + LENGTH + b"\r\n" + BODY,
    "HTTP/2 by preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "an upgrade to h2c": (
        PATH + HOST + TYPE + LENGTH + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n" + BODY
    ),
    "an upgrade by its own header alone": (
        PATH + HOST + TYPE + LENGTH + b"Upgrade: h2c\r\n\r\n" + BODY
    ),
    "an upgrade to WebSocket": (
        b"GET /v1/models HTTP/1.1\r\n"
        + HOST
        + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ),
    "a body where none belongs": b"GET /v1/models HTTP/1.1\r\n" + HOST + LENGTH + b"\r\n" + BODY,
    "a huge header": PATH + HOST + TYPE + LENGTH + b"X-A: " + b"b" * 20_000 + b"\r\n\r\n" + BODY,
    "a huge target": b"POST /" + b"a" * 20_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "a thousand headers": PATH + HOST + TYPE + LENGTH + b"X-A: b\r\n" * 1000 + b"\r\n" + BODY,
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED.keys())
async def test_a_malformed_request_is_refused_and_ends_the_connection(
    data: bytes, gateway: Running, engine: FakeEngine
) -> None:
    answer = await gateway.raw(data)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert status(answer) == 400
    assert json.loads(body)["error"]["type"] == "invalid_request_error"
    assert b"connection: close" in head.lower()
    assert b"aiohttp" not in answer.lower()
    assert engine.requests == []


ELSEWHERE = {
    "absolute form": b"GET http://localhost/v1/models HTTP/1.1\r\n",
    "absolute form to another host": b"GET http://127.0.0.1:9/v1/models HTTP/1.1\r\n",
    "CONNECT": b"CONNECT localhost:443 HTTP/1.1\r\n",
    "a path in dots": b"GET /v1/../v1/models HTTP/1.1\r\n",
    "an encoded path": b"GET /v1/%6dodels HTTP/1.1\r\n",
    "a double slash": b"GET //v1/models HTTP/1.1\r\n",
    "another method": b"DELETE /v1/models HTTP/1.1\r\n",
    "HEAD": b"HEAD /v1/models HTTP/1.1\r\n",
    "TRACE": b"TRACE /v1/models HTTP/1.1\r\n",
    "the engine's own paths": b"GET /health HTTP/1.1\r\n",
}


@pytest.mark.parametrize("line", ELSEWHERE.values(), ids=ELSEWHERE.keys())
async def test_nothing_but_the_listed_targets_reaches_the_engine(
    line: bytes, gateway: Running, engine: FakeEngine
) -> None:
    answer = await gateway.raw(line + HOST + CLOSE + b"\r\n")
    assert status(answer) in {400, 404, 405}
    assert engine.requests == []
    control = b"GET /v1/models HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n"
    assert status(await gateway.raw(control)) == 200


async def test_an_answer_to_head_has_no_body_that_could_pass_for_the_next_answer(
    gateway: Running,
) -> None:
    answer = await gateway.raw(b"HEAD /v1/models HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n")
    assert status(answer) == 405
    assert answer.endswith(b"\r\n\r\n")


async def test_a_flood_of_pipelined_requests_ends_the_connection(
    gateway: Running, engine: FakeEngine
) -> None:
    one = PATH + HOST + TYPE + LENGTH + b"\r\n" + BODY
    answer = await gateway.raw(one * 50)
    assert answer.count(b"HTTP/1.1 200") <= 2
    assert len(engine.requests) <= 2
    assert status(await gateway.raw(GOOD["with a length"])) == 200


async def test_two_requests_one_after_the_other_share_a_connection(gateway: Running) -> None:
    async with gateway.connect() as (reader, writer):
        for _ in range(2):
            writer.write(PATH + HOST + TYPE + LENGTH + b"\r\n" + BODY)
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.split(b"\r\n") if b"Content-Length" in line)
            await reader.readexactly(int(length.split()[1]))
            assert status(head) == 200


async def test_a_head_that_drips_is_cut_off_while_others_are_served(start: Start) -> None:
    gateway = await start(header_timeout=0.4)
    async with gateway.connect() as (reader, writer):
        dripping = asyncio.create_task(reader.read())
        async with asyncio.timeout(20):
            for byte in PATH + HOST + b"X-A: " + b"b" * 10_000:
                writer.write(bytes([byte]))
                await asyncio.sleep(0.02)
                if dripping.done():
                    break
        with contextlib.suppress(ConnectionError):
            assert await dripping == b""
        assert status(await gateway.raw(GOOD["with a length"])) == 200


async def test_a_connection_that_stays_silent_is_closed(start: Start) -> None:
    gateway = await start(header_timeout=0.2)
    async with gateway.connect() as (reader, _):
        assert await asyncio.wait_for(reader.read(), 20) == b""


async def test_a_body_that_drips_is_refused_with_408(start: Start, engine: FakeEngine) -> None:
    gateway = await start(body_timeout=0.2)
    answer = await gateway.raw(PATH + HOST + TYPE + LENGTH + b"\r\n" + BODY[:5])
    assert status(answer) == 408
    assert engine.requests == []


async def test_a_handshake_that_is_not_begun_is_cut_off(start: Start) -> None:
    gateway = await start(handshake_timeout=0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    with contextlib.suppress(ConnectionError):
        assert await asyncio.wait_for(reader.read(), 20) == b""
    writer.close()


async def test_compressed_bodies_are_refused_unread(gateway: Running, engine: FakeEngine) -> None:
    bomb = gzip.compress(b'{"model":"' + b"m" * 50_000_000 + b'"}')
    coded = b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    assert status(await gateway.raw(PATH + HOST + TYPE + coded + bomb)) == 415
    plain = gzip.compress(BODY)
    coded = b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(plain)
    assert status(await gateway.raw(PATH + HOST + TYPE + coded + plain)) == 415
    assert engine.requests == []


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/json; charset=utf-16", "", "text/json"]
)
async def test_any_other_content_type_is_refused(
    kind: str, gateway: Running, engine: FakeEngine
) -> None:
    reply = await gateway.post(data=BODY, headers={"Content-Type": kind})
    assert reply.status == 415
    assert engine.requests == []


@pytest.mark.parametrize("limit", [5_000, 2_000_000], ids=["in one read", "in many reads"])
@pytest.mark.parametrize("framing", ["by length", "in chunks"])
async def test_a_body_at_the_limit_passes_and_one_byte_more_does_not(
    framing: str, limit: int, start: Start, engine: FakeEngine
) -> None:
    gateway = await start(max_body_bytes=limit)
    for size, expected in ((limit, 200), (limit + 1, 413)):
        body = BODY + b" " * (size - len(BODY))
        if framing == "in chunks":
            framed = CODED + CLOSE + b"\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        else:
            framed = CLOSE + b"Content-Length: %d\r\n\r\n" % size + body
        assert status(await gateway.raw(PATH + HOST + TYPE + framed)) == expected
    assert len(engine.requests) == 1


async def test_bodies_being_received_are_bounded_together(start: Start) -> None:
    gateway = await start(max_buffered_bytes=1_000, max_body_bytes=900)
    slow = PATH + HOST + TYPE + b"Content-Length: 900\r\n\r\n" + b" " * 800
    async with gateway.connect() as (_, writer):
        writer.write(slow)
        await writer.drain()
        assert status(await gateway.raw(slow, wait=1)) == 429
    assert status(await gateway.raw(GOOD["with a length"])) == 200


async def test_a_flood_of_connections_leaves_room_for_a_request(start: Start) -> None:
    gateway = await start(max_connections=8, handshake_timeout=30, header_timeout=30)
    silent = [await asyncio.open_connection("127.0.0.1", gateway.port) for _ in range(12)]
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(12):
            await stack.enter_async_context(gateway.connect())
        assert status(await gateway.raw(GOOD["with a length"])) == 200
        assert await gateway.metric("connections") <= 8
    for _, writer in silent:
        writer.close()


async def test_a_flood_never_drops_a_request_at_work(start: Start, engine: FakeEngine) -> None:
    more = asyncio.Event()

    async def respond(request: object) -> object:
        await more.wait()
        engine.respond = None
        return await engine._default(request, BODY)  # type: ignore[arg-type]

    engine.respond = respond  # type: ignore[assignment]
    gateway = await start(max_connections=4)
    working = asyncio.create_task(gateway.raw(GOOD["with a length"]))
    await until(lambda: bool(engine.requests))
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(10):
            await stack.enter_async_context(gateway.connect())
        more.set()
        assert status(await working) == 200


async def test_of_the_clients_headers_only_listed_ones_in_listed_form_reach_the_engine(
    gateway: Running, engine: FakeEngine
) -> None:
    sent = {
        "Authorization": "Bearer secret",
        "Cookie": "a=b",
        "X-Forwarded-For": "1.2.3.4",
        "X-Request-Id": "abc-1",
        "Traceparent": "not in form",
        "User-Agent": "u",
    }
    await gateway.post(CHAT, headers=sent)
    headers = engine.requests[0][2]
    framing = {"Host", "Connection", "Content-Type", "Content-Length"}
    assert headers.keys() == framing | {"Accept", "X-Request-ID"}
    assert headers["Host"] == "localhost"
    assert headers["X-Request-ID"] == "abc-1"


@pytest.mark.parametrize("body", [CHAT, {**CHAT, "stream": True}], ids=["whole", "streamed"])
async def test_nothing_of_the_engine_shows_in_an_answer(
    body: dict[str, object], gateway: Running
) -> None:
    reply = await gateway.post(body)
    assert reply.status == 200
    assert reply.headers["Server"] == "casemate"
    assert reply.headers.keys() <= {
        "Content-Type",
        "Cache-Control",
        "X-Content-Type-Options",
        "Server",
        "Date",
        "Content-Length",
        "Transfer-Encoding",
    }
    for secret in ("gguf", "fingerprint", "timings", "secret"):
        assert secret not in reply.text
    assert '"model":"m"' in reply.text
