"""Fail closed: whatever a check does that is not a well-formed yes, nothing passes."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from openai import APIError

from casemate.gateway.checks import (
    Chain,
    Cleared,
    Decision,
    OutputSession,
    Piece,
    RequestView,
)
from casemate.guard.types import FORCE, Judgement, Verdict
from unit.gateway.conftest import Start
from unit.gateway.support import CHAT, DONE, FakeEngine, Running, chunk
from unit.gateway.test_clients import client

ALLOW = Decision(Verdict.ALLOW)
FORCED = Judgement(Verdict.HOLD, FORCE, "lexicon")
STREAM = {**CHAT, "stream": True}


@dataclass
class Input:
    """A check that answers as it is told."""

    answer: Callable[[], Any]
    name: str = "told"
    seen: list[RequestView] = field(default_factory=list)

    async def check(self, request: RequestView) -> Decision:
        self.seen.append(request)
        answer: Decision = self.answer()
        return answer


@dataclass
class Output:
    """A check whose sessions answer feed and finish as they are told, by pieces seen so far."""

    on_feed: Callable[[int], Any]
    on_finish: Callable[[int], Any]
    name: str = "told"
    seen: list[Piece] = field(default_factory=list)

    def open(self, _request: RequestView) -> OutputSession:
        self.seen.clear()
        return self

    async def feed(self, piece: Piece) -> Cleared:
        self.seen.append(piece)
        answer: Cleared = self.on_feed(len(self.seen))
        return answer

    async def finish(self) -> Cleared:
        answer: Cleared = self.on_finish(len(self.seen))
        return answer


def through(count: int) -> Cleared:
    return Cleared(Verdict.ALLOW, count)


def raising(error: BaseException) -> Callable[..., Any]:
    def answer(*_: Any) -> Any:
        raise error

    return answer


async def ask(gateway: Running, body: dict[str, Any]) -> tuple[int, dict[str, Any], str]:
    reply = await gateway.post(body)
    whole = reply.headers["Content-Type"] == "application/json"
    return reply.status, reply.document if whole else {}, reply.text


async def test_a_check_that_allows_lets_the_request_through(
    start: Start, engine: FakeEngine
) -> None:
    check = Input(lambda: ALLOW)
    gateway = await start(Chain(inputs=[check]))
    assert (await ask(gateway, CHAT))[0] == 200
    assert check.seen[0].payload == engine.requests[0][3]


async def test_a_check_that_refuses_is_told_to_the_client_and_not_to_the_engine(
    start: Start, engine: FakeEngine
) -> None:
    gateway = await start(Chain(inputs=[Input(lambda: Decision(Verdict.REFUSE, "rule seven"))]))
    status, document, _ = await ask(gateway, CHAT)
    assert (status, document["error"]["code"]) == (400, "content_filter")
    assert "rule seven" in document["error"]["message"]
    assert engine.requests == []
    assert await gateway.metric('refusals_total{reason="check_refused"}') == 1


async def test_a_held_request_says_that_a_person_must_approve(
    start: Start, engine: FakeEngine
) -> None:
    hold = Decision(Verdict.HOLD, "use of force", judgement=FORCED)
    gateway = await start(Chain(inputs=[Input(lambda: hold)]))
    status, document, _ = await ask(gateway, CHAT)
    assert (status, document["error"]["code"]) == (403, "human_approval_required")
    assert engine.requests == []


@pytest.mark.parametrize(
    "judgement",
    [
        None,
        Judgement(Verdict.HOLD),
        Judgement(Verdict.ALLOW, FORCE),
        Judgement(Verdict.REFUSE, FORCE),
    ],
)
async def test_a_hold_that_does_not_say_what_it_holds_is_no_verdict(
    judgement: Judgement | None, start: Start, engine: FakeEngine
) -> None:
    hold = Decision(Verdict.HOLD, "use of force", judgement=judgement)
    gateway = await start(Chain(inputs=[Input(lambda: hold)]))
    status, document, _ = await ask(gateway, CHAT)
    assert (status, document["error"]["code"]) == (503, "guard_unavailable")
    assert engine.requests == []


LATER: dict[str, tuple[Callable[[], Any], int, str]] = {
    "allows": (lambda: Decision(Verdict.ALLOW), 403, "human_approval_required"),
    "refuses": (lambda: Decision(Verdict.REFUSE), 400, "content_filter"),
    "has a quota": (lambda: Decision(Verdict.REFUSE, retry_after=1), 429, "quota_exceeded"),
    "fails": (lambda: None, 503, "guard_unavailable"),
}


@pytest.mark.parametrize(("answer", "status", "code"), LATER.values(), ids=LATER.keys())
async def test_a_hold_leaves_the_word_to_the_checks_behind_it(
    answer: Callable[[], Any], status: int, code: str, start: Start, engine: FakeEngine
) -> None:
    holding = Input(lambda: Decision(Verdict.HOLD, "use of force", judgement=FORCED))
    later = Input(answer)
    gateway = await start(Chain(inputs=[holding, later]))
    got, document, _ = await ask(gateway, CHAT)
    assert (got, document["error"]["code"]) == (status, code)
    assert len(later.seen) == 1
    assert engine.requests == []


async def test_the_first_check_that_does_not_allow_decides(
    start: Start, engine: FakeEngine
) -> None:
    second = Input(lambda: ALLOW)
    refusing = Input(lambda: Decision(Verdict.REFUSE))
    gateway = await start(Chain(inputs=[refusing, second]))
    assert (await ask(gateway, CHAT))[0] == 400
    assert second.seen == []
    assert engine.requests == []


async def never() -> None:
    await asyncio.Event().wait()


class Sleeping(Input):
    async def check(self, _request: RequestView) -> Decision:
        await never()
        return ALLOW


class NotAsync(Input):
    def check(self, _request: RequestView) -> Any:
        return ALLOW


FAILING: dict[str, Any] = {
    "raises": Input(raising(ValueError("x"))),
    "raises a timeout": Input(raising(TimeoutError())),
    "cancels itself": Input(raising(asyncio.CancelledError())),
    "sleeps": Sleeping(lambda: ALLOW),
    "is not async": NotAsync(lambda: ALLOW),
    "answers None": Input(lambda: None),
    "answers True": Input(lambda: True),
    "answers a verdict alone": Input(lambda: Verdict.ALLOW),
    "answers a string": Input(lambda: "allow"),
    "answers an unknown verdict": Input(lambda: Decision("allow")),  # type: ignore[arg-type]
    "answers of another kind": Input(lambda: Cleared(Verdict.ALLOW, 1)),
}


@pytest.mark.parametrize("check", FAILING.values(), ids=FAILING.keys())
async def test_an_input_check_that_fails_is_a_refusal(
    check: Input, start: Start, engine: FakeEngine
) -> None:
    gateway = await start(Chain(inputs=[Input(lambda: ALLOW), check]), check_timeout=0.1)
    status, document, _ = await ask(gateway, CHAT)
    assert (status, document["error"]["code"]) == (503, "guard_unavailable")
    assert engine.requests == []
    assert await gateway.metric('refusals_total{reason="guard_unavailable"}') == 1
    counted = 'check_verdicts_total{check="told",verdict="unavailable"}'
    assert await gateway.metric(counted) == 1


FAILING_OUTPUT: dict[str, tuple[Callable[[int], Any], Callable[[int], Any]]] = {
    "raises": (raising(ValueError("x")), through),
    "raises at the end": (through, raising(ValueError("x"))),
    "cancels itself": (raising(asyncio.CancelledError()), through),
    "answers None": (lambda _: None, through),
    "answers True": (lambda _: True, through),
    "answers an unknown verdict": (lambda n: Cleared("allow", n), through),  # type: ignore[arg-type]
    "clears what it was not given": (lambda n: through(n + 1), through),
    "clears a negative number": (lambda _: through(-1), through),
    "clears True": (lambda _: through(True), through),  # noqa: FBT003
    "never clears": (lambda _: through(0), lambda _: through(0)),
    "answers of another kind": (lambda _: ALLOW, through),
}


@pytest.mark.parametrize("told", FAILING_OUTPUT.values(), ids=FAILING_OUTPUT.keys())
async def test_an_output_check_that_fails_withholds_a_whole_answer(
    told: tuple[Callable[[int], Any], Callable[[int], Any]], start: Start
) -> None:
    gateway = await start(Chain(outputs=[Output(*told)]))
    status, document, text = await ask(gateway, CHAT)
    assert (status, document["error"]["code"]) == (503, "guard_unavailable")
    assert "hello back" not in text


@pytest.mark.parametrize(
    "told",
    [told for name, told in FAILING_OUTPUT.items() if name != "raises at the end"],
    ids=[name for name in FAILING_OUTPUT if name != "raises at the end"],
)
async def test_an_output_check_that_fails_lets_no_event_of_a_stream_out(
    told: tuple[Callable[[int], Any], Callable[[int], Any]], start: Start
) -> None:
    gateway = await start(Chain(outputs=[Output(*told)]))
    status, document, text = await ask(gateway, STREAM)
    assert (status, document["error"]["code"]) == (503, "guard_unavailable")
    assert "one" not in text


class Closed:
    name = "closed"

    def open(self, _request: RequestView) -> OutputSession:
        raise ValueError("x")


async def test_an_output_check_that_cannot_begin_withholds_the_answer(
    start: Start, engine: FakeEngine
) -> None:
    gateway = await start(Chain(outputs=[Closed()]))
    assert (await ask(gateway, CHAT))[1]["error"]["code"] == "guard_unavailable"
    assert (await ask(gateway, STREAM))[1]["error"]["code"] == "guard_unavailable"
    assert engine.requests[1:] == []


async def test_output_checks_that_clear_let_everything_pass_in_order(start: Start) -> None:
    one = Output(through, through)
    other = Output(through, through, name="other")
    gateway = await start(Chain(outputs=[one, other]))
    status, _, text = await ask(gateway, STREAM)
    assert status == 200
    assert text.index("one ") < text.index("two") < text.index("[DONE]")
    assert (await ask(gateway, CHAT))[0] == 200


async def test_a_window_holds_events_back_until_it_covers_them(
    start: Start, engine: FakeEngine
) -> None:
    """A check may clear behind what it has seen; the client gets the cleared part at once."""
    more = asyncio.Event()

    async def respond(request: Any) -> Any:
        response = await engine.send_events(request, [chunk(f"w{n} ") for n in range(4)])
        await more.wait()
        await response.write(b"data: " + DONE + b"\n\n")
        return response

    engine.respond = respond
    window = Output(lambda n: through(max(0, n - 2)), through)
    gateway = await start(Chain(outputs=[window]))
    url = f"{gateway.url}/v1/chat/completions"
    async with gateway.session() as session, session.post(url, json=STREAM) as answer:
        early = b""
        while b"w1 " not in early:
            early += await answer.content.readany()
        assert b"w2 " not in early
        more.set()
        late = await answer.content.read()
    assert late.index(b"w2 ") < late.index(b"w3 ") < late.index(b"[DONE]")


async def test_the_slowest_of_several_checks_sets_the_pace(start: Start) -> None:
    eager = Output(through, through)
    lagging = Output(lambda _: through(0), lambda _: Cleared(Verdict.REFUSE), name="lagging")
    gateway = await start(Chain(outputs=[eager, lagging]))
    _, _, text = await ask(gateway, STREAM)
    assert "one" not in text
    assert "content_filter" in text


async def test_a_refused_stream_ends_with_content_filter_and_cancels_the_engine(
    start: Start, engine: FakeEngine
) -> None:
    async def respond(request: Any) -> Any:
        return await engine.send_events(request, [chunk("fine "), chunk("bad ")] * 500, pause=0.01)

    engine.respond = respond
    check = Output(lambda n: through(1) if n == 1 else Cleared(Verdict.REFUSE), through)
    gateway = await start(Chain(outputs=[check]))
    status, _, text = await ask(gateway, STREAM)
    assert status == 200
    assert "fine" in text
    assert "bad" not in text
    assert '"finish_reason":"content_filter"' in text
    assert text.endswith("data: [DONE]\n\n")
    await asyncio.wait_for(engine.aborted.wait(), 20)


async def test_a_refused_whole_answer_is_an_empty_one_with_content_filter(start: Start) -> None:
    gateway = await start(Chain(outputs=[Output(lambda _: Cleared(Verdict.REFUSE), through)]))
    status, document, text = await ask(gateway, CHAT)
    assert status == 200
    assert document["choices"][0]["finish_reason"] == "content_filter"
    assert "hello back" not in text


async def test_a_check_that_fails_mid_stream_cuts_it(start: Start, engine: FakeEngine) -> None:
    async def respond(request: Any) -> Any:
        return await engine.send_events(request, [chunk("one "), chunk("two"), DONE], pause=0.05)

    engine.respond = respond

    def feed(count: int) -> Cleared:
        if count == 1:
            return through(1)
        raise ValueError("x")

    gateway = await start(Chain(outputs=[Output(feed, through)]))
    async with client(gateway) as openai:
        stream = await openai.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "hello"}], stream=True
        )
        got = []
        with pytest.raises(APIError, match="check is not available"):  # noqa: PT012
            async for event in stream:
                got.append(event.choices[0].delta.content)  # noqa: PERF401  it ends by raising
    assert got == ["one "]
