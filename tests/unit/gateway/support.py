"""A throw-away CA, a small engine on a Unix socket, and a gateway between it and the tests."""

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, TCPConnector, web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from casemate.gateway.checks import Chain
from casemate.gateway.main import Gateway
from casemate.gateway.policy import Load
from casemate.gateway.settings import Address, EngineAddress, Limits, Settings, Timeouts
from casemate.gateway.stack import Stack

LOOPBACK = Address("127.0.0.1", 0)
CHAT = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}

Respond = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Authority:
    """Signs serving certificates that nobody else trusts."""

    def __init__(self, folder: Path) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "throw-away CA")])
        day = timedelta(days=1)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(self._name)
            .issuer_name(self._name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(datetime.now(UTC) - day)
            .not_valid_after(datetime.now(UTC) + day)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.file = folder / "ca.pem"
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def bundle(
        self,
        path: Path,
        *,
        ends: timedelta = timedelta(hours=1),
        serial: int = 0,
        host: str = "localhost",
    ) -> Path:
        """Write a key and a certificate for a host, valid until ``ends`` from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway")]))
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(serial or x509.random_serial_number())
            .not_valid_before(datetime.now(UTC) - timedelta(days=1))
            .not_valid_after(datetime.now(UTC) + ends)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ) + certificate.public_bytes(serialization.Encoding.PEM)
        fresh = path.with_suffix(".new")
        fresh.write_bytes(pem)
        fresh.replace(path)
        return path

    def client_context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.file))


@dataclass
class FakeEngine:
    """Records what reaches it, and answers as the test says."""

    socket: Path
    requests: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    aborted: asyncio.Event = field(default_factory=asyncio.Event)
    respond: Respond | None = None
    healthy: bool = True
    health_path: str = "/health"
    links: set[asyncio.Transport] = field(default_factory=set)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.path == self.health_path:
            return web.json_response({"status": "ok"}, status=200 if self.healthy else 503)
        if request.transport is not None:
            self.links.add(request.transport)
        body = await request.read()
        self.requests.append((request.method, request.raw_path, dict(request.headers), body))
        try:
            if self.respond is not None:
                return await self.respond(request)
            return await self._default(request, body)
        except (asyncio.CancelledError, ConnectionError):
            self.aborted.set()
            raise

    def kill(self) -> None:
        for link in self.links:
            link.abort()

    async def _default(self, request: web.Request, body: bytes) -> web.StreamResponse:
        if request.method == "GET":
            entry = {"id": "m", "object": "model", "created": 7, "owned_by": "x", "meta": {"p": 1}}
            return web.json_response({"object": "list", "data": [entry]})
        asked = json.loads(body)
        if request.path == "/v1/embeddings":
            data = [{"object": "embedding", "index": 0, "embedding": [0.5, 1.5]}]
            usage = {"prompt_tokens": 3, "total_tokens": 3}
            return web.json_response(
                {"object": "list", "model": "/models/m", "data": data, "usage": usage}
            )
        if not asked.get("stream"):
            return web.json_response(completion("hello back"), headers={"X-Engine": "secret"})
        return await self.send_events(request, [chunk("one "), chunk("two"), usage_chunk(), DONE])

    async def send_events(
        self, request: web.Request, events: list[bytes], *, pause: float = 0
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for event in events:
            await response.write(b"data: " + event + b"\n\n")
            if pause:
                await asyncio.sleep(pause)
        return response


DONE = b"[DONE]"


def completion(text: str) -> dict[str, Any]:
    return {
        "id": "c-1",
        "object": "chat.completion",
        "created": 1,
        "model": "/models/file.gguf",
        "system_fingerprint": "engine-b1",
        "timings": {"ms": 1},
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
    }


def chunk(text: str) -> bytes:
    event = {
        "id": "c-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "/models/file.gguf",
        "system_fingerprint": "engine-b1",
        "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}],
    }
    return json.dumps(event).encode()


def usage_chunk() -> bytes:
    usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    event = {
        "id": "c-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [],
        "usage": usage,
    }
    return json.dumps(event).encode()


@contextlib.asynccontextmanager
async def fake_engine(folder: Path) -> AsyncIterator[FakeEngine]:
    engine = FakeEngine(folder / "engine.sock")
    app = web.Application(client_max_size=4 << 20)
    app.router.add_route("*", "/{tail:.*}", engine.handle)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.UnixSite(runner, str(engine.socket)).start()
    try:
        yield engine
    finally:
        await runner.cleanup()


@dataclass(frozen=True)
class Reply:
    """A whole answer of a gateway."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.text)
        return document

    @property
    def code(self) -> str:
        return str(self.document["error"]["code"])


@dataclass
class Running:
    """A gateway that serves, and how to reach it."""

    gateway: Gateway
    authority: Authority
    bundle: Path
    task: asyncio.Task[None]

    @property
    def port(self) -> int:
        return self.gateway.listener.port

    @property
    def stack(self) -> Stack:
        assert self.gateway.stack is not None
        return self.gateway.stack

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    @property
    def admin_url(self) -> str:
        return f"http://127.0.0.1:{self.gateway.admin_listener.port}"

    async def heard(self) -> None:
        """Wait until it knows whether it is stopped; at once where there is nobody to ask."""
        if stops := self.gateway.stops:
            await until(lambda: stops.unknown() is None)

    def session(self) -> ClientSession:
        return ClientSession(connector=TCPConnector(ssl=self.authority.client_context()))

    async def post(
        self, body: Any = None, path: str = "/v1/chat/completions", **options: Any
    ) -> "Reply":
        """Send a JSON request, or what ``options`` say; return the whole answer."""
        if body is not None:
            options["json"] = body
        async with self.session() as session, session.post(self.url + path, **options) as answer:
            return Reply(answer.status, dict(answer.headers), await answer.text())

    async def request(self, method: str, path: str, **options: Any) -> "Reply":
        """Send what ``options`` say; return the whole answer."""
        where = self.url + path
        async with self.session() as session, session.request(method, where, **options) as answer:
            return Reply(answer.status, dict(answer.headers), await answer.text())

    async def raw(self, data: bytes, *, wait: float = 3) -> bytes:
        """Send bytes over TLS; return what comes until the connection or the wait ends."""
        answer = b""
        async with self.connect() as (reader, writer):
            writer.write(data)
            with contextlib.suppress(ConnectionError, TimeoutError):
                async with asyncio.timeout(wait):
                    while part := await reader.read(65_536):
                        answer += part
        return answer

    @contextlib.asynccontextmanager
    async def connect(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection(
            "localhost", self.port, ssl=self.authority.client_context()
        )
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    async def metric(self, line: str) -> float:
        """Return the value of the sample that the exposition names ``line``; 0 if absent.

        The name may leave out what all of the gateway's metrics begin with.
        """
        async with ClientSession() as session, session.get(f"{self.admin_url}/metrics") as answer:
            for sample in (await answer.text()).splitlines():
                name, _, value = sample.rpartition(" ")
                if name in {f"casemate_gateway_{line}", f"casemate_{line}"}:
                    return float(value)
        return 0.0


@contextlib.asynccontextmanager
async def running_gateway(
    authority: Authority,
    bundle: Path,
    settings: Settings,
    chain: Chain | None = None,
    load: Load | None = None,
) -> AsyncIterator[Running]:
    gateway = Gateway(settings, chain, load)
    task = asyncio.create_task(gateway.run())
    started = asyncio.create_task(gateway.started.wait())
    await asyncio.wait({task, started}, timeout=5, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        await task
    try:
        yield Running(gateway, authority, bundle, task)
    finally:
        gateway.stop()
        await asyncio.wait_for(task, 10)


def settings_for(bundle: Path, socket: Path, **changes: float) -> Settings:
    """Return settings for loopback; ``changes`` name single limits and timeouts."""
    limits = {k: v for k, v in changes.items() if k in Limits.__dataclass_fields__}
    timeouts = {k: v for k, v in changes.items() if k in Timeouts.__dataclass_fields__}
    return Settings(
        listen=LOOPBACK,
        metrics=LOOPBACK,
        engine=EngineAddress(socket=str(socket)),
        tls_bundle=bundle,
        identity=None,
        limits=replace(Limits(), **limits),  # type: ignore[arg-type]
        timeouts=replace(Timeouts(drain_timeout=1, certificate_timeout=1), **timeouts),
    )


async def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait until ``condition`` holds; fails after ``seconds``."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  what is waited for has no event
            await asyncio.sleep(0.005)
