"""A name behind every request: who presents no good token is told nothing and asked about once."""

import asyncio

import pytest
from aiohttp import web
from openai import AsyncOpenAI, AuthenticationError, DefaultAsyncHttpxClient, PermissionDeniedError

from casemate.gateway import identity, naming
from casemate.gateway.callers import Caller
from casemate.gateway.checks import Chain, Decision, RequestView
from casemate.gateway.memory import Memory
from casemate.gateway.quotas import Limits
from casemate.guard.types import Verdict
from casemate.identity import MOST_TOKEN
from support.attacks import Layer, attack
from unit.gateway.conftest import Start
from unit.gateway.desk import (
    AGAIN,
    ANN,
    BOB,
    EVE,
    NOBODY,
    POD_TOKEN,
    Desk,
    ask,
    bearer,
    held,
    person,
    refusals,
)
from unit.gateway.guarded import in_force
from unit.gateway.people import refusal
from unit.gateway.support import CHAT, FakeEngine, Running, until

MODELS = "/v1/models"
LONG = "a" * (MOST_TOKEN - 200)


async def test_who_has_a_name_and_the_right_is_answered_and_asked_about_once(
    asking: Running, desk: Desk, engine: FakeEngine
) -> None:
    for _ in range(3):
        assert (await ask(asking, ANN)).status == 200
    assert desk.asked == [ANN]
    assert desk.pods == {f"Bearer {POD_TOKEN}"}
    assert (await ask(asking, BOB)).status == 200
    assert desk.asked == [ANN, BOB]
    assert len(desk.links) == 1, "one connection for all questions"
    assert not any("Authorization" in headers for _, _, headers, _ in engine.requests)
    assert await asking.metric('identity_questions_total{result="named"}') == 2


KEYS: dict[str, tuple[dict[str, str], str]] = {
    "none": ({}, "no_token"),
    "no token behind the scheme": ({"Authorization": "Bearer"}, "no_token"),
    "an empty one": ({"Authorization": "Bearer "}, "no_token"),
    "another scheme": ({"Authorization": "Basic YTpi"}, "no_token"),
    "no scheme": ({"Authorization": ANN}, "no_token"),
    "in other headers": ({"api-key": ANN, "X-Api-Key": ANN, "Cookie": f"token={ANN}"}, "no_token"),
    "one that nobody knows": (bearer(NOBODY), "bad_token"),
    "behind two blanks": (bearer(f" {ANN}"), "bad_token"),
    "two": (bearer(f"{ANN} {ANN}"), "bad_token"),
    "two in a list": (bearer(f"{ANN},{ANN}"), "bad_token"),
    "a JWT in its other spelling": (bearer('{"payload":"x"}'), "bad_token"),
    "other letters": (bearer("é"), "bad_token"),
    "a long one": (bearer(LONG), "bad_token"),
}


@pytest.mark.parametrize(("headers", "reason"), KEYS.values(), ids=KEYS.keys())
async def test_without_a_good_token_it_is_401_as_openai_says_it(
    asking: Running, desk: Desk, engine: FakeEngine, headers: dict[str, str], reason: str
) -> None:
    async with (
        asking.session() as session,
        session.get(asking.url + MODELS, headers=headers) as listed,
    ):
        assert listed.status == 401
    reply = await asking.post(CHAT, headers=headers)
    assert (reply.status, reply.headers["WWW-Authenticate"]) == (401, "Bearer")
    error = reply.document["error"]
    assert error.pop("message").count("audience casemate") == 1
    assert error == {"type": "invalid_request_error", "param": None, "code": "invalid_api_key"}
    assert await refusals(asking, reason) == 2
    assert engine.requests == []
    assert set(desk.asked) <= {NOBODY, LONG}, "what cannot be a token is not asked about"
    assert (await ask(asking, ANN)).status == 200, "control"


async def test_without_the_right_it_is_403_and_the_name_is_not_told(
    asking: Running, engine: FakeEngine
) -> None:
    reply = await ask(asking, EVE)
    assert (reply.status, reply.code) == (403, "permission_denied")
    assert "verb use" in reply.document["error"]["message"]
    assert "told to the gateway" not in reply.text
    assert await refusals(asking, "no_right") == 1
    assert engine.requests == []


async def test_the_openai_client_raises_what_it_always_raises(asking: Running) -> None:
    def client(token: str) -> AsyncOpenAI:
        http = DefaultAsyncHttpxClient(verify=asking.authority.client_context())
        return AsyncOpenAI(
            base_url=f"{asking.url}/v1", api_key=token, max_retries=0, http_client=http
        )

    async with client(ANN) as openai:
        assert [model async for model in openai.models.list()], "control"
    for token, error in ((NOBODY, AuthenticationError), (EVE, PermissionDeniedError)):
        async with client(token) as openai:
            with pytest.raises(error):
                await openai.models.list()


async def test_the_scheme_may_be_spelt_in_any_case_and_is_given_once(asking: Running) -> None:
    reply = await asking.post(CHAT, headers={"Authorization": f"bEARER {ANN}"})
    assert reply.status == 200
    twice = (
        f"GET {MODELS} HTTP/1.1\r\nHost: a\r\n" + f"Authorization: Bearer {ANN}\r\n" * 2 + "\r\n"
    )
    assert b"header Authorization must not be repeated" in await asking.raw(twice.encode())


async def test_a_body_is_not_waited_for_before_there_is_a_name(asking: Running) -> None:
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n"
    assert b" 401 " in await asking.raw(head + b"\r\n")
    with_name = head + f"Authorization: Bearer {ANN}\r\n\r\n".encode()
    assert b" 415 " in await asking.raw(with_name), "control: its type is looked at next"


async def test_what_does_not_exist_is_told_to_anybody_and_costs_no_question(
    asking: Running, desk: Desk
) -> None:
    assert (await asking.post(CHAT, "/v1/files", headers=bearer(ANN))).status == 404
    assert (await asking.post(CHAT, MODELS, headers=bearer(ANN))).status == 405
    assert desk.asked == []


@attack("callers", "a caller's own headers, to be somebody else", Layer.GATEWAY)
async def test_headers_of_a_client_do_not_make_them_somebody_else(start: Start, desk: Desk) -> None:
    seen: list[RequestView] = []

    class Look:
        name = "look"

        async def check(self, request: RequestView) -> Decision:
            seen.append(request)
            return Decision(Verdict.ALLOW)

    asking = await start(Chain(inputs=[Look()]), identity=desk.identity)
    for name in (
        *("Impersonate-User", "Impersonate-Group", "X-Remote-User", "X-Remote-Group"),
        *("X-Forwarded-For", "X-Forwarded-User", "Forwarded", "X-Real-IP", "From"),
        *("OpenAI-Organization", "OpenAI-Project", "Casemate-Caller"),
    ):
        assert (await ask(asking, ANN, **{name: "bob"})).status == 200
    groups = ("system:authenticated", "analysts")
    assert {one.caller for one in seen} == {Caller("ann\0uid-of-ann", "ann", "uid-of-ann", groups)}


@attack("callers", "quotas by new tokens, and from another address", Layer.GATEWAY)
async def test_quotas_count_names_and_not_tokens_or_addresses(start: Start, desk: Desk) -> None:
    asking = await start(force=in_force(limits=Limits(3600, requests=2)), identity=desk.identity)
    assert [(await ask(asking, token)).status for token in (ANN, AGAIN, ANN)] == [200, 200, 429]
    assert (await ask(asking, BOB)).status == 200, "from the same address, another name"
    desk.named["new.new-new.new"] = person("ann", "uid-of-a-new-account")
    assert (await ask(asking, "new.new-new.new")).status == 200, "of the same name, a new account"


# What is kept, and for how long.


async def test_what_was_taken_away_counts_when_the_answer_has_ended(
    asking: Running, desk: Desk
) -> None:
    desk.named[ANN] = person("ann", seconds=1.0)
    assert (await ask(asking, ANN)).status == 200
    desk.named.pop(ANN)
    desk.rightless.add(ANN)
    assert (await ask(asking, ANN)).status == 200, "control: the answer holds a second"
    async with asyncio.timeout(5):
        while (await ask(asking, ANN)).status != 403:
            pass
    assert desk.asked == [ANN, ANN]


async def test_no_answer_holds_for_longer_than_the_gateways_own_limit(
    asking: Running, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "KNOWN_SECONDS", 0.2)
    desk.named[ANN] = person("ann", seconds=3600)
    assert (await ask(asking, ANN)).status == 200
    async with asyncio.timeout(5):
        while len(desk.asked) < 2:
            await ask(asking, ANN)


async def test_a_token_that_ends_while_it_is_asked_about_is_none(
    asking: Running, desk: Desk
) -> None:
    desk.named[ANN] = person("ann", seconds=0)
    assert (await ask(asking, ANN)).status == 401
    desk.named[BOB] = person("bob", seconds=30)
    assert (await ask(asking, BOB)).status == 200, "control"


async def test_a_refusal_is_kept_for_a_moment_and_a_right_that_is_given_counts_then(
    asking: Running, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(naming, "REFUSED_SECONDS", 0.5)
    assert [(await ask(asking, EVE)).status for _ in range(3)] == [403, 403, 403]
    assert desk.asked == [EVE]
    desk.named[EVE] = person("eve")
    async with asyncio.timeout(5):
        while (await ask(asking, EVE)).status != 200:
            pass
    assert desk.asked == [EVE, EVE]
    assert naming.REFUSED_SECONDS < 5


async def test_many_requests_with_one_token_are_one_question_and_survive_the_first(
    asking: Running, desk: Desk
) -> None:
    gate = asyncio.Event()
    desk.answer = held(gate, person("ann"))
    requests = [asyncio.create_task(ask(asking, ANN)) for _ in range(20)]
    await until(lambda: desk.asked == [ANN])
    requests[0].cancel()
    await asyncio.gather(requests[0], return_exceptions=True)
    left = 'requests_total{code="499",path="/v1/chat/completions"}'
    async with asyncio.timeout(5):
        while await asking.metric(left) != 1:
            pass
    gate.set()
    assert {(await one).status for one in requests[1:]} == {200}
    assert desk.asked == [ANN]


@attack("callers", "a flood of made-up tokens, to drive out good ones", Layer.GATEWAY)
async def test_a_flood_of_made_up_tokens_is_bounded_and_drives_out_nobody(
    asking: Running, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await ask(asking, ANN)).status == 200
    monkeypatch.setattr(identity, "MOST_ASKED", 4)
    gate, busy, most = asyncio.Event(), 0, 0

    async def answer(_: web.Request) -> web.StreamResponse:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        await gate.wait()
        busy -= 1
        return refusal(401, "bad_caller")

    desk.answer = answer
    flood = [asyncio.create_task(ask(asking, f"made.up.{n}")) for n in range(40)]
    await until(lambda: sum(one.done() for one in flood) == 36)
    assert (await ask(asking, ANN)).status == 200, "who is known is asked about no more"
    gate.set()
    statuses = sorted([(await one).status for one in flood])
    assert (statuses, most) == ([401] * 4 + [503] * 36, 4)


def test_memory_is_bounded_and_the_least_used_goes_first() -> None:
    memory = Memory[str](3)
    for key in (b"a", b"b", b"c"):
        memory.put(key, 10.0, key.decode())
    assert memory.get(b"a", 0.0) == "a"
    memory.put(b"d", 10.0, "d")
    assert [memory.get(key, 9.9) for key in (b"a", b"b", b"c", b"d")] == ["a", None, "c", "d"]
    assert memory.get(b"a", 10.0) is None, "it has ended"
    assert len(memory) == 2
