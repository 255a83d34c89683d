"""Names, where nobody can tell them or somebody must not: fail closed, and tell no token."""

import asyncio
import gc
import logging
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from casemate.gateway import identity
from casemate.gateway.memory import Memory
from support.attacks import Layer, attack
from unit.gateway.conftest import Start
from unit.gateway.desk import ANN, BOB, EVE, NOBODY, POD_TOKEN, Desk, ask, bearer, person, refusals
from unit.gateway.support import Authority, FakeEngine, Running


async def told(body: Any, status: int = 200) -> web.StreamResponse:
    return web.json_response(body, status=status)


async def silent(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(60)
    raise AssertionError("nobody waits that long")


async def cut(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def endless(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    await answer.prepare(request)
    for _ in range(1000):
        await answer.write(b" " * 65_536)
    return answer


async def elsewhere(request: web.Request) -> web.StreamResponse:
    if request.query_string:
        return await told(FINE)
    raise web.HTTPTemporaryRedirect(f"{request.path}?once=more")


FINE = person("ann")
SAYS: dict[str, Any] = {
    "silence": silent,
    "a cut connection": cut,
    "an answer without an end": endless,
    "500": lambda _: told({}, 500),
    "503": lambda _: told({"reason": "unchecked", "message": "the API server is away"}, 503),
    "503 that looks like a name": lambda _: told(FINE, 503),
    "401 about the gateway": lambda _: told({"reason": "bad_token", "message": ""}, 401),
    "403 about the gateway": lambda _: told({"reason": "foreign_token", "message": ""}, 403),
    "403 with the reason of a 401": lambda _: told({"reason": "bad_caller"}, 403),
    "a redirect": elsewhere,
    "no JSON": lambda _: _text("ann"),
    "a list": lambda _: told([FINE]),
    "no name": lambda _: told({**FINE, "username": ""}),
    "a name that is a number": lambda _: told({**FINE, "username": 7}),
    "no UID": lambda _: told({**FINE, "uid": None}),
    "groups that are one": lambda _: told({**FINE, "groups": "analysts"}),
    "groups of numbers": lambda _: told({**FINE, "groups": [1]}),
    "no seconds": lambda _: told({k: v for k, v in FINE.items() if k != "seconds"}),
    "seconds that are true": lambda _: told({**FINE, "seconds": True}),
    "negative seconds": lambda _: told({**FINE, "seconds": -1}),
}


async def _text(text: str) -> web.StreamResponse:
    return web.Response(text=text)


@pytest.mark.parametrize("say", SAYS.values(), ids=SAYS.keys())
async def test_where_the_warden_does_not_name_anybody_nothing_is_answered(
    asking: Running, desk: Desk, engine: FakeEngine, say: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "ASK_SECONDS", 1.0)
    desk.answer = say
    reply = await ask(asking, ANN)
    assert (reply.status, reply.code) == (503, "identity_unavailable")
    assert reply.headers["Retry-After"] == "5"
    assert reply.document["error"]["type"] == "server_error"
    assert await refusals(asking, "identity_unavailable") == 1
    assert engine.requests == []
    desk.answer = None
    assert (await ask(asking, ANN)).status == 200, "and it is asked anew at once"


async def listing(gateway: Running, key: str) -> int:
    """The status of a question that leaves no record."""
    async with (
        gateway.session() as session,
        session.get(f"{gateway.url}/v1/models", headers=bearer(key)) as listed,
    ):
        return listed.status


async def test_without_a_warden_or_its_ca_or_our_token_nobody_is_named_until_it_is_back(
    asking: Running, desk: Desk, tmp_path: Path
) -> None:
    assert (await ask(asking, ANN)).status == 200
    await desk.close()
    assert await listing(asking, ANN) == 200, "who is known stays so for a while"
    assert await listing(asking, BOB) == 503
    assert (await ask(asking, ANN)).status == 503, "and on the record alone"
    await desk.open()
    assert (await ask(asking, BOB)).status == 200

    token = desk.folder / "token"
    token.rename(desk.folder / "away")
    assert (await ask(asking, NOBODY)).status == 503
    (desk.folder / "away").rename(token)
    assert (await ask(asking, NOBODY)).status == 401


@attack("callers", "a server in the warden's place, with a certificate of its own", Layer.TLS)
async def test_a_server_in_the_wardens_place_names_nobody_and_a_new_ca_is_taken_up(
    start: Start, desk: Desk, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other")
    await desk.close()
    published, desk.authority = desk.authority, other
    desk.trust(published)
    desk.authority = other
    await desk.open()
    asking = await start(identity=desk.identity, heard=False)
    assert (await ask(asking, ANN)).status == 503
    assert desk.asked == []
    desk.trust(other)
    await asking.heard()
    assert (await ask(asking, ANN)).status == 200


@attack("callers", "the token in logs, metrics, errors, and the engine's hands", Layer.GATEWAY)
async def test_no_token_is_told_to_anybody_but_the_warden(
    asking: Running,
    desk: Desk,
    engine: FakeEngine,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    replies = [await ask(asking, token) for token in (ANN, EVE, NOBODY)]
    for say in (silent, cut, SAYS["500"], SAYS["no JSON"]):
        desk.answer = say
        replies.append(await ask(asking, f"marker.{len(replies)}.ann"))
    assert len(desk.asked) >= 7, "control: the warden is told"

    def spoken(text: str) -> list[str]:
        marks = (ANN, EVE, NOBODY, "marker.", POD_TOKEN)
        return [mark for mark in marks if mark in text]

    assert spoken(ANN) == [ANN], "control"
    async with asking.session() as session, session.get(f"{asking.admin_url}/metrics") as answer:
        metrics = await answer.text()
    assert "identity_questions" in metrics
    for text in (caplog.text, metrics, str(engine.requests), *(str(one) for one in replies)):
        assert spoken(text) == []
    gc.unfreeze()  # the gateway has put what lives long out of the collector's sight
    kept = [one for one in gc.get_objects() if isinstance(one, Memory)]
    assert kept
    assert spoken("".join(str(one._kept) for one in kept)) == []
