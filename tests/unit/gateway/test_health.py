"""Probes and metrics: what they say is what is so."""

import asyncio
import socket

import pytest
from aiohttp import ClientSession, web

from casemate.gateway import health
from unit.gateway.conftest import Start
from unit.gateway.support import CHAT, FakeEngine, Running


async def ask(gateway: Running, path: str) -> tuple[int, str]:
    async with ClientSession() as session, session.get(gateway.admin_url + path) as answer:
        return answer.status, await answer.text()


async def test_ready_follows_the_engine(
    gateway: Running, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "CACHE_SECONDS", 0.0)
    assert await ask(gateway, "/readyz") == (200, "ok\n")
    assert await gateway.metric("ready") == 1
    engine.healthy = False
    assert (await ask(gateway, "/readyz"))[0] == 503
    assert await gateway.metric("ready") == 0
    assert await ask(gateway, "/healthz") == (200, "ok\n")


async def test_ready_is_false_without_an_engine(gateway: Running, engine: FakeEngine) -> None:
    engine.socket.unlink()
    status, text = await ask(gateway, "/readyz")
    assert status == 503
    assert "engine does not answer" in text


async def test_ready_is_false_while_the_engine_hangs(start: Start, engine: FakeEngine) -> None:
    engine.socket.unlink()
    gateway = await start(probe_timeout=0.2)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(engine.socket))
        silent.listen()
        assert (await ask(gateway, "/readyz"))[0] == 503


async def test_probes_cost_the_engine_one_request_a_second_at_most(
    gateway: Running, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "CACHE_SECONDS", 60.0)
    answers = await asyncio.gather(*(ask(gateway, "/readyz") for _ in range(20)))
    assert {status for status, _ in answers} == {200}
    engine.healthy = False
    assert (await ask(gateway, "/readyz"))[0] == 200


async def test_an_engine_without_a_health_path_is_asked_for_its_models(
    start: Start, engine: FakeEngine
) -> None:
    async def respond(request: web.Request) -> web.StreamResponse:
        if request.path == "/v1/models":
            return web.json_response({"data": []})
        raise web.HTTPNotFound

    engine.respond = respond
    engine.health_path = "/other"
    gateway = await start()
    assert (await ask(gateway, "/readyz"))[0] == 200
    assert [path for _, path, _, _ in engine.requests] == ["/health", "/v1/models"]


async def test_the_metrics_port_answers_nothing_else(gateway: Running, engine: FakeEngine) -> None:
    for path in ("/", "/v1/models", "/v1/chat/completions", "/metrics/", "/healthz?x"):
        assert (await ask(gateway, path))[0] == 404
    async with ClientSession() as session, session.post(gateway.admin_url + "/metrics") as answer:
        assert answer.status == 405
    assert engine.requests == []


async def test_requests_are_counted_by_path_and_code(gateway: Running) -> None:
    await gateway.post(CHAT)
    await gateway.post({**CHAT, "stream": True})
    await gateway.post({"model": "m"})
    await gateway.post(CHAT, path="/no/such/path")
    chat = 'path="/v1/chat/completions"'
    assert await gateway.metric(f'requests_total{{code="200",{chat}}}') == 2
    assert await gateway.metric(f'requests_total{{code="400",{chat}}}') == 1
    assert await gateway.metric('requests_total{code="404",path="other"}') == 1
    assert await gateway.metric('refusals_total{reason="bad_shape"}') == 1
    assert await gateway.metric(f"request_duration_seconds_count{{{chat}}}") == 3
    assert await gateway.metric(f"time_to_first_token_seconds_count{{{chat}}}") == 1
    assert await gateway.metric('tokens_total{kind="prompt"}') == 10
    assert await gateway.metric('tokens_total{kind="completion"}') == 4


async def test_what_clients_send_never_becomes_a_label(gateway: Running) -> None:
    async def lines() -> int:
        return len((await ask(gateway, "/metrics"))[1].splitlines())

    await gateway.post({**CHAT, "model": "first"}, path="/first")
    before = await lines()
    for number in range(20):
        await gateway.post({**CHAT, "model": f"m{number}"}, path=f"/{number}")
    assert await lines() == before


async def test_every_metric_has_the_prefix_and_a_help_text(gateway: Running) -> None:
    _, text = await ask(gateway, "/metrics")
    names = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    helped = {line.split()[2] for line in text.splitlines() if line.startswith("# HELP")}
    assert names
    assert names == helped
    assert all(name.startswith(("casemate_gateway_", "casemate_guard_")) for name in names)
