"""Every request is on record: before the engine, and before its caller has all of the answer."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import ClientPayloadError, web

from casemate.audit.records import check
from casemate.gateway.checks import Chain, Decision, RequestView
from casemate.guard.types import Verdict
from support.attacks import Layer, attack
from unit.gateway.conftest import Start
from unit.gateway.desk import ANN, NOBODY, Desk, ask, bearer, refusals
from unit.gateway.support import CHAT, FakeEngine, Reply, Running, chunk, until

STREAM = {**CHAT, "stream": True}
WARDENS = {
    "deployment": {"namespace": "models", "name": "m", "uid": "1"},
    "pod": {"name": "m-1", "uid": "2"},
    "image": "registry.enclave.local/m@sha256:" + "0" * 64,
    "supplier": "acme",
    "agreement": {"name": "a", "digest": "sha256:" + "0" * 64},
}
"""What the warden adds, by its own look."""


def kinds(desk: Desk) -> list[str]:
    return [each["kind"] for each in desk.records]


def acceptable(record: dict[str, Any]) -> None:
    """Make sure that a log would keep what a gateway sends."""
    fields = dict(record)
    kind = fields.pop("kind")
    fields.pop("key", None)
    added = {"intent": WARDENS, "outcome": {}}.get(
        kind, {name: WARDENS[name] for name in ("deployment", "pod")}
    )
    check(kind, fields | added)


def digest(reply: Reply, salt: bytes) -> str:
    return hashlib.sha256(salt + reply.text.encode()).hexdigest()


async def test_an_answer_names_its_record_and_the_record_its_digests(
    asking: Running, desk: Desk, engine: FakeEngine
) -> None:
    reply = await ask(asking, ANN)

    assert kinds(desk) == ["intent", "outcome"]
    intent, outcome = desk.records
    for record in desk.records:
        acceptable(record)
    assert len({bytes.fromhex(record["key"]) for record in desk.records}) == 2
    assert reply.headers["Casemate-Decision"] == "desk-0/0" == outcome["intent"]
    salt = bytes.fromhex(reply.headers["Casemate-Salt"])
    assert intent["caller"] == {"username": "ann", "uid": "uid-of-ann"}
    assert intent["request"]["sha256"] == hashlib.sha256(salt + engine.requests[0][3]).hexdigest()
    assert outcome["response"] == {
        "sha256": digest(reply, salt),
        "bytes": len(reply.text.encode()),
    }
    assert (outcome["status"], outcome["verdict"], outcome["reason"]) == (200, "allow", None)
    assert "hello" not in json.dumps(desk.records).lower(), "no text in it"


async def test_a_stream_is_on_record_before_its_end(
    asking: Running, desk: Desk, engine: FakeEngine
) -> None:
    reply = await asking.post(STREAM, headers=bearer(ANN))

    assert kinds(desk) == ["intent", "outcome"]
    assert reply.headers["Casemate-Decision"] == "desk-0/0"
    salt = bytes.fromhex(reply.headers["Casemate-Salt"])
    assert desk.records[1]["response"]["sha256"] == digest(reply, salt)


@attack("evidence", "a request while no record can be kept", Layer.GATEWAY)
async def test_without_an_intent_the_engine_sees_nothing(
    asking: Running, desk: Desk, engine: FakeEngine
) -> None:
    desk.unrecorded = {"intent"}
    reply = await ask(asking, ANN)

    assert (reply.status, engine.requests) == (503, [])
    assert json.loads(reply.text)["error"]["code"] == "evidence_unavailable"
    assert reply.headers["Retry-After"] == "5"
    assert await refusals(asking, "evidence_unavailable") == 1
    assert await asking.metric('records_total{kind="intent",result="failed"}') == 1
    desk.unrecorded = set()
    assert (await ask(asking, ANN)).status == 200, "control"


@attack("evidence", "an answer whose outcome cannot be kept", Layer.GATEWAY)
async def test_without_an_outcome_no_answer_leaves(
    asking: Running, desk: Desk, engine: FakeEngine
) -> None:
    desk.unrecorded = {"outcome"}
    reply = await ask(asking, ANN)

    assert reply.status == 503
    assert len(engine.requests) == 1, "it was asked"
    assert "choices" not in reply.text


async def test_without_an_outcome_a_stream_never_ends_cleanly(
    asking: Running, desk: Desk, engine: FakeEngine
) -> None:
    desk.unrecorded = {"outcome"}
    with pytest.raises(ClientPayloadError):
        await asking.post(STREAM, headers=bearer(ANN))
    desk.unrecorded = set()
    assert "[DONE]" in (await asking.post(STREAM, headers=bearer(ANN))).text, "control"


class Refusing:
    """Refuses everything."""

    name = "refusing"

    async def check(self, _request: RequestView) -> Decision:
        return Decision(Verdict.REFUSE, "it is refused")


async def test_a_refused_request_is_on_record_too(
    start: Start, desk: Desk, engine: FakeEngine
) -> None:
    gateway = await start(Chain(inputs=[Refusing()]), identity=desk.identity)
    reply = await ask(gateway, ANN)

    assert (reply.status, engine.requests) == (400, [])
    assert kinds(desk) == ["refused"]
    acceptable(desk.records[0])
    assert desk.records[0]["reason"] == "red_line"
    assert reply.headers["Casemate-Decision"] == "desk-0/0"
    desk.unrecorded = {"refused"}
    assert (await ask(gateway, ANN)).status == 503, "and is told nothing where it is not"


async def test_who_has_no_name_leaves_no_record(asking: Running, desk: Desk) -> None:
    assert (await ask(asking, NOBODY)).status == 401
    assert desk.records == []


async def test_an_engine_that_fails_is_an_outcome(
    asking: Running, desk: Desk, engine: FakeEngine
) -> None:
    async def broken(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=500)

    engine.respond = broken
    reply = await ask(asking, ANN)

    assert reply.status >= 500
    assert kinds(desk) == ["intent", "outcome"]
    acceptable(desk.records[1])
    assert desk.records[1]["response"] is None
    assert desk.records[1]["reason"]
    assert reply.headers["Casemate-Decision"] == "desk-0/0"


async def test_a_caller_that_leaves_has_an_outcome_with_what_was_sent(
    asking: Running, desk: Desk, engine: FakeEngine
) -> None:
    engine.respond = endless()
    async with asking.session() as session:
        answer = await session.post(
            asking.url + "/v1/chat/completions", json=STREAM, headers=bearer(ANN)
        )
        await answer.content.readany()
        answer.close()
    await until(lambda: len(desk.records) == 2)

    acceptable(desk.records[1])
    assert (desk.records[1]["status"], desk.records[1]["reason"]) == (499, "client_gone")
    assert desk.records[1]["response"]["bytes"] > 0


def endless() -> Callable[[web.Request], Awaitable[Any]]:
    async def respond(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        while True:
            await response.write(b"data: " + chunk("word ") + b"\n\n")
            await asyncio.sleep(0.01)

    return respond
