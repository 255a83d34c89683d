"""What the agreement wants kept leaves the gateway sealed, whole, and beside the record alone."""

import base64
import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from io import BytesIO
from typing import Any

import pytest
from aiohttp import ClientPayloadError, web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from casemate.audit import sealing
from casemate.gateway import keeping
from casemate.gateway.errors import Refusal
from casemate.gateway.loading import load
from casemate.gateway.policy import LoadError
from casemate.gateway.sealing import LARGE, Budget, Content, Sealing
from support.attacks import Layer, attack
from unit.gateway.conftest import Start
from unit.gateway.desk import ANN, Desk, ask, bearer, refusals
from unit.gateway.guarded import BUNDLE, HELD, in_force
from unit.gateway.guarded import build as builds
from unit.gateway.support import CHAT, DONE, FakeEngine, Running, chunk, completion, until
from unit.gateway.test_evidence import acceptable, kinds
from unit.gateway.test_policy import terms

KEY = X25519PrivateKey.generate()
LOW_ORDER = (
    "-----BEGIN PUBLIC KEY-----\n"
    + base64.b64encode(bytes.fromhex("302a300506032b656e032100") + bytes(32)).decode()
    + "\n-----END PUBLIC KEY-----\n"
)
MARKER = "marker-of-a-secret-question"
ASK = {**CHAT, "messages": [{"role": "user", "content": MARKER}]}
Respond = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture
async def sealed(start: Start, desk: Desk) -> Running:
    """A gateway whose agreement wants contents kept, sealed."""
    force = replace(in_force(), seal_to=KEY.public_key())
    return await start(force=force, identity=desk.identity)


def opened(record: dict[str, Any], part: str) -> bytes:
    """The content beside a record, opened, once it is the one that the record names."""
    raw = base64.b64decode(record["sealed"])
    assert record[part]["sealed"] == f"sha256:{hashlib.sha256(raw).hexdigest()}"
    salted = sealing.open(raw, KEY)
    assert hashlib.sha256(salted).hexdigest() == record[part]["sha256"]
    return salted


def as_logged(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != "sealed"}


async def test_request_and_answer_are_sealed_beside_their_records(
    sealed: Running, desk: Desk, engine: FakeEngine
) -> None:
    reply = await sealed.post(ASK, headers=bearer(ANN))

    assert reply.status == 200
    assert kinds(desk) == ["intent", "outcome"]
    intent, outcome = desk.records
    for record in desk.records:
        acceptable(as_logged(record))
    salt = bytes.fromhex(reply.headers["Casemate-Salt"])
    assert opened(intent, "request") == salt + engine.requests[0][3]
    assert opened(outcome, "response") == salt + reply.text.encode()
    told = json.dumps(desk.records)
    assert MARKER not in told
    assert "hello back" not in told
    assert MARKER.encode() in opened(intent, "request"), "control"


async def test_a_stream_is_sealed_as_it_has_left(
    sealed: Running, desk: Desk, engine: FakeEngine
) -> None:
    reply = await sealed.post({**ASK, "stream": True}, headers=bearer(ANN))

    salt = bytes.fromhex(reply.headers["Casemate-Salt"])
    assert opened(desk.records[1], "response") == salt + reply.text.encode()
    assert "[DONE]" in reply.text


async def test_large_ones_are_sealed_too(sealed: Running, desk: Desk, engine: FakeEngine) -> None:
    text = "many words of an answer. " * LARGE

    async def respond(_: web.Request) -> web.StreamResponse:
        return web.json_response(completion(text))

    engine.respond = respond
    body = {**ASK, "messages": [{"role": "user", "content": "question " * (2 * LARGE)}]}
    headers = {**bearer(ANN), "Content-Type": "application/json"}
    reply = await sealed.post(data=BytesIO(json.dumps(body).encode()), headers=headers)

    salt = bytes.fromhex(reply.headers["Casemate-Salt"])
    assert opened(desk.records[0], "request") == salt + engine.requests[0][3]
    assert opened(desk.records[1], "response") == salt + reply.text.encode()


async def test_where_the_agreement_wants_digests_alone_nothing_is_sealed(
    start: Start, desk: Desk
) -> None:
    gateway = await start(force=in_force(), identity=desk.identity)
    assert (await ask(gateway, ANN)).status == 200
    assert not any("sealed" in json.dumps(record) for record in desk.records)


async def test_held_requests_are_sealed_when_they_are_held_and_when_they_are_let_go(
    sealed: Running, desk: Desk, engine: FakeEngine
) -> None:
    body = {**CHAT, "messages": [{"role": "user", "content": HELD}]}
    reply = await sealed.post(body, headers=bearer(ANN))
    assert reply.status == 403
    name = reply.headers["Casemate-Approval"]
    held = desk.people.held[name]
    salt = bytes.fromhex(reply.headers["Casemate-Salt"])
    assert opened({**held["intent"], "sealed": held["sealed"]}, "request").startswith(salt)

    desk.people.decide(name)
    reply = await sealed.post(body, headers={**bearer(ANN), "Casemate-Approval": name})
    assert reply.status == 200
    spent = desk.people.consumed[0]
    salt = bytes.fromhex(reply.headers["Casemate-Salt"])
    found = opened({**spent["intent"], "sealed": spent["sealed"]}, "request")
    assert found.startswith(salt)
    assert json.loads(found[len(salt) :])["messages"] == body["messages"]
    assert opened(desk.records[-1], "response") == salt + reply.text.encode()


def _long(engine: FakeEngine, pieces: int) -> Respond:
    event = chunk("several words that are all told here. " * 20)

    async def respond(request: web.Request) -> web.StreamResponse:
        # One by one, as models write: else all of it is refused before its beginning has left.
        return await engine.send_events(request, [*[event] * pieces, DONE], pause=0.02)

    return respond


def _whole(size: int) -> Respond:
    async def respond(_: web.Request) -> web.StreamResponse:
        return web.json_response(completion("x" * size))

    return respond


@pytest.fixture
async def narrow(start: Start, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Running:
    """The same, and short answers alone can be kept."""
    monkeypatch.setattr(keeping, "Sealing", partial(Sealing, most=4000))
    force = replace(in_force(), seal_to=KEY.public_key())
    return await start(force=force, identity=desk.identity)


@attack("evidence", "an answer too long to be kept, where the agreement wants it", Layer.GATEWAY)
async def test_an_answer_that_cannot_be_kept_whole_does_not_leave(
    narrow: Running, desk: Desk, engine: FakeEngine
) -> None:
    engine.respond = _whole(5000)
    reply = await narrow.post(ASK, headers=bearer(ANN))

    assert (reply.status, reply.code) == (400, "answer_too_large_to_seal")
    assert "xxxx" not in reply.text
    acceptable(as_logged(desk.records[1]))
    assert desk.records[1]["reason"] == "answer_too_large_to_seal"
    assert desk.records[1]["response"] is None
    assert await refusals(narrow, "answer_too_large_to_seal") == 1
    engine.respond = _whole(1000)
    assert (await narrow.post(ASK, headers=bearer(ANN))).status == 200, "control"


async def test_a_stream_is_cut_where_it_cannot_be_kept_any_more(
    narrow: Running, desk: Desk, engine: FakeEngine
) -> None:
    engine.respond = _long(engine, 30)
    with pytest.raises(ClientPayloadError):
        await narrow.post({**ASK, "stream": True}, headers=bearer(ANN))
    await until(lambda: len(desk.records) == 2)

    end = desk.records[1]
    assert end["reason"] == "answer_too_large_to_seal"
    assert 0 < end["response"]["bytes"] <= 4000
    assert len(opened(end, "response")) == 32 + end["response"]["bytes"], "what has left is kept"
    engine.respond = _long(engine, 2)
    assert "[DONE]" in (await narrow.post({**ASK, "stream": True}, headers=bearer(ANN))).text


def test_all_answers_together_are_bounded_and_what_is_on_record_makes_room() -> None:
    budget = Budget(most=10)
    one, two = (Content(KEY.public_key(), b"", budget) for _ in range(2))
    one.add(b"12345678")
    with pytest.raises(Refusal) as refused:
        two.add(b"123")
    assert refused.value.status == 429
    one.drop()
    two.add(b"123")
    assert budget.used == 3


@attack("evidence", "an answer whose sealed content cannot be kept", Layer.GATEWAY)
async def test_what_cannot_be_kept_is_not_answered(
    sealed: Running, desk: Desk, engine: FakeEngine
) -> None:
    desk.unrecorded = {"outcome"}
    reply = await sealed.post(ASK, headers=bearer(ANN))
    assert (reply.status, "hello back" in reply.text) == (503, False)
    desk.unrecorded = {"intent"}
    assert (await sealed.post(ASK, headers=bearer(ANN))).status == 503
    assert len(engine.requests) == 1, "only the first"


def pem(key: Any) -> str:
    return str(
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def test_the_key_comes_from_the_policy_file() -> None:
    force = load(terms(sealTo=pem(KEY)), BUNDLE, builds)
    assert force.seal_to is not None
    assert force.seal_to.public_bytes_raw() == KEY.public_key().public_bytes_raw()
    assert load(terms(), BUNDLE, builds).seal_to is None


@attack("evidence", "a key that everybody can open, or that is none", Layer.GATEWAY)
@pytest.mark.parametrize(
    "key",
    ["", "PEM", pem(Ed25519PrivateKey.generate()), 7, LOW_ORDER],
    ids=["empty", "no PEM", "another kind", "no text", "low order"],
)
def test_a_key_that_is_none_never_comes_into_force(key: Any) -> None:
    with pytest.raises(LoadError, match="sealTo must be"):
        load(terms(sealTo=key), BUNDLE, builds)
