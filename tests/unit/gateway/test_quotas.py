"""Quotas: requests, tokens and distinct persons of one caller within a window."""

import asyncio
import sys
from typing import Any

import pytest
from aiohttp import web

from casemate.gateway.callers import UNKNOWN, Caller, of_address
from casemate.gateway.errors import Cause
from casemate.gateway.quotas import SLICES, Limits, Quotas
from casemate.gateway.relay import Used
from support.attacks import Layer, attack
from unit.gateway.conftest import Start
from unit.gateway.guarded import SENTENCE, delta, in_force
from unit.gateway.support import CHAT, FakeEngine, Running, until
from unit.gateway.test_streaming import events

HOUR = 3600.0
ANN, BOB = Caller("ann"), Caller("bob")


def test_requests_are_counted_per_caller_and_free_up_when_the_window_has_passed() -> None:
    quotas = Quotas(Limits(HOUR, requests=3))
    for now in (0.0, 10.0, 1800.0):
        assert quotas.ask(ANN, now) is None
    excess = quotas.ask(ANN, 2000.0)
    assert excess is not None
    assert excess.cause is Cause.REQUESTS
    assert HOUR - 2000 <= excess.wait <= HOUR - 2000 + 2 * HOUR / SLICES
    assert quotas.ask(BOB, 2000.0) is None
    assert quotas.ask(ANN, 2000.0 + excess.wait - 70) is not None
    assert quotas.ask(ANN, 2000.0 + excess.wait) is None
    assert quotas.ask(ANN, 2000.0 + excess.wait + 1) is None
    assert quotas.ask(ANN, 2000.0 + excess.wait + 2) is not None


def test_a_refused_request_does_not_count_so_waiting_is_enough() -> None:
    quotas = Quotas(Limits(HOUR, requests=1))
    assert quotas.ask(ANN, 0.0) is None
    for now in range(1, 3600, 60):
        assert quotas.ask(ANN, float(now)) is not None
    assert quotas.ask(ANN, HOUR + 2 * HOUR / SLICES) is None


def test_tokens_are_spent_afterwards_and_the_next_request_waits() -> None:
    quotas = Quotas(Limits(HOUR, tokens=100))
    assert quotas.ask(ANN, 0.0) is None
    quotas.spend(ANN, 99, 1.0)
    assert quotas.ask(ANN, 2.0) is None
    quotas.spend(ANN, 1, 3.0)
    excess = quotas.ask(ANN, 4.0)
    assert excess is not None
    assert excess.cause is Cause.TOKENS
    assert quotas.ask(BOB, 4.0) is None
    assert quotas.ask(ANN, 4.0 + excess.wait) is None


def test_persons_are_counted_once_each_and_from_the_last_time() -> None:
    quotas = Quotas(Limits(HOUR, persons=2))
    assert quotas.ask_about(ANN, ["a"], 0.0) is None
    assert quotas.ask_about(ANN, ["a", "b"], 1000.0) is None
    excess = quotas.ask_about(ANN, ["c"], 2000.0)
    assert excess is not None
    assert (excess.cause, excess.wait) == (Cause.PERSONS, 2600)
    assert quotas.ask_about(ANN, ["a", "b"], 2000.0) is None
    assert quotas.ask_about(ANN, [], 2000.0) is None
    assert quotas.ask_about(BOB, ["c"], 2000.0) is None
    assert quotas.ask_about(ANN, ["c"], 4600.0) is not None
    assert quotas.ask_about(ANN, ["c"], 5600.0) is None


def test_a_request_about_too_many_at_once_is_refused_and_none_of_them_counts() -> None:
    quotas = Quotas(Limits(HOUR, persons=2))
    assert quotas.ask_about(ANN, ["a", "b", "c"], 0.0) is not None
    assert quotas.ask_about(ANN, ["d", "e"], 0.0) is None


@attack("resources", "quotas from many addresses, to be counted as many callers", Layer.GATEWAY)
def test_many_callers_share_one_quota_and_memory_stays_bounded() -> None:
    quotas = Quotas(Limits(HOUR, requests=5, persons=5), callers=100, persons=300)
    passed = sum(quotas.ask(Caller(str(n)), 0.0) is None for n in range(10_000))
    assert passed == 100 + 5
    assert len(quotas._accounts) == 100
    # Whoever was counted before keeps his count, however many come.
    assert [quotas.ask(Caller("0"), 1.0) is None for _ in range(5)] == [True] * 4 + [False]
    counted = [
        quotas.ask_about(Caller(str(n)), [f"{n}-{m}" for m in range(5)], 1.0) for n in range(100)
    ]
    assert sum(excess is None for excess in counted) == 60
    assert counted[-1] is not None
    assert counted[-1].cause is Cause.CALLERS
    # When all have left the window there is room again, for callers and for persons.
    later = 3 * HOUR
    assert sum(quotas.ask(Caller(f"n{n}"), later) is None for n in range(100)) == 100
    assert quotas.ask_about(Caller("n1"), ["x"], later) is None
    assert quotas._persons == 1


def test_a_clock_that_stands_still_or_leaps_counts_no_less() -> None:
    quotas = Quotas(Limits(HOUR, requests=2))
    assert [quotas.ask(ANN, 5.0) is None for _ in range(4)] == [True, True, False, False]
    assert quotas.ask(ANN, 1e9) is None


def test_persons_are_not_kept_in_a_form_that_says_who() -> None:
    quotas, other = (Quotas(Limits(HOUR, persons=5)) for _ in range(2))
    for each in (quotas, other):
        each.ask_about(ANN, ["name:carter john"], 0.0)
    kept, others = (list(each._accounts["ann"].persons) for each in (quotas, other))
    assert [len(item) for item in kept] == [8]
    assert kept != others


def test_the_memory_of_one_caller_is_small() -> None:
    quotas = Quotas(Limits(HOUR, requests=10**6, tokens=10**9))
    for second in range(7_200):
        quotas.ask(ANN, float(second))
        quotas.spend(ANN, 10, float(second))
    account = quotas._accounts["ann"]
    assert len(account.requests._sums) <= SLICES + 1
    assert sys.getsizeof(account.requests._sums) < 16_000


@pytest.mark.parametrize(
    ("address", "caller"),
    [
        ("10.1.2.3", Caller("10.1.2.3")),
        ("::ffff:10.1.2.3", Caller("10.1.2.3")),
        ("2001:db8::1", Caller("2001:db8::/64")),
        ("2001:db8::ffff:0:0:9%eth0", Caller("2001:db8:0:0::/64")),
        ("nonsense", UNKNOWN),
    ],
)
def test_callers_are_told_apart_by_address_and_networks_in_ipv6(
    address: str, caller: Caller
) -> None:
    assert of_address(address) == of_address(caller.key.partition("/")[0])
    assert "%" not in of_address(address).key


def test_what_is_used_is_as_reported_or_estimated_if_the_engine_was_asked() -> None:
    assert Used(reported=7, events=3, asked=True).tokens(400) == 7
    assert Used(events=3, asked=True).tokens(400) == 103
    assert Used().tokens(400) == 0


# Through the gateway.


def about(*names: str) -> dict[str, Any]:
    return {**CHAT, "messages": [{"role": "user", "content": f"Tell me of {' and '.join(names)}."}]}


async def test_one_request_too_many_is_429_with_the_seconds_to_wait(
    start: Start, engine: FakeEngine
) -> None:
    gateway = await start(force=in_force(limits=Limits(HOUR, requests=2)))
    refused = {**CHAT, "messages": [{"role": "user", "content": SENTENCE}]}
    assert [(await gateway.post(body)).status for body in (CHAT, refused)] == [200, 400]
    reply = await gateway.post(CHAT)
    assert (reply.status, reply.code) == (429, "quota_exceeded")
    assert reply.document["error"]["type"] == "rate_limit_error"
    assert 3_000 < int(reply.headers["Retry-After"]) <= 3_720
    assert "too many requests" in reply.document["error"]["message"]
    assert len(engine.requests) == 1
    assert await gateway.metric('guard_refusals_total{reason="quota_requests"}') == 1
    assert await gateway.metric('refusals_total{reason="quota_exceeded"}') == 1


async def test_tokens_that_the_engine_reports_are_counted(start: Start) -> None:
    gateway = await start(force=in_force(limits=Limits(HOUR, tokens=14)))
    replies = [(await gateway.post({**CHAT, "stream": n == 1})).status for n in range(3)]
    assert replies == [200, 200, 429]
    assert await gateway.metric('guard_refusals_total{reason="quota_tokens"}') == 1


@attack("resources", "leaving before the engine reports its tokens", Layer.GATEWAY)
async def test_who_leaves_before_the_engine_reports_has_used_tokens_all_the_same(
    start: Start, engine: FakeEngine
) -> None:
    gateway = await start(force=in_force(limits=Limits(HOUR, tokens=30)))
    fine = [delta("A sentence that is fine and long. ")] * 40

    async def respond(request: web.Request) -> web.StreamResponse:
        response = await engine.send_events(request, fine)
        await asyncio.Event().wait()
        return response

    engine.respond = respond
    url = f"{gateway.url}/v1/chat/completions"
    async with (
        gateway.session() as session,
        session.post(url, json={**CHAT, "stream": True}) as answer,
    ):
        assert await answer.content.readany()
    await asyncio.wait_for(engine.aborted.wait(), 20)
    engine.respond = events(delta("fine"))
    metric = 'requests_total{code="499",path="/v1/chat/completions"}'
    async with asyncio.timeout(20):
        while await gateway.metric(metric) != 1:
            pass
    assert (await gateway.post(CHAT)).status == 429


async def test_distinct_persons_are_counted_over_requests(start: Start) -> None:
    gateway = await start(force=in_force(limits=Limits(HOUR, persons=3)))
    asked = [about("Anna Schmidt"), about("Anna Schmidt"), about("John Carter", "Li Wei")]
    assert [(await gateway.post(body)).status for body in asked] == [200, 200, 200]
    reply = await gateway.post(about("Omar Haddad"))
    assert (reply.status, reply.code) == (429, "quota_exceeded")
    assert "persons" in reply.document["error"]["message"]
    assert "Omar" not in reply.text
    assert int(reply.headers["Retry-After"]) > 3_000
    assert await gateway.metric('guard_refusals_total{reason="quota_persons"}') == 1
    assert (await gateway.post(about("SCHMIDT, Anna", "John Carter"))).status == 200
    assert (await gateway.post(CHAT)).status == 200


async def test_without_limits_nothing_is_counted(guarded: Running) -> None:
    for _ in range(5):
        assert (await guarded.post(about("Anna Schmidt", "John Carter"))).status == 200
    await until(lambda: guarded.stack.problem is None)
