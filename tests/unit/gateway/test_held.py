"""What is told of a held request: to people by one line, and to the log by what was found."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from casemate.audit.fields import Judged
from casemate.gateway.held import MOST_FINDINGS, MOST_VIEWS, Held, covers, held, on_record
from casemate.guard.types import FORCE, HIDING, SURVEILLANCE, Finding, Judgement, Verdict

LINES = (FORCE, "a-line", "b-line", HIDING)
FINDINGS = st.builds(
    Finding,
    st.sampled_from(LINES),
    st.text(max_size=200),
    st.sampled_from(["lexicon", "structural", "linear"]),
    st.text(max_size=400),
    st.lists(st.sampled_from(["nfkc", "base64"]), max_size=80).map(tuple),
    st.floats(-0.5, 1.5),
)


def found(line: str, score: float = 1.0, **more: Any) -> Finding:
    fields = {"sub": "", "tier": "lexicon", "surface": "text", "view": (), **more}
    return Finding(line, score=score, **fields)


def holding(*lines: str) -> Held:
    findings = tuple(found(line) for line in lines)
    return Held(Judgement(Verdict.HOLD, lines[0], "lexicon", findings), f"told of {lines[0]}")


def test_nothing_is_held_where_no_check_holds() -> None:
    assert held([]) is None


def test_the_first_that_holds_names_the_line_and_all_findings_are_told() -> None:
    both = held([holding("a-line"), holding("b-line")])
    assert both is not None
    assert (both.judgement.line, both.told) == ("a-line", "told of a-line")
    assert [one.line for one in both.judgement.findings] == ["a-line", "b-line"]


def test_force_names_the_line_wherever_it_is_found() -> None:
    for holds in ([holding("a-line"), holding(FORCE)], [holding("a-line", FORCE)]):
        both = held(holds)
        assert both is not None
        assert (both.judgement.line, both.judgement.tier) == (FORCE, "lexicon")
    bare = Held(Judgement(Verdict.HOLD, FORCE, "told"), "told of force")
    both = held([holding("a-line"), bare])
    assert both is not None
    assert (both.judgement.line, both.judgement.tier, both.told) == (FORCE, "told", "told of force")


@given(st.lists(FINDINGS, max_size=20))
def test_a_record_can_hold_whatever_was_found(findings: list[Finding]) -> None:
    record = on_record(Judgement(Verdict.HOLD, FORCE, "lexicon", tuple(findings)))
    Judged.model_validate(record)
    assert len(record["findings"]) == len(findings)


def test_a_record_keeps_what_decided_first_and_has_an_end() -> None:
    many = [found("a-line", 0.5 + n / 10_000) for n in range(600)]
    decided = found(FORCE, 0.25, surface="x" * 300, view=("nfkc",) * 100)
    record = on_record(Judgement(Verdict.HOLD, FORCE, "lexicon", (*many, decided)))
    Judged.model_validate(record)
    assert len(record["findings"]) == MOST_FINDINGS
    first, second = record["findings"][:2]
    assert (first["line"], first["score"]) == (FORCE, 250)
    assert len(first["surface"]) == 256
    assert len(first["views"]) == MOST_VIEWS
    assert second["score"] == 560, "then the surest"


def test_an_approval_covers_its_line_and_nothing_else() -> None:
    assert covers(FORCE, holding(FORCE).judgement)
    assert covers(FORCE, holding(FORCE, HIDING).judgement)
    assert not covers("", holding(FORCE).judgement)
    assert not covers("", Judgement(Verdict.HOLD))
    assert not covers("a-line", holding(FORCE).judgement)
    assert not covers(FORCE, holding(FORCE, "a-line").judgement)
    assert not covers(FORCE, holding("a-line", FORCE).judgement)
    assert not covers(FORCE, Judgement(Verdict.HOLD, FORCE, "lexicon")), "without a finding"
    for line in (FORCE, SURVEILLANCE):
        refused = Judgement(Verdict.REFUSE, line, "lexicon", (found(line),))
        assert not covers(line, refused), "an agreement refuses it now"
