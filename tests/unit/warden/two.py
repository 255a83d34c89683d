"""Replicas of a warden on loopback: real logs, and real questions over TLS from one to another."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

from casemate.gateway.tls import load
from casemate.isolation.client import Warden, trusting
from casemate.ports import serve
from casemate.warden import homes
from casemate.warden.among import Among
from casemate.warden.callers import RefusedError
from casemate.warden.homes import Standing
from casemate.warden.log.store import Log
from casemate.warden.peers import Peers
from casemate.warden.requests import refusing
from unit.gateway.support import Authority
from unit.isolation.place import HOST, free_port
from unit.warden.log.place import SetClock, options

CLUSTER = "casemate.dev/warden/0b6c"


class ByToken:
    """Knows each replica by its name as a token."""

    async def peer(self, token: str, address: str) -> str:
        if not token.startswith("casemate-warden-"):
            raise RefusedError(403, "not_peer", f"{token} at {address} is none")
        return token


@dataclass
class Replica:
    """One replica, its volume, and what it knows of intents."""

    name: str
    folder: Path
    authority: Authority
    clock: SetClock = field(default_factory=SetClock)
    port: int = field(default_factory=free_port)
    others: "list[Replica]" = field(default_factory=list)
    owners: dict[str, str] = field(default_factory=dict)
    takes: bool = True
    log: Log = field(init=False)
    peers: Peers = field(init=False)
    among: Among = field(init=False)
    runner: web.AppRunner | None = None

    @property
    def origin(self) -> str:
        return f"{CLUSTER}/{self.name}"

    @property
    def volume(self) -> Path:
        return self.folder / self.name / "log"

    async def open(self, *, answering: bool = True) -> None:
        (self.folder / self.name).mkdir(exist_ok=True)
        token = self.folder / f"{self.name}.token"
        token.write_text(self.name)
        self.log = await Log.open(self.volume, self.origin, self.clock, options())
        self.peers = Peers(self._find, token)
        self.among = Among(self.log, self.origin, self.peers, self.volume, self.clock)
        await self.peers.look()
        if answering:
            await self.answer()

    async def answer(self) -> None:
        app = web.Application(middlewares=[refusing])
        app.add_routes(self.among.routes(ByToken()))
        app.add_routes([homes.route(ByToken(), self._standing)])
        bundle = self.authority.bundle(self.folder / f"{self.name}.pem", host=f"{self.name}.svc")
        self.runner = await serve(app, self.port, load(bundle, datetime.now(UTC)).context, HOST)

    async def fall_silent(self) -> None:
        if self.runner:
            await self.runner.cleanup()
            self.runner = None

    async def close(self) -> None:
        await self.fall_silent()
        await self.peers.close()
        await self.log.close()

    def keep(self, name: str) -> Path:
        """Copy the volume, as an administrator can."""
        copy = self.folder / name
        shutil.copytree(self.volume, copy)
        return copy

    def put_back(self, copy: Path) -> None:
        """Put a copy in the volume's place; the log must be closed."""
        shutil.rmtree(self.volume)
        shutil.copytree(copy, self.volume)

    def at(self, port: int | None = None) -> Warden:
        """How others find it."""
        trust = trusting(str(self.authority.file))
        return Warden(HOST, port or self.port, f"{self.name}.svc", trust)

    async def _find(self) -> list[Warden]:
        return [one.at() for one in self.others]

    async def _standing(self, intent: str) -> Standing:
        return Standing(self.owners.get(intent, ""), self.takes, ended=False)


@asynccontextmanager
async def replicas(folder: Path, count: int = 2) -> AsyncIterator[list[Replica]]:
    """Open some, each knowing the others."""
    authority = Authority(folder)
    made = [Replica(f"casemate-warden-{number}", folder, authority) for number in range(count)]
    for one in made:
        one.others = [other for other in made if other is not one]
        await one.open()
    try:
        yield made
    finally:
        for one in made:
            await one.close()
