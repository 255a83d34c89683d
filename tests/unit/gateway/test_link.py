"""The warden has replicas: one that cannot answer is passed over, within the time that there is."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from casemate.gateway.link import Link
from casemate.gateway.tls import load
from casemate.isolation.client import UnheardError, Warden, trusting
from casemate.isolation.wardens import Wardens
from casemate.ports import serve
from unit.gateway.support import Authority
from unit.isolation.place import HOST, free_port

PATH = "/v1/anything"


@dataclass
class StandIn:
    """One replica: what it is told to say, and what it was asked."""

    name: str
    status: int = 200
    says: dict[str, Any] = field(default_factory=lambda: {"id": "it"})
    hangs: bool = False
    asked: int = 0
    port: int = field(default_factory=free_port)
    runner: web.AppRunner | None = None

    async def open(self, authority: Authority, folder: Path) -> None:
        app = web.Application()
        app.router.add_post(PATH, self._answer)
        bundle = authority.bundle(folder / f"{self.name}.pem", host=f"{self.name}.system.svc")
        self.runner = await serve(app, self.port, load(bundle, datetime.now(UTC)).context, HOST)

    async def close(self) -> None:
        if self.runner:
            await self.runner.cleanup()
            self.runner = None

    async def _answer(self, _: web.Request) -> web.Response:
        self.asked += 1
        if self.hangs:
            await asyncio.sleep(30)
        return web.json_response(self.says, status=self.status)

    def refuse(self, reason: str, status: int = 503, **more: str) -> None:
        self.status, self.says = status, {"reason": reason, "message": "why", **more}


@dataclass
class Two:
    """Two replicas, and a link to both that begins with the first."""

    first: StandIn
    second: StandIn
    link: Link
    wardens: Wardens

    async def ask(self, seconds: float = 5.0, replica: str = "") -> str:
        return (await self.link.post(PATH, {}, seconds, replica)).replica


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    authority = Authority(tmp_path)
    token = tmp_path / "token"
    token.write_text("token")
    both = StandIn("warden-0"), StandIn("warden-1")
    for one in both:
        await one.open(authority, tmp_path)
    trust = trusting(str(authority.file))
    wardens = Wardens([Warden(HOST, one.port, f"{one.name}.system.svc", trust) for one in both])
    link = Link(wardens, str(token))
    yield Two(*both, link, wardens)
    await link.close()
    for one in both:
        await one.close()


async def test_it_stays_with_the_one_that_answers(two: Two) -> None:
    assert [await two.ask() for _ in range(3)] == ["warden-0"] * 3
    await two.first.close()
    assert [await two.ask() for _ in range(2)] == ["warden-1"] * 2
    assert two.first.asked == 3
    assert two.second.asked == 2


async def test_it_does_not_come_back_before_it_must(two: Two) -> None:
    two.first.refuse("log_busy")
    await two.ask()
    two.first.status, two.first.says = 200, {"id": "it"}
    assert await two.ask() == "warden-1"
    await two.second.close()
    assert await two.ask() == "warden-0"


async def test_one_that_hangs_leaves_time_for_the_other(two: Two) -> None:
    two.first.hangs = True
    began = time.monotonic()
    assert await two.ask(1.0) == "warden-1"
    assert 0.4 < time.monotonic() - began < 1.0
    began = time.monotonic()
    assert await two.ask(1.0) == "warden-1"
    assert time.monotonic() - began < 0.4, "the next question does not wait for it"


async def test_where_both_hang_it_ends_in_time(two: Two) -> None:
    two.first.hangs = two.second.hangs = True
    began = time.monotonic()
    with pytest.raises(UnheardError, match="timeout"):
        await two.ask(0.5)
    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize("reason", ["log_busy", "log_unavailable", "unchecked"])
async def test_what_one_cannot_do_now_the_other_may(two: Two, reason: str) -> None:
    two.first.refuse(reason)
    assert await two.ask() == "warden-1"
    two.second.refuse(reason)
    said = await two.link.post(PATH, {}, 5.0)
    assert (said.status, said.body["reason"]) == (503, reason), "both were asked, neither can"


@pytest.mark.parametrize(("status", "reason"), [(403, "foreign_token"), (409, "no_such_intent")])
async def test_a_refusal_is_an_answer(two: Two, status: int, reason: str) -> None:
    two.first.refuse(reason, status)
    said = await two.link.post(PATH, {}, 5.0)
    assert (said.status, said.replica, two.second.asked) == (status, "warden-0", 0)


async def test_what_has_a_home_goes_there_and_changes_nothing_for_the_rest(two: Two) -> None:
    assert await two.ask(replica="warden-1") == "warden-1"
    assert two.first.asked == 0
    assert await two.ask() == "warden-0"
    await two.second.close()
    assert await two.ask(replica="warden-1") == "warden-0", "while that one is away"
    assert await two.ask(replica="unknown-7") == "warden-0"


async def test_it_goes_where_it_is_sent_but_once(two: Two) -> None:
    two.first.refuse("elsewhere", 421, replica="warden-1")
    assert await two.ask() == "warden-1"
    assert await two.ask() == "warden-1"
    assert two.first.asked == 2, "another question may have another home"
    two.second.refuse("elsewhere", 421, replica="warden-0")
    said = await two.link.post(PATH, {}, 5.0)
    assert (said.status, said.replica) == (421, "warden-1"), "round and round it does not go"


async def test_it_is_not_sent_to_strangers(two: Two) -> None:
    two.first.refuse("elsewhere", 421, replica="evil.example")
    said = await two.link.post(PATH, {}, 5.0)
    assert (said.status, said.replica) == (421, "warden-0")


async def test_no_replica_answers_in_the_name_of_another(two: Two, tmp_path: Path) -> None:
    trust = trusting(str(tmp_path / "ca.pem"))
    swapped = Warden(HOST, two.second.port, "warden-0.system.svc", trust)
    link = Link(Wardens([swapped]), str(tmp_path / "token"))
    with pytest.raises(UnheardError):
        await link.post(PATH, {}, 5.0)
    await link.close()
    assert two.second.asked == 0
