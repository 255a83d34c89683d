"""The proof while serving: no answer without a fresh one, and none goes on when it is lost."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from aiohttp import ClientError, ClientSession, web

from casemate.gateway import isolation
from casemate.gateway.checks import Chain
from casemate.gateway.settings import Isolation
from casemate.isolation.proof import Proof, Verdict
from casemate.isolation.rounds import round_of
from casemate.isolation.targets import Protocol
from unit.gateway.support import (
    CHAT,
    Authority,
    FakeEngine,
    Running,
    running_gateway,
    settings_for,
    until,
)
from unit.isolation.place import TOKEN, Place, placed

Lose = Callable[["Stand", pytest.MonkeyPatch], Awaitable[None]]
PERIOD = 0.2
ROUND = "casemate.gateway.isolation.round_of"


async def eventually(look: Callable[[], Awaitable[float]], good: Callable[[float], bool]) -> None:
    async with asyncio.timeout(10):
        while not good(await look()):  # noqa: ASYNC110  what is waited for has no event
            await asyncio.sleep(0.02)


def rename(old: str, new: str) -> None:
    Path(old).rename(new)


@dataclass
class Stand:
    """A gateway, its engine, and a warden with a canary."""

    place: Place
    gateway: Running
    engine: FakeEngine

    async def ask(self) -> int:
        """The status of an answer, or 0 where the connection was cut."""
        try:
            return (await self.gateway.post(CHAT)).status
        except ClientError:
            return 0

    async def serves(self) -> None:
        async with asyncio.timeout(10):
            while await self.ask() != 200:
                self.place.see()
                await asyncio.sleep(0.02)

    async def refuses(self, why: str) -> None:
        """Refused with the reason, counted, and nothing of it reached the engine."""
        await eventually(self.ask, lambda status: status != 200)
        # Told by its words: what was cut a moment ago may still be on its way to the engine's list.
        words = {"model": "m", "messages": [{"role": "user", "content": f"refused {why}"}]}
        refused = await self.gateway.metric('refusals_total{reason="not_isolated"}')
        reply = await self.gateway.post(words)
        assert reply.status == 503
        assert reply.headers["Retry-After"] == "5"
        assert reply.code == "not_isolated"
        assert why not in reply.text, "the details are for those who run it"
        assert await self.gateway.metric('refusals_total{reason="not_isolated"}') == refused + 1
        assert not [one for one in self.engine.requests if b"refused" in one[3]]


@asynccontextmanager
async def standing(
    folder: Path,
    authority: Authority,
    engine: FakeEngine,
    *,
    open_canary: bool = False,
    token: str = "",
) -> AsyncIterator[Stand]:
    (folder / "token").write_text(f"{TOKEN}\n")
    bundle = authority.bundle(folder / "bundle.pem")
    (folder / "warden").mkdir()
    async with placed(folder / "warden") as place:
        place.see()
        closed = [place.at(Protocol.TCP)] if open_canary else []
        how = Isolation(place.through(*closed), token or str(folder / "token"), PERIOD, (9090,))
        settings = replace(settings_for(bundle, engine.socket), isolation=how)
        async with running_gateway(authority, bundle, settings, Chain()) as gateway:
            yield Stand(place, gateway, engine)


@pytest.fixture
async def stand(
    tmp_path: Path, authority: Authority, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Stand]:
    monkeypatch.setattr(isolation, "GRACE_SECONDS", 2.0)
    monkeypatch.setattr(isolation, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(isolation, "LONGEST_RETRY_SECONDS", 0.1)
    async with standing(tmp_path, authority, engine) as one:
        await one.serves()
        yield one


async def test_it_serves_while_it_is_proven_and_says_when(stand: Stand) -> None:
    rounds = 'isolation_rounds_total{verdict="Enforced"}'
    assert await stand.gateway.metric("isolation_proof_timestamp_seconds") > 1_700_000_000
    before = await stand.gateway.metric(rounds)
    await eventually(lambda: stand.gateway.metric(rounds), lambda found: found >= before + 2)
    assert await stand.ask() == 200
    assert stand.place.tried[-1] == ("127.0.0.1", [9090])


async def test_what_is_seen_from_outside_stops_it_until_it_is_gone(stand: Stand) -> None:
    fine, stand.place.outside = stand.place.outside, Proof(Verdict.NOT_ENFORCED, "reached 9090")
    await stand.refuses("reached 9090")
    stand.place.outside = fine
    await stand.serves()


async def test_where_the_canary_answers_it_never_serves(
    tmp_path: Path, authority: Authority, engine: FakeEngine
) -> None:
    async with standing(tmp_path, authority, engine, open_canary=True) as one:
        await one.refuses("canary")
        assert await one.gateway.metric('isolation_rounds_total{verdict="NotEnforced"}') >= 1


async def test_without_the_warden_it_serves_for_as_long_as_the_last_proof_is_good(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    await doubted(stand, monkeypatch)
    assert await stand.ask() == 200, "the last proof is still good"
    await stand.refuses("timeout")
    monkeypatch.setattr(ROUND, round_of)
    await stand.serves()


async def test_a_round_that_fails_in_a_way_nobody_thought_of_is_no_proof_and_not_the_last(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> Proof:
        raise RuntimeError("a bug")

    monkeypatch.setattr(ROUND, broken)
    await stand.refuses("a bug")
    monkeypatch.setattr(ROUND, round_of)
    await stand.serves()


async def test_without_a_token_nothing_is_proven(stand: Stand) -> None:
    settings = stand.gateway.gateway._settings.isolation
    assert settings is not None
    rename(settings.token, f"{settings.token}-away")
    await stand.refuses("token")
    rename(f"{settings.token}-away", settings.token)
    await stand.serves()


async def disproved(stand: Stand, _: pytest.MonkeyPatch) -> None:
    stand.place.outside = Proof(Verdict.NOT_ENFORCED, "reached 9090")


async def doubted(_: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    async def gone(*_: object) -> Proof:
        return Proof(Verdict.INCONCLUSIVE, "the warden did not answer: timeout")

    monkeypatch.setattr(ROUND, gone)


@pytest.mark.parametrize("lose", [disproved, doubted])
async def test_a_request_at_work_is_cut_when_isolation_is_lost(
    stand: Stand, lose: Lose, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = asyncio.Event()

    async def endless(request: web.Request) -> web.StreamResponse:
        begun.set()
        await asyncio.sleep(60)
        raise AssertionError("nobody waits that long")

    stand.engine.respond = endless
    request = asyncio.create_task(stand.gateway.post(CHAT))
    await begun.wait()
    await lose(stand, monkeypatch)
    with pytest.raises(ClientError):
        await asyncio.wait_for(request, 10)
    assert await stand.gateway.metric('refusals_total{reason="not_isolated"}') >= 1
    await until(lambda: not stand.gateway.gateway._server.cut(), 5)


async def test_it_is_not_ready_before_the_first_proof(
    tmp_path: Path, authority: Authority, engine: FakeEngine
) -> None:
    async with standing(tmp_path, authority, engine, token="/nowhere") as one:
        await one.refuses("nowhere")
        url = f"{one.gateway.admin_url}/readyz"
        async with ClientSession() as session, session.get(url) as answer:
            assert answer.status == 503
            assert "not ready: isolation Inconclusive" in await answer.text()


async def test_a_body_is_not_waited_for_where_nothing_is_answered(
    tmp_path: Path, authority: Authority, engine: FakeEngine
) -> None:
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
    async with standing(tmp_path, authority, engine, token="/nowhere") as one:
        assert b"not_isolated" in await one.gateway.raw(head)
