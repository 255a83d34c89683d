"""Fail closed: every way in which the guard can fail is its refusal, with its reason, and counted.

Each case has its control: the same request, answered by the same gateway when the judge works.
"""

import asyncio
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from aiohttp import ClientPayloadError

from casemate.gateway import guard
from casemate.gateway.errors import Cause, CheckUnavailableError
from casemate.gateway.guard import InForce
from casemate.gateway.policy import LoadError
from casemate.gateway.worker import Lane, Lanes
from casemate.guard.types import Judgement, Verdict
from support.attacks import Layer, attack
from unit.gateway.conftest import Start
from unit.gateway.guarded import ALLOWED, Markers, delta, in_force, says
from unit.gateway.support import CHAT, DONE, FakeEngine, Running, until
from unit.gateway.test_guard import engine_says
from unit.gateway.test_streaming import events

STREAM = {**CHAT, "stream": True}


def raising(error: BaseException) -> Callable[[], Any]:
    def fail() -> Any:
        raise error

    return fail


def wrapping(cause: Exception) -> Callable[[], Any]:
    def fail() -> Any:
        raise ValueError("secret") from cause

    return fail


class Answers(Markers):
    """A judge that answers something of another kind."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.answer = answer

    def request(self, _body: Mapping[str, Any]) -> Judgement:
        answer: Judgement = self.answer
        return answer

    def output(self, _context: str, _surfaces: Any) -> Judgement:
        return self.request({})


class Waits(Markers):
    """A judge that does not come back until it is told to."""

    def __init__(self) -> None:
        super().__init__(before=lambda: self.go.wait(30))
        self.go = threading.Event()


BROKEN: dict[str, tuple[Callable[[], Markers], str]] = {
    "raises": (lambda: Markers(raising(ValueError("secret"))), "error"),
    "ends the program": (lambda: Markers(raising(SystemExit())), "error"),
    "ends its iteration": (lambda: Markers(raising(StopIteration())), "error"),
    "runs out of memory": (lambda: Markers(raising(MemoryError())), "memory"),
    "wraps that it ran out of memory": (lambda: Markers(wrapping(MemoryError())), "memory"),
    "recurses for ever": (lambda: Markers(raising(RecursionError())), "error"),
    "answers None": (lambda: Answers(None), "malformed_verdict"),
    "answers True": (lambda: Answers(True), "malformed_verdict"),  # noqa: FBT003
    "answers the verdict alone": (lambda: Answers(Verdict.ALLOW), "malformed_verdict"),
    "answers an unknown verdict": (lambda: Answers(Judgement("allow")), "malformed_verdict"),  # type: ignore[arg-type]
    "hangs": (Waits, "timeout"),
}


async def refused(gateway: Running, body: dict[str, Any], reason: str) -> None:
    """Ask, and see the refusal and its count."""
    before = await gateway.metric(f'guard_refusals_total{{reason="{reason}"}}')
    reply = await gateway.post(body)
    assert (reply.status, reply.code) == (503, "guard_unavailable")
    assert int(reply.headers["Retry-After"]) >= 1
    assert "secret" not in reply.text
    assert await gateway.metric(f'guard_refusals_total{{reason="{reason}"}}') == before + 1


@attack("engine", "a guard that fails, hangs or answers nonsense", Layer.GATEWAY)
@pytest.mark.parametrize(("judge", "reason"), BROKEN.values(), ids=BROKEN.keys())
async def test_a_judge_that_fails_refuses_requests_and_the_engine_sees_none(
    judge: Callable[[], Markers], reason: str, start: Start, engine: FakeEngine
) -> None:
    broken = judge()
    gateway = await start(force=in_force(broken), check_timeout=0.2)
    await refused(gateway, CHAT, reason)
    assert engine.requests == []
    assert await gateway.metric('check_verdicts_total{check="guard",verdict="allow"}') == 0
    assert await gateway.metric('requests_total{code="200",path="/v1/chat/completions"}') == 0
    if isinstance(broken, Waits):
        broken.go.set()


async def test_a_judge_that_works_answers_the_same_request(guarded: Running) -> None:
    assert (await guarded.post(CHAT)).status == 200
    assert await guarded.metric('check_verdicts_total{check="guard",verdict="allow"}') == 2


class Late(Markers):
    """A judge that works on requests and fails on answers."""

    def __init__(self, broken: Markers) -> None:
        super().__init__()
        self.broken = broken

    def output(self, context: str, surfaces: Any) -> Judgement:
        return self.broken.output(context, surfaces)


@pytest.mark.parametrize("body", [CHAT, STREAM], ids=["whole", "streamed"])
@pytest.mark.parametrize(("judge", "reason"), BROKEN.values(), ids=BROKEN.keys())
async def test_a_judge_that_fails_on_an_answer_withholds_it(
    judge: Callable[[], Markers], reason: str, body: dict[str, Any], start: Start
) -> None:
    broken = judge()
    gateway = await start(force=in_force(Late(broken)), check_timeout=0.2)
    await refused(gateway, body, reason)
    if isinstance(broken, Waits):
        broken.go.set()


async def test_a_judge_that_fails_within_a_stream_cuts_it(start: Start, engine: FakeEngine) -> None:
    judge = Markers()
    gateway = await start(force=in_force(judge))
    more = asyncio.Event()

    async def respond(request: Any) -> Any:
        fine = [delta("Here is a first sentence of it. "), delta("And ")]
        response = await engine.send_events(request, fine)
        await more.wait()
        for piece in (delta("secret, for ever and ever and ever. "), delta("Yes "), DONE):
            await response.write(b"data: " + piece + b"\n\n")
        return response

    engine.respond = respond
    url = f"{gateway.url}/v1/chat/completions"
    got = b""
    async with gateway.session() as session, session.post(url, json=STREAM) as answer:
        with pytest.raises(ClientPayloadError):  # noqa: PT012  the loop reads until the cut
            async for part in answer.content.iter_any():
                got += part
                if b"first" in got and not more.is_set():
                    judge.before = raising(ValueError("x"))
                    more.set()
    assert b"secret" not in got
    assert b"[DONE]" not in got
    assert b"guard_unavailable" in got


async def test_what_is_larger_than_can_be_judged_is_refused(
    start: Start, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "MAX_CHARS", 1_000)
    gateway = await start(force=in_force())
    large = {**CHAT, "messages": [{"role": "user", "content": "x" * 1_000}]}
    await refused(gateway, large, "oversize")
    engine_says(engine, says("x" * 1_001))
    await refused(gateway, CHAT, "oversize")
    engine.respond = events(*[delta("x" * 100)] * 20, DONE)
    reply = await gateway.post(STREAM)
    assert "[DONE]" not in reply.text
    engine.respond = events(*[delta("x" * 100)] * 5, DONE)
    assert (await gateway.post(STREAM)).text.endswith("data: [DONE]\n\n")


async def test_before_the_judge_is_loaded_nothing_is_answered_and_then_everything_is(
    start: Start, engine: FakeEngine
) -> None:
    go = threading.Event()

    def load(_policy: bytes | None) -> InForce:
        go.wait(30)
        return in_force()

    gateway = await start(load=load)
    await refused(gateway, CHAT, "loading")
    assert "guard: the guard is loading" in await readiness(gateway)
    assert engine.requests == []
    go.set()
    await until(lambda: gateway.stack.problem is None)
    assert (await gateway.post(CHAT)).status == 200
    assert await readiness(gateway) == "ok\n"


async def test_terms_that_end_while_a_request_is_judged_refuse_it(
    start: Start, engine: FakeEngine
) -> None:
    judge = Markers()
    gateway = await start(force=in_force(judge))

    def end() -> None:
        gateway.stack.keeper._force = None

    judge.before = end
    await refused(gateway, CHAT, "loading")
    assert engine.requests == []


async def test_a_judge_that_cannot_be_loaded_refuses_and_says_why_to_the_kubelet(
    start: Start,
) -> None:
    gateway = await start(load=raising_load(LoadError("no such bundle")))
    await until(lambda: "no such bundle" in (gateway.stack.problem or ""))
    await refused(gateway, CHAT, "loading")
    assert "no such bundle" in await readiness(gateway)
    other = await start(load=raising_load(MemoryError()))
    await until(lambda: "memory" in (other.stack.problem or ""))
    await refused(other, CHAT, "loading")


def raising_load(error: Exception) -> Callable[[bytes | None], InForce]:
    def load(_policy: bytes | None) -> InForce:
        raise error

    return load


async def readiness(gateway: Running, path: str = "/readyz") -> str:
    async with gateway.session() as session, session.get(gateway.admin_url + path) as answer:
        return await answer.text()


async def test_a_judge_that_hangs_makes_the_gateway_unready_and_asks_for_a_restart(
    start: Start,
) -> None:
    judge = Waits()
    gateway = await start(force=in_force(judge), check_timeout=0.1)
    assert await readiness(gateway, "/healthz") == "ok\n"
    await refused(gateway, CHAT, "timeout")
    await until(lambda: gateway.stack.hangs)
    await refused(gateway, CHAT, "hangs")
    assert "a judgement hangs" in await readiness(gateway)
    assert "a judgement hangs" in await readiness(gateway, "/healthz")
    judge.go.set()
    await until(lambda: not gateway.stack.hangs)
    assert (await gateway.post(CHAT)).status == 200


async def test_while_a_judge_is_slow_others_are_served(start: Start, engine: FakeEngine) -> None:
    judge = Waits()
    gateway = await start(force=in_force(judge))
    asking = asyncio.create_task(gateway.post(CHAT))
    async with gateway.session() as session, session.get(f"{gateway.url}/v1/models") as answer:
        assert answer.status == 200
    assert not asking.done()
    judge.go.set()
    assert (await asking).status == 200


async def test_a_jump_of_the_clock_changes_nothing(
    guarded: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    for jump in (1e9, -1e9):
        real = time.time
        monkeypatch.setattr(time, "time", lambda jump=jump, real=real: real() + jump)
        assert (await guarded.post(CHAT)).status == 200
        monkeypatch.undo()


# The threads that the guard judges in.


@contextmanager
def held(lane: Lane) -> Iterator[threading.Event]:
    """Occupy a lane until the end."""
    go = threading.Event()
    task = asyncio.ensure_future(lane.run(lambda: go.wait(30)))
    try:
        yield go
    finally:
        go.set()
        task.cancel()


async def test_work_is_done_in_another_thread_and_comes_back() -> None:
    lane = Lane("lane", 5)
    assert await lane.run(threading.get_ident) != threading.get_ident()
    assert await lane.run(lambda: "x") == "x"


async def test_too_many_waiting_are_refused_and_room_comes_back() -> None:
    lane = Lane("lane", 5, most=2)
    with held(lane):
        waiting = asyncio.ensure_future(lane.run(lambda: "x"))
        await asyncio.sleep(0)
        with pytest.raises(CheckUnavailableError) as caught:
            await lane.run(lambda: "x")
        assert caught.value.cause is Cause.BUSY
    assert await waiting == "x"
    assert await lane.run(lambda: "y") == "y"


async def test_who_stops_waiting_leaves_nothing_in_the_queue() -> None:
    lane = Lane("lane", 5)
    done = []
    with held(lane):
        tasks = [asyncio.ensure_future(lane.run(lambda: done.append(1))) for _ in range(50)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert await lane.run(lambda: "x") == "x"
    assert done == []
    assert lane._waiting == 0


async def test_a_large_text_does_not_delay_small_ones() -> None:
    lanes = Lanes(5)
    go = threading.Event()
    large = asyncio.ensure_future(lanes.run(1 << 20, lambda: go.wait(30)))
    assert await lanes.run(100, lambda: ALLOWED) is ALLOWED
    assert not large.done()
    go.set()
    assert await large


async def test_a_hanging_thread_does_not_keep_the_process_from_ending() -> None:
    code = (
        "import asyncio\n"
        "from casemate.gateway.worker import Lane\n"
        "from unit.gateway.guarded import sleep_for_ever\n"
        "async def main():\n"
        "    lane = Lane('lane', 0.1)\n"
        "    try:\n"
        "        await asyncio.wait_for(lane.run(sleep_for_ever), 0.1)\n"
        "    except TimeoutError:\n"
        "        print('left')\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code), stdout=asyncio.subprocess.PIPE, env={"PYTHONPATH": "tests"}
    )
    out, _ = await asyncio.wait_for(process.communicate(), 20)
    assert (out, process.returncode) == (b"left\n", 0)
