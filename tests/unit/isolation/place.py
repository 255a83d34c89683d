"""A real warden and a real canary on loopback; who calls is told by whoever makes the place."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from casemate.gateway.tls import load
from casemate.isolation.client import Warden, trusting
from casemate.isolation.proof import Proof, Verdict
from casemate.isolation.rounds import Circuit
from casemate.isolation.targets import Protocol, Target
from casemate.isolation.wardens import Wardens
from casemate.ports import serve
from casemate.warden.answers import Answers
from casemate.warden.callers import Pod, RefusedError
from casemate.warden.canary import Canary
from casemate.warden.proofs import Ledger
from unit.gateway.support import Authority

HOST = "127.0.0.1"
TOKEN = "token-of-the-pod"
OPERATOR = "token-of-the-operator"
POD = Pod("models", "m-1", "uid-of-m-1", HOST, "m")


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as one:
        one.bind((HOST, 0))
        return int(one.getsockname()[1])


def closed() -> Target:
    """What does not answer."""
    return Target(Protocol.TCP, HOST, free_port(), "nobody")


class Known:
    """Knows one pod and the operator by their tokens."""

    async def pod(self, token: str, address: str) -> Pod:
        if (token, address) != (TOKEN, HOST):
            raise RefusedError(403, "foreign_token", f"a token from {address}")
        return POD

    async def operator(self, token: str) -> None:
        if token != OPERATOR:
            raise RefusedError(403, "not_operator", "not the operator")


@dataclass
class Place:
    """A warden that answers, and a canary that lives."""

    warden: Warden
    canary: Canary
    canary_port: int
    ledger: Ledger
    authority: Authority
    outside: Proof = field(default=Proof(Verdict.ENFORCED, "nothing else answered"))
    """What the warden sees of a pod."""
    tried: list[tuple[str, list[int]]] = field(default_factory=list)

    def at(self, protocol: Protocol) -> Target:
        """The canary, as nobody should reach it."""
        return Target(protocol, HOST, self.canary_port, "canary")

    def through(self, *targets: Target) -> Circuit:
        """A round through this place."""
        return Circuit(Wardens([self.warden]), targets or (closed(),))

    def see(self) -> None:
        """An allowed caller got through on both protocols."""
        for one in Protocol:
            self.canary.note(one)

    async def look(self, address: str, ports: list[int]) -> Proof:
        self.tried.append((address, ports))
        return self.outside


@asynccontextmanager
async def placed(folder: Path) -> AsyncIterator[Place]:
    """Open it, and close it at the end."""
    authority = Authority(folder)
    context = load(authority.bundle(folder / "warden.pem"), datetime.now(UTC)).context
    canary, port, ledger = Canary(), free_port(), Ledger()
    number = await canary.open(HOST, free_port())
    warden = Warden(HOST, port, "localhost", trusting(str(authority.file)))
    place = Place(warden, canary, number, ledger, authority)
    app = Answers(canary, Known(), ledger, place.look).app()
    runner = await serve(app, port, context, HOST)
    try:
        yield place
    finally:
        canary.close()
        await runner.cleanup()
