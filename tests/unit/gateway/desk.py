"""Where a gateway asks for names: a TLS server in the warden's place that says what it is told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from casemate.evidence import RECEIPTS_PATH, RECORDS_PATH
from casemate.gateway.settings import Identity
from casemate.gateway.tls import load
from casemate.holds import CONSUME_PATH, HOLDS_PATH
from casemate.identity import CALLERS_PATH
from casemate.isolation.client import Warden, trusting
from casemate.isolation.wardens import Wardens
from casemate.ports import serve
from casemate.stops import SINCE, STOPS_PATH, WAIT_SECONDS
from unit.gateway.people import People, refusal
from unit.gateway.support import CHAT, Authority, Reply, Running
from unit.isolation.place import HOST, free_port

POD_TOKEN = "token-of-the-gateways-pod"
ANN, BOB, EVE = "ann.ann-ann.ann", "bob.bob-bob.bob", "eve.eve-eve.eve"
"""Tokens: of two who may, and of one who may not."""
NOBODY = "nobody.knows-this.token"
AGAIN = "ann.ann-ann.again"
"""A later token of the first."""


def person(name: str, uid: str = "", seconds: float = 30) -> dict[str, Any]:
    """What the warden says of somebody who may."""
    groups = ["system:authenticated", "analysts"]
    return {"username": name, "uid": uid or f"uid-of-{name}", "groups": groups, "seconds": seconds}


RUNS: dict[str, Any] = {"serial": 1, "known": True, "stopped": "", "switch": ""}
"""What is said of kill switches where there is none."""

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Desk:
    """What it is told to say, and what it was asked.

    Attributes:
        named: Who may, by token.
        rightless: Tokens of those who may not.
        answer: Answers in the place of all that.
        asked: The tokens that it was asked about.
        pods: Who asked, by Authorization.
        links: Connections that were opened to it.
        records: What it was given to keep; record N is named `desk-0/N`.
        unrecorded: Kinds that it does not keep.
        people: Asked about held requests.
        refused: Why it keeps nothing, as it says so.
        stops: What it says of kill switches; `tell` changes it.
        stop_answer: Answers in the place of that.
        shown: What it was asked receipts of.
    """

    folder: Path
    authority: Authority
    port: int = field(default_factory=free_port)
    named: dict[str, dict[str, Any]] = field(default_factory=dict)
    rightless: set[str] = field(default_factory=set)
    answer: Answer | None = None
    asked: list[str] = field(default_factory=list)
    pods: set[str] = field(default_factory=set)
    links: set[Any] = field(default_factory=set)
    records: list[dict[str, Any]] = field(default_factory=list)
    unrecorded: set[str] = field(default_factory=set)
    refused: dict[str, str] | None = None
    stops: dict[str, Any] = field(default_factory=lambda: dict(RUNS))
    stop_answer: Answer | None = None
    people: People = field(init=False)
    shown: list[dict[str, Any]] = field(default_factory=list)
    runner: web.AppRunner | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, **changed: Any) -> None:
        """Say something else of kill switches, at once to whoever waits."""
        self.stops = {**self.stops, "serial": self.stops["serial"] + 1, **changed}
        self._news.set()
        self._news = asyncio.Event()

    def stop(self, switch: str = "drill") -> None:
        """Stop the model of whoever asks."""
        self.tell(switch=switch, stopped=f"stopped by eve (KillSwitch {switch}): an exercise")

    def __post_init__(self) -> None:
        self.people = People(self.keep)

    @property
    def identity(self) -> Identity:
        """How a gateway finds it."""
        warden = Warden(HOST, self.port, "localhost", trusting(str(self.folder / "ca.pem")))
        return Identity(Wardens([warden]), str(self.folder / "token"))

    def trust(self, authority: Authority) -> None:
        """Publish a CA, and sign with it from the next start on."""
        self.authority = authority
        fresh = self.folder / "ca.new"
        fresh.write_bytes(authority.file.read_bytes())
        fresh.replace(self.folder / "ca.pem")

    async def open(self) -> None:
        app = web.Application(client_max_size=4 << 20)
        app.router.add_post(CALLERS_PATH, self._handle)
        app.router.add_post(RECORDS_PATH, self._record)
        app.router.add_post(RECEIPTS_PATH, self._show)
        app.router.add_post(HOLDS_PATH, self.people.hold)
        app.router.add_post(CONSUME_PATH, self.people.consume)
        app.router.add_get(STOPS_PATH, self._stops)
        bundle = self.authority.bundle(self.folder / "desk.pem")
        context = load(bundle, datetime.now(UTC)).context
        self.runner = await serve(app, self.port, context, HOST)

    async def close(self) -> None:
        if self.runner:
            await self.runner.cleanup()
            self.runner = None

    async def _stops(self, request: web.Request) -> web.StreamResponse:
        if self.stop_answer:
            return await self.stop_answer(request)
        if request.query.get(SINCE) == str(self.stops["serial"]):
            with suppress(TimeoutError):
                async with asyncio.timeout(WAIT_SECONDS):
                    await self._news.wait()
        return web.json_response(self.stops)

    def keep(self, record: dict[str, Any]) -> str:
        """Keep a record, and return its name."""
        self.records.append(record)
        return f"desk-0/{len(self.records) - 1}"

    async def _record(self, request: web.Request) -> web.StreamResponse:
        record = await request.json()
        if self.refused:
            return web.json_response(self.refused, status=403)
        if record["kind"] in self.unrecorded:
            return refusal(503, "log_unavailable")
        return web.json_response({"id": self.keep(record)})

    async def _show(self, request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        self.shown.append(asked)
        index = int(asked["id"].removeprefix("desk-0/"))
        if self.records[index]["caller"] != asked["caller"]:
            return refusal(404, "not_here")
        return web.json_response({"receipt": f"receipt of {asked['id']}"})

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        token = (await request.json())["token"]
        self.asked.append(token)
        self.pods.add(request.headers["Authorization"])
        self.links.add(request.transport)
        if self.answer:
            return await self.answer(request)
        if token in self.named:
            return web.json_response(self.named[token])
        if token in self.rightless:
            return refusal(403, "no_right")
        return refusal(401, "bad_caller")


def _furnished(folder: Path) -> Desk:
    folder.mkdir()
    (folder / "token").write_text(f"{POD_TOKEN}\n")
    return Desk(folder, Authority(folder))


@asynccontextmanager
async def at_the_desk(folder: Path) -> AsyncIterator[Desk]:
    """Open it, with the people of this module, and close it at the end."""
    desk = _furnished(folder)
    desk.named = {ANN: person("ann"), BOB: person("bob"), AGAIN: person("ann")}
    desk.rightless = {EVE}
    await desk.open()
    try:
        yield desk
    finally:
        await desk.close()


def held(gate: asyncio.Event, say: Any) -> Answer:
    """An answer that waits until a gate opens."""

    async def answer(_: web.Request) -> web.StreamResponse:
        await gate.wait()
        return web.json_response(say)

    return answer


def bearer(token: str) -> dict[str, str]:
    """The header that presents a token."""
    return {"Authorization": f"Bearer {token}"}


async def ask(gateway: Running, token: str, **headers: str) -> Reply:
    """Ask the gateway as whoever has a token."""
    return await gateway.post(CHAT, headers={**bearer(token), **headers})


async def refusals(gateway: Running, reason: str) -> float:
    """How often it refused for a reason."""
    return await gateway.metric(f'refusals_total{{reason="{reason}"}}')
