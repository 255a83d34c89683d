"""The gateway as the process that runs in a pod: command line, signals, sudden death."""

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import ClientSession, TCPConnector

from casemate.__main__ import main
from casemate.gateway.settings import parse_settings
from support.attacks import Layer, attack
from unit.gateway.support import CHAT, DONE, Authority, FakeEngine, chunk, until

STREAM = {**CHAT, "stream": True}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


@dataclass
class Child:
    process: asyncio.subprocess.Process
    port: int
    metrics: int
    authority: Authority

    def session(self) -> ClientSession:
        return ClientSession(connector=TCPConnector(ssl=self.authority.client_context()))

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}/v1/chat/completions"

    async def readiness(self) -> str:
        url = f"http://127.0.0.1:{self.metrics}/readyz"
        async with ClientSession() as session, session.get(url) as answer:
            return await answer.text()

    async def ready(self) -> bool:
        try:
            return await self.readiness() == "ok\n"
        except OSError:
            return False


@pytest.fixture
async def child(tmp_path: Path, authority: Authority, engine: FakeEngine) -> AsyncIterator[Child]:
    bundle = authority.bundle(tmp_path / "bundle.pem")
    port, metrics = free_port(), free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "casemate", "gateway", "--drain-timeout", "1"),
        *("--identity", "anonymous"),
        *("--listen", f"127.0.0.1:{port}", "--metrics", f"127.0.0.1:{metrics}"),
        *("--tls-bundle", str(bundle), "--engine", f"unix://{engine.socket}"),
        stderr=asyncio.subprocess.DEVNULL,
    )
    child = Child(process, port, metrics, authority)
    async with asyncio.timeout(15):
        while not await child.ready():
            assert process.returncode is None
            await asyncio.sleep(0.02)
    yield child
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()


async def test_when_the_gateway_is_killed_nothing_else_answers(
    child: Child, engine: FakeEngine
) -> None:
    engine.respond = lambda request: engine.send_events(
        request, [chunk("A line is here. ")] * 500, pause=0.01
    )
    async with child.session() as session, session.post(child.url, json=STREAM) as answer:
        assert b"line" in await answer.content.readany()
        child.process.kill()
        await child.process.wait()
        got = b""
        with contextlib.suppress(OSError, Exception):
            got = await answer.content.read()
        assert DONE not in got
    for port in (child.port, child.metrics):
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
    await asyncio.wait_for(engine.aborted.wait(), 20)
    # The engine lives, and can be had on its socket only: that is what nobody else can reach.
    reader, writer = await asyncio.open_unix_connection(str(engine.socket))
    writer.write(b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert b"200 OK" in await reader.read()
    writer.close()


async def test_on_sigterm_requests_at_work_are_finished_and_new_ones_are_not_taken(
    child: Child, engine: FakeEngine
) -> None:
    events = [chunk(f"Line n{number} is here. ") for number in range(30)]
    engine.respond = lambda request: engine.send_events(request, [*events, DONE], pause=0.02)
    idle, writer = await asyncio.open_connection(
        "localhost", child.port, ssl=child.authority.client_context()
    )
    async with child.session() as session, session.post(child.url, json=STREAM) as answer:
        first = await answer.content.readany()
        child.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(20):
            while await child.readiness() != "not ready: draining\n":
                pass
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", child.port)
        assert await asyncio.wait_for(idle.read(), 20) == b""
        assert not answer.content.is_eof()
        writer.close()
        rest = await answer.content.read()
    assert (first + rest).endswith(b"data: [DONE]\n\n")
    assert b"n29" in rest
    assert await asyncio.wait_for(child.process.wait(), 20) == 0


async def test_a_stream_outlives_the_order_in_which_a_pod_ends(
    child: Child, engine: FakeEngine
) -> None:
    """The engine ends first: it takes nothing more and finishes. Then the gateway is told to."""
    events = [chunk(f"Line n{number} is here. ") for number in range(40)]
    engine.respond = lambda request: engine.send_events(request, [*events, DONE], pause=0.04)
    async with child.session() as session, session.post(child.url, json=STREAM) as answer:
        got = await answer.content.readany()
        engine.socket.unlink()
        async with session.post(child.url, json=STREAM) as late:
            assert late.status == 503
        async with asyncio.timeout(20):
            while "engine does not answer" not in await child.readiness():
                pass
        assert not answer.content.is_eof()
        child.process.send_signal(signal.SIGTERM)
        got += await answer.content.read()
    assert got.endswith(b"data: [DONE]\n\n")
    assert b"n39" in got
    assert await asyncio.wait_for(child.process.wait(), 20) == 0


async def test_after_the_grace_period_requests_are_cancelled(
    child: Child, engine: FakeEngine
) -> None:
    engine.respond = lambda request: engine.send_events(
        request, [*[chunk("x")] * 1_000, DONE], pause=0.02
    )
    async with child.session() as session, session.post(child.url, json=STREAM) as answer:
        await answer.content.readany()
        child.process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(child.process.wait(), 20) == 0
        got = b""
        with contextlib.suppress(OSError, Exception):
            got = await answer.content.read()
    assert DONE not in got
    await until(engine.aborted.is_set)


async def test_a_gateway_without_a_certificate_refuses_to_start(tmp_path: Path) -> None:
    missing = tmp_path / "missing.pem"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "casemate", "gateway", "--certificate-timeout", "0.2"),
        *("--identity", "anonymous"),
        *("--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"),
        *("--tls-bundle", str(missing), "--engine", f"unix://{tmp_path}/engine.sock"),
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await asyncio.wait_for(process.communicate(), 10)
    assert process.returncode == 1
    assert "no usable certificate within 0.2 s" in said.decode()
    assert str(missing) in said.decode()
    assert "Traceback" not in said.decode()


ARGUMENTS = {
    "--listen": "127.0.0.1:8443",
    "--metrics": "127.0.0.1:9090",
    "--tls-bundle": "/b.pem",
    "--engine": "unix:///e.sock",
    "--identity": "anonymous",
}


def arguments(**changes: str) -> list[str]:
    given = ARGUMENTS | {f"--{name.replace('_', '-')}": value for name, value in changes.items()}
    return [word for pair in given.items() for word in pair]


@pytest.mark.parametrize(
    "engine",
    [
        "http://127.0.0.1:8000",
        "http://[::1]:8000",
        "unix:///run/casemate/engine/engine.sock",
    ],
)
def test_an_engine_in_the_pod_is_accepted(engine: str) -> None:
    address = parse_settings(arguments(engine=engine)).engine
    assert (address.socket is None) != (address.tcp is None)


@pytest.mark.parametrize(
    "changes",
    [
        {"engine": "http://10.0.0.1:8000"},
        {"engine": "http://localhost:8000"},
        {"engine": "http://127.0.0.1:8000/path"},
        {"engine": "http://user@127.0.0.1:8000"},
        {"engine": "https://127.0.0.1:8000"},
        {"engine": "unix://relative"},
        {"engine": "/run/engine.sock"},
        {"identity": "nobody"},
        {"identity": "warden"},
        {"listen": "8443"},
        {"listen": "host"},
        {"listen": "127.0.0.1:99999"},
        {"max_in_flight": "0"},
        {"max_in_flight": "1.5"},
        {"idle_timeout": "-1"},
        {"idle_timeout": "nan"},
        {"idle_timeout": "inf"},
    ],
    ids=str,
)
def test_a_setting_that_makes_no_sense_is_refused_with_what_is_accepted(
    changes: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parse_settings(arguments(**changes))
    assert caught.value.code == 2
    assert next(iter(changes)).replace("_", "-") in capsys.readouterr().err


@pytest.mark.parametrize("argv", [[], ["butler"]], ids=["none", "unknown"])
def test_a_program_that_does_not_exist_is_refused_with_those_that_do(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 2
    assert "operator|gateway" in capsys.readouterr().err


def test_help_names_the_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "gateway" in capsys.readouterr().out


WARDEN = {
    "--warden": "tcp:10.0.0.1:8444=warden-0.svc",
    "--warden-ca": "/ca.pem",
    "--warden-token": "/token",
    "--closed": "tcp:10.0.0.1:8445=canary",
}


def worded(given: dict[str, str]) -> list[str]:
    return [word for pair in given.items() for word in pair]


def test_the_warden_that_names_callers_is_the_one_that_isolation_is_proven_by() -> None:
    settings = parse_settings(worded(ARGUMENTS | WARDEN | {"--identity": "warden"}))
    assert settings.identity is not None
    assert settings.isolation is not None
    assert settings.identity.wardens is settings.isolation.circuit.wardens
    assert settings.identity.token == "/token"
    assert parse_settings(worded(ARGUMENTS)).identity is None, "where that is said"


@attack("callers", "a gateway that is not told to ask for names", Layer.GATEWAY)
@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({k: v for k, v in ARGUMENTS.items() if k != "--identity"}, "required: --identity"),
        (ARGUMENTS | WARDEN, "--identity=warden and --warden are needed together"),
        (ARGUMENTS | {"--identity": "warden"}, "--identity=warden and --warden are needed"),
    ],
    ids=["nothing said", "nobody, beside a warden", "no warden"],
)
def test_without_a_word_about_names_nothing_starts(
    given: dict[str, str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parse_settings(worded(given))
    assert caught.value.code == 2
    assert says in " ".join(capsys.readouterr().err.split())
