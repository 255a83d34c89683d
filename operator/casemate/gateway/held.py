"""What the checks hold for people: which red line it is, and how the log tells it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from casemate.guard.types import FORCE, HIDING, Finding, Judgement, Verdict

MOST_FINDINGS, MOST_VIEWS = 256, 64
"""How many of them a record has room for."""
_SURFACE, _SUB = 256, 128
"""Characters."""
_THOUSAND = 1000


@dataclass(frozen=True, slots=True)
class Held:
    """A request that only people can let go.

    Attributes:
        judgement: Names the line, its tier and all that was found; its verdict is HOLD.
        told: Why, for the caller.
        param: The field that is to blame.
    """

    judgement: Judgement
    told: str
    param: str | None = None


def held(holds: Sequence[Held]) -> Held | None:
    """Return what several checks hold together; None: nothing is held.

    The first names the line, but for force: it takes two people, so no other line, for which one
    may do, is told in its place.
    """
    if not holds:
        return None
    found = tuple(one for each in holds for one in each.judgement.findings)
    first = holds[0]
    line, tier = first.judgement.line, first.judgement.tier
    told, param = first.told, first.param
    if line != FORCE:
        for each in holds:
            if force := _of_force(each.judgement):
                line, tier, told, param = FORCE, force, each.told, each.param
                break
    return Held(Judgement(Verdict.HOLD, line, tier, found), told, param)


def on_record(judgement: Judgement) -> dict[str, Any]:
    """Return a judgement as a record tells it: where and how surely, never the text.

    What decided comes first, since a record has room for so many findings only.
    """
    findings = sorted(judgement.findings, key=lambda one: (one.line != judgement.line, -one.score))
    return {
        "verdict": judgement.verdict.value,
        "line": judgement.line or None,
        "tier": judgement.tier or None,
        "findings": [_finding(one) for one in findings[:MOST_FINDINGS]],
    }


def covers(line: str, judgement: Judgement) -> bool:
    """Whether people who let a red line pass have let all pass that was found.

    They decided about one line that is held. So nothing that is refused is covered, and no other
    line; that something was hidden, which has no effect by itself, is no line.

    Args:
        line: The line; empty: people let nothing pass.
        judgement: What was found.
    """
    if not line or judgement.verdict is not Verdict.HOLD or judgement.line != line:
        return False
    return _lines(judgement.findings) == {line}


def _of_force(judgement: Judgement) -> str:
    """Return the tier that found a use of force, or nothing."""
    if judgement.line == FORCE:
        return judgement.tier
    return next((one.tier for one in judgement.findings if one.line == FORCE), "")


def _lines(findings: Iterable[Finding]) -> set[str]:
    return {one.line for one in findings} - {HIDING}


def _finding(one: Finding) -> dict[str, Any]:
    return {
        "line": one.line,
        "sub": one.sub[:_SUB],
        "tier": one.tier,
        "score": min(_THOUSAND, max(0, round(one.score * _THOUSAND))),
        "surface": one.surface[:_SURFACE],
        "views": list(one.view[:MOST_VIEWS]),
    }
