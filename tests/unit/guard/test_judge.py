"""The strictest verdict over all, by the policy; whatever fails is no permission."""

from collections.abc import Sequence
from typing import Any

import pytest

from casemate.guard.detect import Detection
from casemate.guard.judge import ANSWER_SCORE, Judge
from casemate.guard.memory import BATCH
from casemate.guard.places import sure
from casemate.guard.types import (
    BUILT_IN,
    FORCE,
    HIDING,
    SURVEILLANCE,
    UNCOVERED,
    UNREADABLE,
    GuardError,
    Judgement,
    Policy,
    PolicyError,
    Surface,
    Verdict,
)
from casemate.guard.views import Views
from unit.guard.marked import BAD, ENDLESS, FOREIGN, HELD, HIDDEN, chat, find, marked, unfold

LAWFUL = "plan the fuel for the march"


def said(judged: Judgement) -> tuple[Verdict, str]:
    return judged.verdict, judged.line


@pytest.mark.parametrize(
    ("text", "verdict", "line"),
    [
        (LAWFUL, Verdict.ALLOW, ""),
        (f"it is {BAD}", Verdict.REFUSE, SURVEILLANCE),
        (f"it is {HELD}", Verdict.HOLD, FORCE),
        (f"it is {HELD} and {BAD}", Verdict.REFUSE, SURVEILLANCE),
        (f"it is {FOREIGN}", Verdict.HOLD, UNCOVERED),
        (f"it is {ENDLESS}", Verdict.REFUSE, UNREADABLE),
        (f"it is {HIDDEN}", Verdict.ALLOW, ""),
    ],
)
def test_the_strictest_finding_decides(text: str, verdict: Verdict, line: str) -> None:
    assert said(marked().text(text)) == (verdict, line)


def test_what_was_hidden_is_recorded_though_it_changes_nothing() -> None:
    (finding,) = marked().text(HIDDEN).findings

    assert (finding.line, finding.sub) == (HIDING, "tags")


def test_an_agreement_tightens() -> None:
    strict = Policy({**BUILT_IN, FORCE: Verdict.REFUSE}, uncovered=Verdict.REFUSE)

    assert said(marked(strict).text(HELD)) == (Verdict.REFUSE, FORCE)
    assert said(marked(strict).text(FOREIGN)) == (Verdict.REFUSE, UNCOVERED)
    assert marked(strict).text(LAWFUL).verdict is Verdict.ALLOW, "control"


@pytest.mark.parametrize(
    "make",
    [
        lambda: Policy({SURVEILLANCE: Verdict.REFUSE}),
        lambda: Policy({**BUILT_IN, SURVEILLANCE: Verdict.HOLD}),
        lambda: Policy({**BUILT_IN, FORCE: Verdict.ALLOW}),
        lambda: Policy({**BUILT_IN, "other": Verdict.ALLOW}),
        lambda: Policy(dict(BUILT_IN), uncovered=Verdict.ALLOW),
        lambda: Policy(dict(BUILT_IN), patterns={"other": ("x",)}),
    ],
    ids=["missing", "milder", "allowed", "another allowed", "uncovered allowed", "no verdict"],
)
def test_a_policy_cannot_relax(make: Any) -> None:
    with pytest.raises(PolicyError):
        make()


def test_a_line_of_the_agreement_is_found_by_its_patterns() -> None:
    lines = {**BUILT_IN, "no-lottery": Verdict.REFUSE}
    judge = marked(Policy(lines, patterns={"no-lottery": (r"\blotter(y|ies)\b",)}))

    assert said(judge.text("Run a LOTTERY for us")) == (Verdict.REFUSE, "no-lottery")
    assert judge.text("Run a raffle for us").verdict is Verdict.ALLOW, "control"


def test_a_pattern_that_would_take_exponential_time_elsewhere_does_not_here() -> None:
    lines = {**BUILT_IN, "slow": Verdict.REFUSE}
    judge = marked(Policy(lines, patterns={"slow": (r"(a+)+$",)}))

    assert judge.text("a" * 30_000 + "b").verdict is Verdict.ALLOW


def test_a_pattern_that_is_none_is_refused_by_name() -> None:
    lines = {**BUILT_IN, "odd": Verdict.REFUSE}
    with pytest.raises(PolicyError, match=r"line odd: '\(\?<=x\)y'"):
        marked(Policy(lines, patterns={"odd": ("(?<=x)y",)}))


@pytest.mark.parametrize("error", [ValueError, MemoryError, RecursionError, KeyError])
def test_whatever_fails_within_is_no_verdict_and_does_not_quote(error: type[Exception]) -> None:
    def broken(_bundle: Any, texts: Sequence[str], _vectors: Any = None) -> list[Detection]:
        raise error(*texts)

    judge = marked(detect=broken)
    with pytest.raises(GuardError) as caught:
        judge.text("secret words")
    assert "secret" not in str(caught.value)


def test_a_short_request_is_not_diluted_by_a_long_harmless_text() -> None:
    asked: list[str] = []

    def listening(bundle: Any, texts: Sequence[str], _vectors: Any = None) -> list[Detection]:
        asked.extend(texts)
        return find(bundle, texts)

    padding = "the weather was fine and the market was full. " * 400
    judged = marked(detect=listening).text(f"{padding}do what is {BAD}. {padding}")

    assert judged.verdict is Verdict.REFUSE
    assert max(map(len, asked)) <= 320


def test_a_conversation_that_grows_is_not_judged_anew() -> None:
    asked: list[str] = []

    def listening(bundle: Any, texts: Sequence[str], _vectors: Any = None) -> list[Detection]:
        asked.extend(texts)
        return find(bundle, texts)

    judge = marked(detect=listening)
    turns = [f"question number {n} about bridges and roads in spring." for n in range(40)]
    judge.request(chat(*turns))
    first = len(asked)
    judge.request(chat(*turns, "one more question."))

    assert len(asked) - first < first / 4


def test_an_answer_is_judged_alone_and_together_with_its_question() -> None:
    judge = marked()
    surface = Surface("choices[0]", "output", "idden, yes")

    assert judge.output("", [Surface("choices[0]", "output", BAD)]).verdict is Verdict.REFUSE
    assert judge.output(LAWFUL, [surface]).verdict is Verdict.ALLOW, "control"


def test_in_an_answer_only_what_is_nearly_certain_counts() -> None:
    def doubtful(_bundle: Any, texts: Sequence[str], _vectors: Any = None) -> list[Detection]:
        found = ((FORCE, "f01", "embedder", ANSWER_SCORE - 0.05),)
        return [Detection(found, "en", covered=True) for _ in texts]

    judge = marked(detect=doubtful)
    answer = [Surface("choices[0]", "output", "it was a war")]

    assert judge.output("what was it?", answer).verdict is Verdict.ALLOW
    assert judge.text("it was a war").verdict is Verdict.HOLD, "control: of a request it counts"


def test_a_part_of_a_long_text_must_be_surer_than_a_short_text() -> None:
    def doubtful(_bundle: Any, texts: Sequence[str], _vectors: Any = None) -> list[Detection]:
        found = ((FORCE, "f01", "embedder", 0.7),)
        return [Detection(found if HELD in text else (), "en", covered=True) for text in texts]

    padding = "".join(f"on day {n} the weather was fine and the market full. " for n in range(40))
    long = f"{padding}do what is {HELD}. {padding}"
    repeated = "the weather was fine and the market was full. " * 20

    assert marked(detect=doubtful).text(long).verdict is Verdict.ALLOW
    assert marked(detect=doubtful).text(HELD).verdict is Verdict.HOLD, "control: alone it counts"
    assert marked().text(long).verdict is Verdict.HOLD, "control: surer, it counts"
    again = marked(detect=doubtful).text(f"{HELD}. {repeated}")
    assert again.verdict is Verdict.HOLD, "what is said again is no further part"


def test_the_bar_rises_with_the_number_of_parts_and_ends_below_certainty() -> None:
    bars = [sure(groups) for groups in range(2000)]

    assert bars == sorted(bars)
    assert bars[0] == 0, "a short text is judged by the levels of the bundle alone"
    assert bars[1] == 0.5
    assert bars[-1] == 0.95


def test_more_than_can_be_looked_at_in_time_is_unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "the weather was fine and the market was full. " * 20
    assert marked().text(text).verdict is Verdict.ALLOW, "control"

    monkeypatch.setattr("casemate.guard.memory.MOST_CHARS", 900)
    longer = " ".join(f"question number {n} about bridges and roads in spring." for n in range(20))
    judge = marked()
    assert said(judge.text(longer)) == (Verdict.REFUSE, UNREADABLE)
    assert judge.text(text).verdict is Verdict.ALLOW, "control: the same few sentences once more"


def test_windows_are_looked_at_in_bounded_batches() -> None:
    sizes: list[int] = []

    def listening(bundle: Any, texts: Sequence[str], _vectors: Any = None) -> list[Detection]:
        sizes.append(len(texts))
        return find(bundle, texts)

    text = " ".join(f"question number {n} about bridges and roads in spring." for n in range(200))
    marked(detect=listening).text(text)

    assert max(sizes) == BATCH
    assert sum(sizes) > 200


def test_a_text_that_was_met_is_not_unfolded_again_and_its_findings_are_named_by_their_place() -> (
    None
):
    seen: list[str] = []

    def counting(text: str) -> Views:
        seen.append(text)
        return unfold(text)

    nothing: Any = None
    looking: Any = find
    judge = Judge(nothing, Policy(), detect=looking, views=counting)
    first = judge.surfaces([Surface("a", "user", HELD), Surface("b", "user", LAWFUL)])
    again = judge.surfaces([Surface("c", "user", HELD), Surface("d", "user", "another question")])

    assert seen == [HELD, LAWFUL, "another question"]
    assert [one.surface for one in first.findings] == ["a"]
    assert [one.surface for one in again.findings] == ["c"]
    assert said(again) == said(first) == (Verdict.HOLD, FORCE)


def test_what_was_too_much_is_looked_at_when_it_comes_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("casemate.guard.memory.MOST_CHARS", 60)
    judge = marked()
    both = [Surface("a", "user", f"it is {HELD}"), Surface("b", "user", "a question " * 5)]

    assert said(judge.surfaces(both)) == (Verdict.REFUSE, UNREADABLE)
    assert said(judge.surfaces(both[:1])) == (Verdict.HOLD, FORCE)
