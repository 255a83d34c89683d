"""Answers to approved requests: the approved line alone may be spoken of, and all else as ever."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from casemate.gateway.guard import InForce
from casemate.guard.types import FORCE, HIDING, Finding, Judgement, Surface, Verdict
from support.attacks import Layer, attack
from unit.gateway.conftest import Start
from unit.gateway.desk import ANN, Desk
from unit.gateway.guarded import HELD, Markers, delta, in_force, judge_text, says
from unit.gateway.support import CHAT, DONE, FakeEngine, Reply, Running
from unit.gateway.test_guard import engine_says
from unit.gateway.test_guardrails import WORD, Guardrail, guardrail, requiring
from unit.gateway.test_holds import INSTRUCTION, approved, send
from unit.gateway.test_streaming import events

__all__ = ["guardrail"]

OTHER, MASKED = "OTHERLINE", "MASKED"
"""What a further line holds, and what is hidden text, whatever it says."""
SPOKEN = f"First of all. The {HELD} words are told here. And this is the end of it."
WHOLE, STREAMED = "whole", "streamed"
FORMS = pytest.mark.parametrize("form", [WHOLE, STREAMED])


class Lines(Markers):
    """Knows one more line that is held, names lines in the order of the text, and sees hiding."""

    def request(self, body: Mapping[str, Any]) -> Judgement:
        return self._of(str(body))

    def output(self, context: str, surfaces: Sequence[Surface]) -> Judgement:
        return self._of("\n".join([context, *(surface.text for surface in surfaces)]))

    def _of(self, text: str) -> Judgement:
        if "FORBIDDEN" in text:
            return judge_text(text)
        lines = {HELD: FORCE, OTHER: "other-line", MASKED: HIDING}
        marks = sorted((mark for mark in lines if mark in text), key=text.index)
        found = tuple(Finding(lines[mark], "", "lexicon", "text", (), 1.0) for mark in marks)
        held = [one for one in found if one.line != HIDING]
        if not held:
            return Judgement(Verdict.ALLOW, findings=found)
        return Judgement(Verdict.HOLD, held[0].line, "lexicon", found)


def asking(text: str, form: str = WHOLE) -> dict[str, Any]:
    return {**CHAT, "messages": [{"role": "user", "content": text}], "stream": form == STREAMED}


def answers(engine: FakeEngine, text: str, form: str) -> None:
    if form == STREAMED:
        words = [delta(f"{word} ") for word in text.split()]
        engine.respond = events(delta(role="assistant"), *words, delta(finish="stop"), DONE)
    else:
        engine_says(engine, says(text))


async def answered(
    start: Start, desk: Desk, force: InForce, asked: dict[str, Any]
) -> tuple[Running, Reply]:
    gateway = await start(force=force, identity=desk.identity)
    name = await approved(gateway, desk, asked)
    return gateway, await send(gateway, asked, approval=name)


@FORMS
async def test_an_approved_request_is_answered_though_the_answer_speaks_of_its_line(
    form: str, start: Start, desk: Desk, engine: FakeEngine
) -> None:
    answers(engine, SPOKEN, form)
    gateway, reply = await answered(start, desk, in_force(Lines()), asking(HELD, form))
    assert reply.status == 200
    assert HELD in reply.text
    assert "content_filter" not in reply.text
    if form == STREAMED:
        assert reply.text.endswith("data: [DONE]\n\n")
    assert (desk.records[-1]["status"], desk.records[-1]["verdict"]) == (200, "allow")
    answers(engine, SPOKEN, form)
    reply = await send(gateway, asking("hello", form))
    assert "content_filter" in reply.text, "control: without an approval"
    assert HELD not in reply.text


@FORMS
async def test_what_hides_in_an_answer_without_effect_stays_without_effect(
    form: str, start: Start, desk: Desk, engine: FakeEngine
) -> None:
    answers(engine, f"{SPOKEN} It is {MASKED}.", form)
    _, reply = await answered(start, desk, in_force(Lines()), asking(HELD, form))
    assert MASKED in reply.text


BEYOND = {
    "a line that is refused": "The FORBIDDEN words are told in this sentence here.",
    "another line that is held": f"The {OTHER} words are told here.",
    "both": f"The {HELD} and the {OTHER} words are told here.",
    "both, the other one first": f"The {OTHER} and the {HELD} words are told here.",
}


@attack("approvals", "an answer that says more than was approved", Layer.GATEWAY)
@FORMS
@pytest.mark.parametrize("text", BEYOND.values(), ids=BEYOND.keys())
async def test_whatever_else_an_approved_answer_says_is_withheld(
    text: str, form: str, start: Start, desk: Desk, engine: FakeEngine
) -> None:
    answers(engine, f"First of all. {text} And this is the end of it.", form)
    gateway, reply = await answered(start, desk, in_force(Lines()), asking(HELD, form))
    assert reply.status == 200
    assert '"finish_reason":"content_filter"' in reply.text
    for word in ("FORBIDDEN", OTHER):
        assert word not in reply.text
    assert await gateway.metric('guard_refusals_total{reason="answer_withheld"}') == 1
    assert desk.records[-1]["verdict"] == "refuse"


@FORMS
async def test_an_approval_of_another_line_does_not_cover_force(
    form: str, start: Start, desk: Desk, engine: FakeEngine
) -> None:
    answers(engine, SPOKEN, form)
    _, reply = await answered(start, desk, in_force(Lines()), asking(OTHER, form))
    assert desk.people.held["held-" + "0" * 16]["intent"]["verdict"]["line"] == "other-line"
    assert '"finish_reason":"content_filter"' in reply.text
    assert HELD not in reply.text


@attack("approvals", "force behind another line that takes fewer people", Layer.GATEWAY)
@pytest.mark.parametrize("text", [f"{OTHER} {HELD}", f"{HELD} {OTHER}"])
async def test_force_is_named_wherever_it_is_held(
    text: str, start: Start, desk: Desk, engine: FakeEngine
) -> None:
    gateway = await start(force=in_force(Lines()), identity=desk.identity)
    await approved(gateway, desk, asking(text))
    verdict = desk.people.held["held-" + "0" * 16]["intent"]["verdict"]
    assert verdict["line"] == FORCE
    assert {one["line"] for one in verdict["findings"]} == {FORCE, "other-line"}
    assert verdict["findings"][0]["line"] == FORCE


@FORMS
async def test_the_instruction_is_not_recited_in_an_approved_answer(
    form: str, start: Start, desk: Desk, engine: FakeEngine
) -> None:
    answers(engine, f"I was told this. {INSTRUCTION} That is all.", form)
    force = in_force(Lines(), instruction=INSTRUCTION)
    _, reply = await answered(start, desk, force, asking(HELD, form))
    assert '"finish_reason":"content_filter"' in reply.text
    assert "simple words" not in reply.text


async def test_a_required_guardrail_refuses_what_people_would_let_go(
    start: Start, desk: Desk, guardrail: Guardrail, engine: FakeEngine
) -> None:
    force = replace(requiring(guardrail), judge=Lines())
    gateway = await start(force=force, identity=desk.identity)
    name = await approved(gateway, desk, asking(HELD))
    both = asking(f"{HELD} {WORD}")
    assert (await send(gateway, both)).code == "content_filter", "people are not even asked"
    assert len(desk.people.held) == 1
    assert (await send(gateway, both, approval=name)).code == "content_filter"
    guardrail.mood = "fails"
    reply = await send(gateway, asking(HELD), approval=name)
    assert (reply.status, reply.code) == (503, "guard_unavailable")
    assert (desk.people.consumed, engine.requests) == ([], [])
    guardrail.mood = "well"
    assert (await send(gateway, asking(HELD), approval=name)).status == 200, "control"


@FORMS
async def test_a_required_guardrail_withholds_an_approved_answer(
    form: str, start: Start, desk: Desk, guardrail: Guardrail, engine: FakeEngine
) -> None:
    answers(engine, f"{SPOKEN} And a {WORD} cow. It is so.", form)
    force = replace(requiring(guardrail), judge=Lines())
    _, reply = await answered(start, desk, force, asking(HELD, form))
    assert '"finish_reason":"content_filter"' in reply.text
    assert WORD not in reply.text
    assert ANN not in reply.text
