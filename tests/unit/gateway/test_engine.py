"""The engine's answers as bytes: a good one reads the same however it is cut, a bad one never."""

import asyncio
import contextlib
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from casemate.gateway.checks import Chain
from casemate.gateway.settings import Address, EngineAddress
from support.attacks import Layer, attack
from unit.gateway.conftest import Start
from unit.gateway.support import (
    CHAT,
    Authority,
    FakeEngine,
    Reply,
    Running,
    completion,
    running_gateway,
    settings_for,
)

Script = Callable[[asyncio.StreamWriter], Awaitable[None]]

BODY = json.dumps(completion("hello back")).encode()
TYPE = b"Content-Type: application/json\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
CODED = b"Transfer-Encoding: chunked\r\n"
OK = b"HTTP/1.1 200 OK\r\n" + TYPE
PLAIN = OK + LENGTH + b"\r\n" + BODY
CHUNKED = (
    OK
    + CODED
    + b"\r\n5\r\n%b\r\n%x;x=y\r\n%b\r\n0\r\nTrailer: t\r\n\r\n"
    % (BODY[:5], len(BODY) - 5, BODY[5:])
)


@contextlib.asynccontextmanager
async def raw_engine(path: Path, script: Script) -> AsyncIterator[None]:
    """Answer each request with what ``script`` writes; then the connection ends."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = next((line for line in head.split(b"\r\n") if b"Content-Length" in line), b"")
            await reader.readexactly(int(length.partition(b":")[2] or 0))
            await script(writer)
        writer.close()

    path.unlink(missing_ok=True)  # noqa: ASYNC240  a socket's name, in a test
    server = await asyncio.start_unix_server(serve, path)
    try:
        yield
    finally:
        server.close()


def says(*pieces: bytes) -> Script:
    """Return a script that writes each piece by itself."""

    async def script(writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)

    return script


def repeats(head: bytes, piece: bytes) -> Script:
    """Return a script that never ends."""

    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.001)

    return script


async def answer(gateway: Running, engine: FakeEngine, script: Script) -> Reply:
    async with raw_engine(engine.socket, script):
        return await gateway.post(CHAT)


GOOD = {
    "with a length": PLAIN,
    "in chunks": CHUNKED,
    "behind interim answers": b"HTTP/1.1 102 Processing\r\n\r\n" * 3 + PLAIN,
    "of HTTP/1.0, with a length": PLAIN.replace(b"1.1", b"1.0", 1),
}


@pytest.mark.parametrize("raw", GOOD.values(), ids=GOOD.keys())
async def test_a_proper_answer_reads_the_same_whole_and_byte_by_byte(
    raw: bytes, gateway: Running, engine: FakeEngine
) -> None:
    for pieces in ([raw], [raw[at : at + 1] for at in range(len(raw))]):
        reply = await answer(gateway, engine, says(*pieces))
        assert reply.status == 200
        assert reply.document["choices"][0]["message"]["content"] == "hello back"


@attack("engine", "an answer that breaks off, at any byte", Layer.GATEWAY)
@pytest.mark.parametrize("raw", [PLAIN, CHUNKED], ids=["with a length", "in chunks"])
async def test_no_shortened_answer_counts_as_whole(
    raw: bytes, gateway: Running, engine: FakeEngine
) -> None:
    ends = [*range(0, len(raw) - 30, 7), *range(len(raw) - 30, len(raw))]
    for end in ends:
        reply = await answer(gateway, engine, says(raw[:end]))
        assert (reply.status, reply.code) == (502, "engine_broken"), raw[:end]
    assert (await answer(gateway, engine, says(raw))).status == 200


BROKEN = {
    "not HTTP": b"SSH-2.0-x\r\n\r\n",
    "without a status": PLAIN.replace(b"200 OK", b"OK"),
    "of unknown length": OK + b"Connection: close\r\n\r\n" + BODY,
    "of unknown length, in HTTP/1.0": (OK + b"\r\n" + BODY).replace(b"1.1", b"1.0", 1),
    "with two lengths": OK + LENGTH + b"Content-Length: 2\r\n\r\n" + BODY,
    "with a length and chunks": CHUNKED.replace(CODED, CODED + LENGTH),
    "with a signed length": PLAIN.replace(b"Length: ", b"Length: +"),
    "with a negative length": PLAIN.replace(b"Length: ", b"Length: -"),
    "in another coding": CHUNKED.replace(CODED, b"Transfer-Encoding: gzip, chunked\r\n"),
    "that is compressed": PLAIN.replace(TYPE, TYPE + b"Content-Encoding: gzip\r\n"),
    "with a chunk size of letters": OK + CODED + b"\r\nxyz\r\n" + BODY,
    "with a chunk longer than said": OK + CODED + b"\r\n1\r\n" + BODY + b"\r\n0\r\n\r\n",
    "with a NUL in a header": OK + b"A: \x00\r\n" + LENGTH + b"\r\n" + BODY,
    "with a huge header": OK + b"A: " + b"b" * 20_000 + b"\r\n" + LENGTH + b"\r\n" + BODY,
    "with a thousand headers": OK + b"A: b\r\n" * 1_000 + LENGTH + b"\r\n" + BODY,
    "that switches protocols": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n"
    b"Connection: upgrade\r\n\r\n" + PLAIN,
}


@attack("engine", "malformed HTTP, in sixteen ways", Layer.GATEWAY)
@pytest.mark.parametrize("raw", BROKEN.values(), ids=BROKEN.keys())
async def test_a_malformed_answer_is_broken_and_no_word_of_it_is_logged(
    raw: bytes, gateway: Running, engine: FakeEngine, caplog: pytest.LogCaptureFixture
) -> None:
    reply = await answer(gateway, engine, says(raw))
    assert (reply.status, reply.code) == (502, "engine_broken")
    assert "engine failed: engine_broken" in caplog.text
    assert not any(word in caplog.text for word in ("hello", "chat.completion", "SSH"))


ENDLESS = {
    "interim answers": repeats(b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
    "a chunk's extension": repeats(OK + CODED + b"\r\n1;", b"a" * 100),
    "trailers": repeats(OK + CODED + b"\r\n0\r\n", b"A: b\r\n"),
}


@attack("engine", "an answer that never gets anywhere", Layer.GATEWAY)
@pytest.mark.parametrize("script", ENDLESS.values(), ids=ENDLESS.keys())
async def test_an_answer_that_never_gets_anywhere_ends_with_the_time_for_it(
    script: Script, start: Start, engine: FakeEngine
) -> None:
    gateway = await start(first_byte_timeout=0.3, idle_timeout=0.3)
    reply = await asyncio.wait_for(answer(gateway, engine, script), 3)
    assert reply.code in {"engine_timeout", "engine_broken"}


BEHIND = {
    "bytes behind a length": (PLAIN, b"garbage"),
    "bytes behind the last chunk": (CHUNKED, b"garbage"),
    "another answer": (PLAIN, PLAIN.replace(b"hello", b"other")),
}


@pytest.mark.parametrize("pieces", BEHIND.values(), ids=BEHIND.keys())
async def test_what_comes_behind_an_answer_is_never_part_of_it(
    pieces: tuple[bytes, bytes], gateway: Running, engine: FakeEngine
) -> None:
    for script in (says(*pieces), says(b"".join(pieces))):
        reply = await answer(gateway, engine, script)
        assert (reply.status, "hello back" in reply.text) in {(200, True), (502, False)}
        assert "garbage" not in reply.text
        assert "other" not in reply.text
    assert (await answer(gateway, engine, says(pieces[0]))).status == 200


@attack("engine", "bytes behind an answer, meant for the next caller", Layer.GATEWAY)
async def test_what_an_engine_sends_too_much_is_never_the_next_callers_answer(
    gateway: Running, engine: FakeEngine
) -> None:
    served = 0
    over = asyncio.Event()

    async def script(writer: asyncio.StreamWriter) -> None:
        nonlocal served
        served += 1
        writer.write(PLAIN)
        await asyncio.sleep(0.05)
        writer.write(PLAIN.replace(b"hello", b"other"))
        await over.wait()

    async with raw_engine(engine.socket, script):
        for number in (1, 2):
            assert "hello back" in (await gateway.post(CHAT)).text
            assert served == number
            await asyncio.sleep(0.15)
        over.set()
        await asyncio.sleep(0.05)


async def test_a_request_is_sent_once_even_if_the_engine_dies_of_it(
    gateway: Running, engine: FakeEngine
) -> None:
    served = 0

    async def script(_writer: asyncio.StreamWriter) -> None:
        nonlocal served
        served += 1

    reply = await answer(gateway, engine, script)
    assert (reply.status, reply.code, served) == (502, "engine_broken", 1)
    assert (await answer(gateway, engine, says(PLAIN))).status == 200


@attack("engine", "a redirect to another of its own paths", Layer.GATEWAY)
async def test_a_redirect_is_not_followed(gateway: Running, engine: FakeEngine) -> None:
    async def respond(request: web.Request) -> web.Response:
        if request.path == "/elsewhere":
            return web.json_response(completion("from elsewhere"))
        return web.Response(status=307, headers={"Location": "/elsewhere"})

    engine.respond = respond
    reply = await gateway.post(CHAT)
    assert (reply.status, reply.code) == (502, "engine_broken")
    assert [path for _, path, _, _ in engine.requests] == ["/v1/chat/completions"]


@attack("engine", "a cookie that would tell one caller from the next", Layer.GATEWAY)
async def test_one_callers_cookie_is_not_sent_with_the_next_request(
    gateway: Running, engine: FakeEngine
) -> None:
    async def respond(_request: web.Request) -> web.Response:
        return web.json_response(completion("x"), headers={"Set-Cookie": "session=secret"})

    engine.respond = respond
    for _ in range(2):
        reply = await gateway.post(CHAT)
        assert (reply.status, "Set-Cookie" in reply.headers) == (200, False)
    assert "Cookie" not in engine.requests[1][2]


async def test_a_large_request_reaches_the_engine_whole(
    gateway: Running, engine: FakeEngine
) -> None:
    body = {**CHAT, "messages": [{"role": "user", "content": "x" * 2_000_000}]}
    data, kind = io.BytesIO(json.dumps(body).encode()), {"Content-Type": "application/json"}
    assert (await gateway.post(data=data, headers=kind)).status == 200
    assert json.loads(engine.requests[0][3]) == body
    assert "Transfer-Encoding" not in engine.requests[0][2]


async def test_an_engine_on_a_loopback_port_is_reached_whatever_proxies_are_set(
    tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    async def serve(_request: web.BaseRequest) -> web.Response:
        return web.json_response(completion("hello back"))

    bundle = authority.bundle(tmp_path / "bundle.pem")
    runner = web.ServerRunner(web.Server(serve))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    address: tuple[Any, ...] = runner.addresses[0]
    settings = replace(
        settings_for(bundle, tmp_path), engine=EngineAddress(tcp=Address(*address[:2]))
    )
    async with running_gateway(authority, bundle, settings, Chain()) as gateway:
        reply = await gateway.post(CHAT)
    await runner.cleanup()
    assert reply.status == 200
