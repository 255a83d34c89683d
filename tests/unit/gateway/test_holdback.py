"""The proof of the hold-back: of a sentence that is refused, nothing reaches the client."""

import asyncio
import itertools
import json
import random
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import orjson
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from casemate.gateway.checks import Piece, RequestView
from casemate.gateway.guard import Bench
from casemate.gateway.guardmetrics import GuardMetrics
from casemate.gateway.guardoutput import GuardOutput
from casemate.gateway.routes import Route
from casemate.gateway.worker import Lanes
from casemate.guard.types import Verdict
from support.attacks import Layer, attack
from unit.gateway.conftest import Start
from unit.gateway.guarded import SENTENCE, Markers, delta, in_force
from unit.gateway.support import CHAT, DONE, FakeEngine, Running
from unit.gateway.test_streaming import events

STREAM = {**CHAT, "stream": True}
BEFORE = "Some words come first, and they are fine. "
AFTER = " Then some more of them follow."
TEXT = BEFORE + SENTENCE + AFTER
"""The sentence in the middle is refused."""


def two_way(text: str) -> Iterator[list[str]]:
    for at in range(1, len(text)):
        yield [text[:at], text[at:]]


def told(wire: bytes) -> str:
    """Return all the content that a client gets of a stream."""
    parts = []
    for line in wire.decode().split("\n\n"):
        if line.startswith("data: {"):
            choices = json.loads(line[6:]).get("choices", ())
            parts += [(choice.get("delta") or {}).get("content") or "" for choice in choices]
    return "".join(parts)


class Passed:
    """Feeds one answer to the output check and keeps what it lets pass; no network between."""

    def __init__(self, judge: Markers | None = None) -> None:
        self.judge = judge or Markers()
        metrics = GuardMetrics(CollectorRegistry())
        self.bench = Bench(lambda: in_force(self.judge), Lanes(5), metrics)

    async def run(self, pieces: Iterable[bytes], body: dict[str, Any] = STREAM) -> tuple[str, bool]:
        """Return the released content and whether the answer was withheld."""
        session = GuardOutput(self.bench).open(RequestView(Route.CHAT, body, b""))
        held: list[bytes] = []
        released = 0
        for wire in pieces:
            held.append(wire)
            cleared = await session.feed(Piece(orjson.loads(wire), wire))
            if cleared.verdict is not Verdict.ALLOW:
                return self._content(held[:released]), True
            released = cleared.through
        cleared = await session.finish()
        withheld = cleared.verdict is not Verdict.ALLOW
        return self._content(held[: released if withheld else cleared.through]), withheld

    def _content(self, pieces: list[bytes]) -> str:
        return told(b"".join(b"data: %b\n\n" % piece for piece in pieces))


SPLITS: dict[str, Callable[[], Iterable[list[str]]]] = {
    "in two, anywhere": lambda: two_way(TEXT),
    "into characters": lambda: [list(TEXT)],
    "in three, anywhere in the sentence": lambda: (
        [TEXT[:a], TEXT[a:b], TEXT[b:]]
        for a, b in itertools.combinations(range(len(BEFORE), len(BEFORE + SENTENCE) + 1), 2)
    ),
    "at random": lambda: (
        [TEXT[a:b] for a, b in itertools.pairwise(sorted({0, len(TEXT), *cuts}))]
        for cuts in (random.Random(seed).sample(range(len(TEXT)), 12) for seed in range(300))
    ),
}


@pytest.mark.parametrize("splits", SPLITS.values(), ids=SPLITS.keys())
async def test_nothing_of_a_refused_sentence_passes_however_it_is_cut(
    splits: Callable[[], Iterable[list[str]]],
) -> None:
    passed = Passed()
    for parts in splits():
        text, withheld = await passed.run([delta(part) for part in parts])
        assert withheld, parts
        assert BEFORE.startswith(text), parts


@pytest.mark.parametrize("splits", SPLITS.values(), ids=SPLITS.keys())
async def test_all_of_an_allowed_text_passes_however_it_is_cut(
    splits: Callable[[], Iterable[list[str]]],
) -> None:
    passed = Passed()
    for parts in splits():
        fine = "".join(parts).replace("FORBIDDEN", "harmless!")
        cuts = list(itertools.accumulate((len(part) for part in parts), initial=0))
        pieces = [delta(fine[a:b]) for a, b in itertools.pairwise(cuts)]
        assert await passed.run(pieces) == (fine, False)


TRICKS = {
    "an abbreviation": "Tell Dr. Who of all the FORBIDDEN things.",
    "initials": "Find all U.S. citizens by FORBIDDEN means.",
    "a question within": "They ask what comes next? and then the FORBIDDEN things.",
    "a number": "Of those No. 5 and 6. are FORBIDDEN.",
    "a line for each word": "Tell\nthem\nthe\nFORBIDDEN\nthings",
    "a stop behind each word": "Tell. Them. The. FORBIDDEN. Things.",
    "stops and spaces in the word": "Tell them F. O. R. B. I. D. D. E. N. things.",
    "no stop at all": "and so on " * 12 + "to the FORBIDDEN things",
    "a quotation": 'She said: "Do the FORBIDDEN things!" and left.',
    "letters that take several bytes": "Сообщите им 禁止 FORBIDDEN 🙂🙂 вещи.",
}


@pytest.mark.parametrize("sentence", TRICKS.values(), ids=TRICKS.keys())
async def test_nothing_of_it_passes_whatever_looks_like_its_end(sentence: str) -> None:
    passed = Passed()
    for before in ("", BEFORE):
        text, withheld = await passed.run([delta(char) for char in before + sentence + AFTER])
        assert withheld
        assert before.startswith(text)


async def test_a_text_without_any_end_flows_in_windows_and_never_up_to_what_is_judged() -> None:
    passed = Passed()
    words = [f"word{number} " for number in range(2_000)]
    text, withheld = await passed.run(delta(word) for word in [*words, "FORBIDDEN", *words])
    assert withheld
    assert 16_000 < len(text) < len("".join(words)) - 30
    assert "".join(words).startswith(text)


async def test_what_only_the_whole_text_shows_is_found_when_it_has_doubled() -> None:
    """A judge that needs 40 of a word finds them though no window holds as many."""
    judge = Markers()

    class Counting(Markers):
        def output(self, context: str, surfaces: Any) -> Any:
            text = "FORBIDDEN" if any(s.text.count("drip") >= 40 for s in surfaces) else "fine"
            self.seen.append((context, tuple(surfaces)))
            return judge.output(context, [surfaces[0].__class__("x", "output", text)])

    passed = Passed(Counting())
    sentence = "There is one more drip, and then there are some further words behind it. "
    text, withheld = await passed.run([delta(sentence)] * 400)
    assert withheld
    assert 40 <= text.count("drip") < 120
    assert (await Passed().run([delta(sentence)] * 400)) == (sentence * 400, False)


async def test_the_work_of_judging_grows_with_the_text_and_not_with_its_square() -> None:
    judged = []
    for sentences in (100, 400):
        passed = Passed()
        sentence = "This is a sentence of sixty characters, more or less so. "
        pieces = [delta(word + " ") for word in (sentence * sentences).split(" ")]
        _, withheld = await passed.run(pieces)
        assert not withheld
        judged.append(sum(len(s.text) for _, surfaces in passed.judge.seen for s in surfaces))
        assert judged[-1] < 14 * len(sentence) * sentences
    assert judged[1] < 4.5 * judged[0]


async def test_a_long_tool_call_in_small_parts_costs_no_more_than_its_parts() -> None:
    took = []
    for count in (20_000, 80_000):
        began = time.perf_counter()
        _, withheld = await Passed().run([*calls("x" * count), delta(finish="tool_calls")])
        assert not withheld
        took.append(time.perf_counter() - began)
    assert took[1] < 12 * took[0]


async def test_the_end_of_a_sentence_is_found_in_a_large_piece_too() -> None:
    text = "word " * 20_000 + "This is its end. "
    passed = Passed()
    session = GuardOutput(passed.bench).open(RequestView(Route.CHAT, STREAM, b""))
    for part, through in ((text, 0), ("And", 1)):
        cleared = await session.feed(Piece(orjson.loads(delta(part)), b""))
        assert cleared.through == through, part


async def test_the_first_sentence_leaves_before_the_second_has_ended() -> None:
    passed = Passed()
    session = GuardOutput(passed.bench).open(RequestView(Route.CHAT, STREAM, b""))
    pieces = ["Here is what you asked for. ", "It "]
    cleared = [await session.feed(Piece(orjson.loads(delta(text)), b"")) for text in pieces]
    assert [item.through for item in cleared] == [0, 1]


async def test_a_verdict_is_for_good() -> None:
    passed = Passed()
    session = GuardOutput(passed.bench).open(RequestView(Route.CHAT, STREAM, b""))
    for text in (SENTENCE, " ", "X"):
        cleared = await session.feed(Piece(orjson.loads(delta(text)), b""))
    for _ in range(3):
        assert cleared.verdict is Verdict.REFUSE
        cleared = await session.feed(Piece(orjson.loads(delta("fine. ")), b""))
    assert (await session.finish()).verdict is Verdict.REFUSE


def calls(arguments: str) -> Iterator[bytes]:
    yield delta(role="assistant", tool_calls=[{"index": 0, "id": "call_1", "type": "function"}])
    yield delta(tool_calls=[{"index": 0, "function": {"name": "look"}}])
    for char in arguments:
        yield delta(tool_calls=[{"index": 0, "function": {"arguments": char}}])


async def test_a_tool_call_leaves_whole_or_not_at_all() -> None:
    passed = Passed()
    session = GuardOutput(passed.bench).open(RequestView(Route.CHAT, STREAM, b""))
    pieces = list(calls('{"q": "fine. Or so. It seems. ' + "x" * 3_000 + '"}'))
    for wire in pieces:
        assert (await session.feed(Piece(orjson.loads(wire), wire))).through == 0
    end = delta(finish="tool_calls")
    cleared = await session.feed(Piece(orjson.loads(end), end))
    assert cleared.through == len(pieces) + 1
    _, withheld = await passed.run([*calls('{"q": "\\u0046ORBIDDEN"}'), end])
    assert withheld


async def test_a_part_of_a_tool_call_behind_its_end_is_judged_before_it_leaves() -> None:
    session = GuardOutput(Passed().bench).open(RequestView(Route.CHAT, STREAM, b""))
    late = delta(tool_calls=[{"index": 0, "function": {"arguments": "FORBIDDEN"}}])
    pieces = [*calls("{}"), delta(finish="tool_calls")]
    for wire in [*pieces, late]:
        cleared = await session.feed(Piece(orjson.loads(wire), wire))
    assert cleared.through == len(pieces)
    assert (await session.finish()).verdict is Verdict.REFUSE


# From here on over the wire, with the whole gateway between.


def framed(text: str) -> bytes:
    event = json.loads(delta(text))
    return b"data: " + json.dumps(event, ensure_ascii=False).encode() + b"\n\n"


@attack("engine", "forbidden text, cut anywhere, also within a character", Layer.GATEWAY)
@pytest.mark.parametrize("forbidden", [True, False], ids=["refused", "allowed"])
async def test_an_engine_that_cuts_its_stream_at_any_byte_gets_nothing_of_it_through(
    forbidden: bool,  # noqa: FBT001
    start: Start,
    engine: FakeEngine,
) -> None:
    gateway = await start(force=in_force())
    word = "FORBIDDEN" if forbidden else "harmless!"
    wire = framed(BEFORE) + framed(f"Étudiez 禁止 the {word} 🙂 things.") + b"data: [DONE]\n\n"
    cuts = [[cut] for cut in range(1, len(wire), 3)] + [list(range(1, len(wire)))]
    cuts += [[at] for at, byte in enumerate(wire) if byte & 0xC0 == 0x80]
    for cut in cuts:

        async def respond(request: web.Request, cut: list[int] = cut) -> web.StreamResponse:
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await response.prepare(request)
            for a, b in itertools.pairwise([0, *cut, len(wire)]):
                await response.write(wire[a:b])
                if len(cut) == 1:
                    await asyncio.sleep(0.001)
            return response

        engine.respond = respond
        reply = await gateway.post(STREAM)
        assert reply.text.endswith("data: [DONE]\n\n")
        assert ("content_filter" in reply.text) is forbidden
        assert ("things" in reply.text) is not forbidden
        assert ("tudiez" in reply.text) is not forbidden


async def test_a_refused_stream_cancels_the_engine_at_once_and_counts_what_was_held(
    guarded: Running, engine: FakeEngine
) -> None:
    told_so_far = [delta(BEFORE), delta(SENTENCE[:5]), delta(SENTENCE[5:] + " So")]
    engine.respond = events(*told_so_far, *[delta("x. ")] * 2_000, pause=0.01)
    reply = await guarded.post(STREAM)
    assert told(reply.text.encode()) == BEFORE
    await asyncio.wait_for(engine.aborted.wait(), 5)
    assert await guarded.metric("guard_held_back_bytes_count") == 1
    assert await guarded.metric("guard_held_back_bytes_sum") > len(SENTENCE)
    assert await guarded.metric('requests_total{code="200",path="/v1/chat/completions"}') == 1


async def test_one_choice_that_is_refused_ends_all_while_another_goes_on(
    guarded: Running, engine: FakeEngine
) -> None:
    turns = [(delta("A fine sentence here. ", 0), delta(char, 1)) for char in SENTENCE + " So"]
    pieces = list(itertools.chain.from_iterable(turns))
    engine.respond = events(*pieces, *[delta("And on. ", 0)] * 50, DONE)
    reply = await guarded.post({**STREAM, "n": 2})
    last = json.loads(reply.text.split("\n\n")[-3][6:])
    ends = [(choice["index"], choice["finish_reason"]) for choice in last["choices"]]
    assert ends == [(0, "content_filter"), (1, "content_filter")]
    assert not any('"index":1,"delta":{"content"' in line for line in reply.text.split("\n\n"))
    engine.respond = events(delta("Half of FORB", 0), delta("IDDEN is here. ", 1), DONE)
    reply = await guarded.post({**STREAM, "n": 2})
    assert told(reply.text.encode()) == "Half of FORBIDDEN is here. "


async def test_more_held_than_allowed_ends_the_answer_and_nothing_of_it_leaves(
    start: Start, engine: FakeEngine
) -> None:
    gateway = await start(force=in_force(), max_response_bytes=50_000)
    for count, status in ((1_000, 502), (100, 200)):
        engine.respond = events(*calls("x" * count), delta(finish="tool_calls"), DONE)
        reply = await gateway.post(STREAM)
        assert reply.status == status
        assert ('"arguments":"x"' in reply.text) is (status == 200)
