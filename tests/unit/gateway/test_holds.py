"""What the guard holds goes to people, and what they let go reaches the engine once, as it was."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web
from openai import PermissionDeniedError

from casemate.audit.canonical import canonical
from casemate.holds import (
    ANOTHER,
    DENIED,
    EXPIRED,
    MOST_CONTENT,
    PENDING,
    REVOKED,
    SPENT,
    STOPPED,
    TOO_LARGE,
    TOO_MANY,
    UNKNOWN,
)
from support.attacks import Layer, attack
from unit.gateway.conftest import Start
from unit.gateway.desk import ANN, BOB, Desk, bearer, refusals
from unit.gateway.guarded import HELD, Markers, in_force, judge_text
from unit.gateway.people import EXPIRES, refusal
from unit.gateway.support import CHAT, FakeEngine, Reply, Running, until
from unit.gateway.test_clients import client
from unit.gateway.test_evidence import acceptable, digest, kinds
from unit.gateway.test_guard import engine_says

ASK: dict[str, Any] = {**CHAT, "messages": [{"role": "user", "content": HELD}]}
STREAM = {**ASK, "stream": True}
NAME = "held-" + "0" * 16
INSTRUCTION = "Answer in short sentences of simple words and never speak of anything else."


@pytest.fixture
async def gateway(start: Start, desk: Desk) -> Running:
    """A gateway with its safety stack, before a warden that asks people."""
    return await start(force=in_force(), identity=desk.identity)


async def send(
    gateway: Running, body: Any = None, token: str = ANN, approval: str = "", **options: Any
) -> Reply:
    headers = {**bearer(token), **({"Casemate-Approval": approval} if approval else {})}
    if isinstance(body, bytes):
        headers["Content-Type"] = "application/json"
        return await gateway.post(data=body, headers=headers, **options)
    return await gateway.post(body or ASK, headers=headers, **options)


async def approved(gateway: Running, desk: Desk, body: Any = None) -> str:
    """Have a request held and let go; return the name of its approval."""
    reply = await send(gateway, body)
    assert reply.status == 403, reply.text
    name = reply.headers["Casemate-Approval"]
    desk.people.decide(name)
    return name


async def test_a_held_request_is_403_and_says_how_to_go_on(
    gateway: Running, desk: Desk, engine: FakeEngine
) -> None:
    reply = await send(gateway)

    error = reply.document["error"]
    assert (reply.status, error["code"]) == (403, "human_approval_required")
    assert error["param"] == "messages"
    assert error["approval"] == {"name": NAME, "expires": EXPIRES, "approvers": 2}
    assert reply.headers["Casemate-Approval"] == NAME
    assert reply.headers["Casemate-Approval-Expires"] == EXPIRES
    assert reply.headers["Casemate-Decision"] == "desk-0/0"
    for told in ("use-of-force", "2 people", NAME, EXPIRES):
        assert told in error["message"]
    assert HELD not in reply.text
    assert engine.requests == []
    assert kinds(desk) == ["intent", "outcome"], "the warden's own, and nothing beside them"
    assert await refusals(gateway, "check_held") == 1
    assert await gateway.metric('guard_refusals_total{reason="held"}') == 1
    assert await gateway.metric('records_total{kind="intent",result="ok"}') == 1


async def test_the_warden_gets_what_an_audit_can_keep_and_people_can_read(
    gateway: Running, desk: Desk, engine: FakeEngine
) -> None:
    reply = await send(gateway, {**ASK, "temperature": 1.0})

    held = desk.people.held[NAME]
    acceptable({"kind": "intent", **held["intent"]})
    assert held["intent"]["caller"] == {"username": "ann", "uid": "uid-of-ann"}
    verdict = held["intent"]["verdict"]
    assert (verdict["verdict"], verdict["line"]) == ("hold", "use-of-force")
    assert verdict["tier"] == "lexicon"
    assert verdict["findings"] == [
        {
            "line": "use-of-force",
            "sub": "f01",
            "tier": "lexicon",
            "score": 987,
            "surface": "text",
            "views": [],
        }
    ]
    content = held["content"].encode()
    assert content == canonical(json.loads(content)), "one form"
    assert desk.people.content(NAME) == {**ASK, "temperature": 1}
    assert held["digest"] == hashlib.sha256(content).hexdigest()
    salt = bytes.fromhex(reply.headers["Casemate-Salt"])
    normalised = json.dumps({**ASK, "temperature": 1.0}, separators=(",", ":")).encode()
    assert held["intent"]["request"]["sha256"] == hashlib.sha256(salt + normalised).hexdigest()


async def test_what_people_let_go_reaches_the_engine_as_they_have_seen_it(
    gateway: Running, desk: Desk, engine: FakeEngine
) -> None:
    body = {"temperature": 1.0, **ASK}
    name = await approved(gateway, desk, body)
    reply = await send(gateway, body, approval=name)

    assert reply.status == 200
    assert "hello back" in reply.text
    sent = engine.requests[0][3]
    assert sent == desk.people.held[name]["content"].encode()
    assert hashlib.sha256(sent).hexdigest() == desk.people.consumed[0]["digest"]
    assert "Casemate-Approval" not in engine.requests[0][2]
    assert kinds(desk) == ["intent", "outcome", "intent", "outcome"]
    intent, outcome = desk.records[2:]
    acceptable(intent)
    acceptable(outcome)
    assert reply.headers["Casemate-Decision"] == "desk-0/2" == outcome["intent"]
    salt = bytes.fromhex(reply.headers["Casemate-Salt"])
    assert outcome["response"]["sha256"] == digest(reply, salt)


ROUTES: dict[str, dict[str, Any]] = {
    "/v1/completions": {"model": "m", "prompt": HELD},
    "/v1/embeddings": {"model": "m", "input": [HELD]},
}


@pytest.mark.parametrize(("path", "body"), ROUTES.items())
async def test_what_is_no_chat_is_held_and_let_go_too(
    path: str, body: dict[str, Any], gateway: Running, desk: Desk, engine: FakeEngine
) -> None:
    reply = await send(gateway, body, path=path)
    assert reply.code == "human_approval_required"
    assert desk.people.held[NAME]["intent"]["route"] == path
    desk.people.decide(NAME)
    if path == "/v1/completions":
        engine_says(engine, {"choices": [{"index": 0, "text": "fine"}]})
    assert (await send(gateway, body, approval=NAME, path=path)).status == 200
    assert (engine.requests[0][1], engine.requests[0][3]) == (path, canonical(body))


async def test_the_agreements_instruction_is_in_what_people_see(
    start: Start, desk: Desk, engine: FakeEngine
) -> None:
    gateway = await start(force=in_force(instruction=INSTRUCTION), identity=desk.identity)
    name = await approved(gateway, desk)
    assert desk.people.content(name)["messages"][0] == {"role": "system", "content": INSTRUCTION}
    assert (await send(gateway, approval=name)).status == 200
    assert json.loads(engine.requests[0][3])["messages"][0]["content"] == INSTRUCTION


async def test_an_approval_lets_one_request_go_once(
    gateway: Running, desk: Desk, engine: FakeEngine
) -> None:
    name = await approved(gateway, desk)
    replies = await asyncio.gather(*(send(gateway, approval=name) for _ in range(5)))

    assert sorted(reply.status for reply in replies) == [200, 403, 403, 403, 403]
    assert {reply.code for reply in replies if reply.status == 403} == {SPENT}
    assert len(engine.requests) == 1
    assert await refusals(gateway, SPENT) == 4


UNFIT = {
    "pending": PENDING,
    "denied": DENIED,
    "expired": EXPIRED,
    "revoked": REVOKED,
    "spent": SPENT,
}


@pytest.mark.parametrize(("phase", "reason"), UNFIT.items())
async def test_what_is_not_approved_stays_refused_and_says_why(
    phase: str, reason: str, gateway: Running, desk: Desk, engine: FakeEngine
) -> None:
    name = await approved(gateway, desk)
    desk.people.decide(name, phase)
    reply = await send(gateway, approval=name)

    assert (reply.status, reply.code) == (403, reason)
    assert "told to the gateway" in reply.document["error"]["message"]
    assert reply.headers["Casemate-Decision"] == "desk-0/2"
    assert kinds(desk) == ["intent", "outcome", "refused"], "the warden's, and none beside it"
    assert engine.requests == []
    assert await refusals(gateway, reason) == 1
    assert await gateway.metric(f'guard_refusals_total{{reason="{reason}"}}') == 1


async def test_an_approval_that_there_is_not_lets_nothing_go(
    gateway: Running, desk: Desk, engine: FakeEngine
) -> None:
    reply = await send(gateway, approval="held-00000000000000ff")
    assert (reply.status, reply.code, engine.requests) == (403, UNKNOWN, [])


async def test_another_caller_has_no_use_of_an_approval(
    gateway: Running, desk: Desk, engine: FakeEngine
) -> None:
    name = await approved(gateway, desk)
    reply = await send(gateway, token=BOB, approval=name)
    assert (reply.status, reply.code, engine.requests) == (403, ANOTHER, [])
    assert desk.people.consumed[0]["intent"]["caller"]["username"] == "bob"
    assert (await send(gateway, approval=name)).status == 200, "control"


def chat(content: str, more: str = "") -> bytes:
    message = f'{{"role": "user", "content": {content}}}'
    return f'{{"model": "m", "messages": [{message}]{more}}}'.encode()


FIRST = chat(f'"{HELD} caf\\u00e9"', ', "temperature": 1.0')
SAME = {
    "spaces and lines": FIRST.replace(b": ", b" :\n ").replace(b", ", b"\t,\r\n") + b" \r\n\t ",
    "no spaces": FIRST.replace(b": ", b":").replace(b", ", b","),
    "order of keys": f'{{"temperature": 1.0, "messages": [{{"content": "{HELD} café", '
    '"role": "user"}], "model": "m"}'.encode(),
    "a whole number": FIRST.replace(b"1.0", b"1"),
    "an exponent": FIRST.replace(b"1.0", b"1e0"),
    "zeros": FIRST.replace(b"1.0", b"0.1000e+01"),
    "no escape": FIRST.replace(b"\\u00e9", "é".encode()),
    "more escapes": FIRST.replace(b"caf", b"\\u0063a\\u0066").replace(b"model", b"\\u006dodel"),
    "an escaped slash that is none": FIRST.replace(b"user", b"\\u0075ser"),
    "a field that is null": FIRST.replace(b'"temperature"', b'"top_p": null, "temperature"'),
}
OTHER = {
    "another word": FIRST.replace(b"caf", b"cap"),
    "another normal form": FIRST.replace(b"\\u00e9", b"e\\u0301"),
    "a space in the text": FIRST.replace(b" caf", b"  caf"),
    "a space at its end": FIRST.replace(b'\\u00e9"', b'\\u00e9 "'),
    "an invisible character": FIRST.replace(b" caf", b" \\u200bcaf"),
    "another letter of the same look": FIRST.replace(b"caf", b"c\\u0430f"),
    "another case": FIRST.replace(b"caf", b"Caf"),
    "another number": FIRST.replace(b"1.0", b"1.0000001"),
    "a further field": FIRST.replace(b'"temperature"', b'"seed": 1, "temperature"'),
    "a field less": chat(f'"{HELD} caf\\u00e9"'),
    "another model": FIRST.replace(b'"m"', b'"n"'),
    "streamed": FIRST.replace(b'"temperature"', b'"stream": true, "temperature"'),
    "another order of messages": FIRST.replace(b"[{", b'[{"role": "user", "content": "x"}, {'),
    "another role": FIRST.replace(b'"user"', b'"system"'),
}


@pytest.mark.parametrize("body", SAME.values(), ids=SAME.keys())
async def test_the_same_value_in_another_spelling_is_the_same_request(
    body: bytes, gateway: Running, desk: Desk, engine: FakeEngine
) -> None:
    name = await approved(gateway, desk, FIRST)
    assert body != FIRST
    assert (await send(gateway, body, approval=name)).status == 200
    assert engine.requests[0][3] == desk.people.held[name]["content"].encode()


@pytest.mark.parametrize("body", OTHER.values(), ids=OTHER.keys())
async def test_anything_else_is_another_request(
    body: bytes, gateway: Running, desk: Desk, engine: FakeEngine
) -> None:
    name = await approved(gateway, desk, FIRST)
    assert body != FIRST
    reply = await send(gateway, body, approval=name)
    assert (reply.status, reply.code, engine.requests) == (403, ANOTHER, [])
    assert (await send(gateway, FIRST, approval=name)).status == 200, "control"


FORMLESS = {
    "a whole number beyond 2^53": b"9007199254740993",
    "the first that is": b"9007199254740992",
    "a negative one": b"-9007199254740993",
}


@pytest.mark.parametrize("seed", FORMLESS.values(), ids=FORMLESS.keys())
async def test_what_has_no_canonical_form_cannot_be_held(
    seed: bytes, gateway: Running, desk: Desk, engine: FakeEngine
) -> None:
    body = chat(f'"{HELD}"', f', "seed": {seed.decode()}')
    for approval in ("", NAME):
        reply = await send(gateway, body, approval=approval)
        assert (reply.status, reply.code) == (400, "no_canonical_form")
        assert seed.decode() in reply.document["error"]["message"]
    assert kinds(desk) == ["refused", "refused"]
    assert desk.records[0]["reason"] == "no_canonical_form"
    acceptable(desk.records[0])
    assert (desk.people.held, desk.people.consumed, engine.requests) == ({}, [], [])
    assert await gateway.metric('guard_refusals_total{reason="no_canonical_form"}') == 2
    assert (await send(gateway, body.replace(seed, b"9007199254740991"))).status == 403, "control"


async def test_what_is_no_strict_json_is_not_held(
    gateway: Running, desk: Desk, engine: FakeEngine
) -> None:
    for body in (
        chat(f'"{HELD}"', ', "temperature": NaN'),
        chat(f'"{HELD}"', ', "model": "m"'),
        chat(f'"{HELD}\\ud800"'),
    ):
        assert (await send(gateway, body, approval=NAME)).code == "bad_json"
    assert (desk.people.held, desk.people.consumed, engine.requests) == ({}, [], [])


async def test_more_than_people_can_read_is_not_held(
    gateway: Running, desk: Desk, engine: FakeEngine
) -> None:
    def body(size: int) -> dict[str, Any]:
        text = HELD + " " * (size - len(canonical(ASK)))
        return {**CHAT, "messages": [{"role": "user", "content": text}]}

    reply = await send(gateway, body(MOST_CONTENT + 1))
    assert (reply.status, reply.code, engine.requests) == (413, TOO_LARGE, [])
    assert kinds(desk) == ["refused"]
    assert desk.records[0]["reason"] == TOO_LARGE
    assert desk.people.held == {}
    assert (await send(gateway, body(MOST_CONTENT))).code == "human_approval_required", "control"


GAMES = {
    "empty": "",
    "another name": "held-000000000000000g",
    "large letters": "held-00000000000000FF",
    "no name": "0" * 16,
    "short": "held-000000000000000",
    "long": "held-" + "0" * 17,
    "two names": f"{NAME}, {NAME}",
    "a path": f"../{NAME}",
    "other digits": "held-" + "\uff10" * 16,
}


@pytest.mark.parametrize("path", ["POST /v1/chat/completions", "GET /v1/models"])
@pytest.mark.parametrize("value", GAMES.values(), ids=GAMES.keys())
async def test_the_header_names_one_approval_in_one_form(
    value: str, path: str, gateway: Running, desk: Desk, engine: FakeEngine
) -> None:
    answer = await gateway.raw(_head(path, [value]), wait=1)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"code":"bad_http"' in answer
    assert (desk.people.held, desk.people.consumed, engine.requests) == ({}, [], [])


@attack("approvals", "two approvals with one request", Layer.GATEWAY)
@pytest.mark.parametrize("path", ["POST /v1/chat/completions", "GET /v1/models"])
@pytest.mark.parametrize("second", [NAME, "held-00000000000000ff", ""])
async def test_the_header_is_not_repeated(
    second: str, path: str, gateway: Running, desk: Desk, engine: FakeEngine
) -> None:
    answer = await gateway.raw(_head(path, [NAME, second]), wait=1)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert (desk.people.consumed, engine.requests) == ([], [])
    answer = await gateway.raw(_head(path, [NAME]), wait=1)
    control = b"HTTP/1.1 200 " if path.startswith("GET") else b"HTTP/1.1 403 "
    assert answer.startswith(control)


def _head(path: str, approvals: list[str]) -> bytes:
    body = b"" if path.startswith("GET") else json.dumps(ASK).encode()
    lines = [
        *(f"{path} HTTP/1.1", "Host: localhost", "Connection: close"),
        *(f"Authorization: Bearer {ANN}", "Content-Type: application/json"),
        *(f"Casemate-Approval: {value}" for value in approvals),
        *([f"Content-Length: {len(body)}"] if body else []),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def test_an_approval_is_not_spent_on_what_needs_none(
    gateway: Running, desk: Desk, engine: FakeEngine
) -> None:
    name = await approved(gateway, desk)
    assert (await send(gateway, CHAT, approval=name)).status == 200
    assert desk.people.consumed == []
    assert (await send(gateway, approval=name)).status == 200, "it is still good"
    assert len(desk.people.consumed) == 1


@dataclass
class Turning(Markers):
    """A judge that begins to refuse what it held."""

    strict: bool = False

    def request(self, body: Any) -> Any:
        if self.strict:
            return judge_text("FORBIDDEN")
        return super().request(body)


async def test_what_is_refused_stays_refused_and_spends_nothing(
    start: Start, desk: Desk, engine: FakeEngine
) -> None:
    judge = Turning()
    gateway = await start(force=in_force(judge), identity=desk.identity)
    name = await approved(gateway, desk)
    judge.strict = True
    reply = await send(gateway, approval=name)
    assert (reply.status, reply.code, engine.requests) == (400, "content_filter", [])
    assert desk.people.consumed == []
    judge.strict = False
    assert (await send(gateway, approval=name)).status == 200, "control"


async def test_no_approval_is_spent_on_what_finds_no_place_at_the_engine(
    start: Start, desk: Desk, engine: FakeEngine
) -> None:
    gateway = await start(force=in_force(), identity=desk.identity, max_in_flight=1)
    name = await approved(gateway, desk)
    gate = asyncio.Event()

    async def slow(request: web.Request) -> web.StreamResponse:
        await gate.wait()
        engine.respond = None
        return await engine._default(request, json.dumps(CHAT).encode())

    engine.respond = slow
    first = asyncio.create_task(send(gateway, CHAT))
    await until(lambda: len(engine.requests) == 1)
    reply = await send(gateway, approval=name)
    assert (reply.status, reply.code) == (429, "rate_limit_exceeded")
    assert desk.people.consumed == []
    gate.set()
    assert (await first).status == 200
    assert (await send(gateway, approval=name)).status == 200, "control"


STOPS = {
    "stopped": (403, STOPPED),
    "too many held": (429, TOO_MANY),
    "too large": (413, TOO_LARGE),
}


@pytest.mark.parametrize(("status", "reason"), STOPS.values(), ids=STOPS.keys())
async def test_what_the_warden_does_not_hold_is_refused_as_it_says(
    status: int, reason: str, gateway: Running, desk: Desk, engine: FakeEngine
) -> None:
    desk.people.answer = saying(status, reason)
    reply = await send(gateway)
    assert (reply.status, reply.code, engine.requests) == (status, reason, [])
    assert await refusals(gateway, reason) == 1
    counted = await gateway.metric(f'guard_refusals_total{{reason="{reason}"}}')
    assert counted == (0 if reason == STOPPED else 1)
    if reason == TOO_MANY:
        assert desk.records == []
        assert int(reply.headers["Retry-After"]) > 0
        assert reply.document["error"]["type"] == "rate_limit_error"
    else:
        assert [(each["kind"], each["reason"]) for each in desk.records] == [("refused", reason)]
        acceptable(desk.records[0])
        assert reply.headers["Casemate-Decision"] == "desk-0/0"


def saying(status: int, reason: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(_: web.Request) -> web.StreamResponse:
        return refusal(status, reason)

    return answer


def plainly(status: int, body: Any) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(_: web.Request) -> web.StreamResponse:
        text = body if isinstance(body, str) else json.dumps(body)
        return web.Response(status=status, text=text, content_type="application/json")

    return answer


GOOD = {"name": NAME, "uid": "u-1", "expires": EXPIRES, "approvers": 2}
GARBAGE: dict[str, tuple[int, Any]] = {
    "an error": (500, {}),
    "busy": (503, {"reason": "log_busy"}),
    "no right": (403, {"reason": "bad_caller"}),
    "a reason of another status": (503, {"reason": STOPPED}),
    "a reason that is none": (403, {"reason": [STOPPED]}),
    "elsewhere": (421, {"reason": "elsewhere", "replica": "casemate-warden-1"}),
    "no JSON": (200, "<html>"),
    "no object": (200, [GOOD]),
    "nothing": (200, {}),
    "a record that is none": (200, {"id": "x", "approval": GOOD}),
    "a record with a line end": (200, {"id": "desk-0/1\r\nX: y", "approval": GOOD}),
    "created": (201, {"id": "desk-0/1", "approval": GOOD}),
}
NO_HOLD: dict[str, tuple[int, Any]] = {
    **GARBAGE,
    "no approval": (200, {"id": "desk-0/1"}),
    **{
        f"its {field} is {value!r}": (200, {"id": "desk-0/1", "approval": {**GOOD, field: value}})
        for field, value in [
            ("name", "held-1"),
            ("name", f"{NAME}\r\nSet-Cookie: x=y"),
            ("name", None),
            ("expires", "soon"),
            ("expires", f"{EXPIRES}\r\n"),
            ("expires", 1),
            ("approvers", 0),
            ("approvers", 11),
            ("approvers", True),
            ("approvers", "2"),
        ]
    },
}


@pytest.mark.parametrize(("status", "body"), NO_HOLD.values(), ids=NO_HOLD.keys())
async def test_an_answer_that_is_no_hold_is_503(
    status: int, body: Any, gateway: Running, desk: Desk, engine: FakeEngine
) -> None:
    desk.people.answer = plainly(status, body)
    reply = await send(gateway)
    assert (reply.status, reply.code, engine.requests) == (503, "evidence_unavailable", [])
    assert "Casemate-Approval" not in reply.headers
    assert "Set-Cookie" not in reply.headers
    assert reply.headers["Retry-After"]
    assert await gateway.metric('guard_refusals_total{reason="nobody_asked"}') == 1
    assert await gateway.metric('records_total{kind="intent",result="failed"}') == 1
    desk.people.answer = plainly(200, {"id": "desk-0/1", "approval": GOOD})
    assert (await send(gateway)).status == 403, "control"


@attack("approvals", "an answer of the warden that says no yes", Layer.GATEWAY)
@pytest.mark.parametrize(("status", "body"), GARBAGE.values(), ids=GARBAGE.keys())
async def test_an_answer_that_is_no_consent_is_503_and_nothing_reaches_the_engine(
    status: int, body: Any, gateway: Running, desk: Desk, engine: FakeEngine
) -> None:
    name = await approved(gateway, desk)
    desk.people.answer = plainly(status, body)
    reply = await send(gateway, approval=name)
    assert (reply.status, reply.code, engine.requests) == (503, "evidence_unavailable", [])
    desk.people.answer = plainly(200, {"id": "desk-0/1"})
    assert (await send(gateway, approval=name)).status == 200, "control"


@pytest.mark.parametrize("approval", ["", NAME], ids=["held", "retried"])
async def test_without_a_warden_nothing_is_held_and_nothing_let_go(
    approval: str, gateway: Running, desk: Desk, engine: FakeEngine
) -> None:
    assert (await send(gateway, CHAT)).status == 200, "control; the caller's name is known now"
    await desk.close()
    reply = await send(gateway, approval=approval)
    assert (reply.status, reply.code) == (503, "evidence_unavailable")
    assert len(engine.requests) == 1


@pytest.mark.parametrize("approval", ["", NAME], ids=["held", "retried"])
async def test_a_warden_that_does_not_answer_in_time_is_none(
    approval: str,
    gateway: Running,
    desk: Desk,
    engine: FakeEngine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("casemate.gateway.holds.HOLD_SECONDS", 0.2)

    async def never(_: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    desk.people.answer = never
    reply = await send(gateway, approval=approval)
    assert (reply.status, reply.code, engine.requests) == (503, "evidence_unavailable", [])


async def test_a_caller_that_leaves_while_its_approval_is_spent_leaves_no_open_record(
    gateway: Running, desk: Desk, engine: FakeEngine
) -> None:
    name = await approved(gateway, desk)
    gate = asyncio.Event()

    async def slow(request: web.Request) -> web.StreamResponse:
        await gate.wait()
        intent = (await request.json())["intent"]
        return web.json_response({"id": desk.keep({"kind": "intent", **intent})})

    desk.people.answer = slow
    before = len(desk.records)
    leaving = asyncio.create_task(send(gateway, approval=name))
    await until(lambda: len(desk.people.consumed) == 1)
    leaving.cancel()
    await asyncio.wait([leaving])
    gate.set()
    await until(lambda: len(desk.records) == before + 2)

    outcome = desk.records[-1]
    assert outcome["intent"] == f"desk-0/{before}"
    assert (outcome["status"], outcome["reason"]) == (499, "client_gone")
    acceptable(outcome)
    assert engine.requests == []


async def test_the_openai_client_sees_the_approval_and_sends_it(
    gateway: Running, desk: Desk, engine: FakeEngine
) -> None:
    async with client(gateway).with_options(api_key=ANN) as openai:
        with pytest.raises(PermissionDeniedError) as held:
            await openai.chat.completions.create(**ASK)
        error = held.value
        assert error.code == "human_approval_required"
        assert isinstance(error.body, dict)
        name = error.body["approval"]["name"]
        assert error.response.headers["Casemate-Approval"] == name
        desk.people.decide(name)
        answer = await openai.chat.completions.create(
            **ASK, extra_headers={"Casemate-Approval": name}
        )
        assert answer.choices[0].message.content == "hello back"
