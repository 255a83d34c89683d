"""From what was seen to a verdict. Pure; every doubt is no proof."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from casemate.isolation.targets import Protocol, Target

LIFE_SECONDS = 30.0
"""How long ago an allowed caller may have seen the canary: three periods of the operator's."""


class Verdict(StrEnum):
    """Three results; only the first is a pass."""

    ENFORCED = "Enforced"
    NOT_ENFORCED = "NotEnforced"
    INCONCLUSIVE = "Inconclusive"


@dataclass(frozen=True)
class Reading:
    """What came of one probe.

    Attributes:
        target: Where it went.
        answered: Whether anything came back: a connection, or the datagram.
        how: What was seen, such as `connected`, `refused` or `timeout`.
    """

    target: Target
    answered: bool
    how: str


@dataclass(frozen=True)
class Answer:
    """What the warden said, or why it said nothing.

    Attributes:
        problem: Why there is no answer; empty: there is one.
        seen: Seconds since an allowed caller got through to the canary, by protocol.
        neighbours: Other model pods that lived lately, each with ports of its own that must be
            closed to everybody who is no Prometheus.
    """

    problem: str = ""
    seen: tuple[tuple[Protocol, float], ...] = ()
    neighbours: tuple[tuple[str, tuple[int, ...]], ...] = ()


@dataclass(frozen=True)
class Proof:
    """One round.

    Attributes:
        verdict: What it proves.
        message: Why, in words that stay the same while nothing changes.
    """

    verdict: Verdict
    message: str


def judge(before: Answer, readings: Sequence[Reading], after: Answer) -> Proof:
    """Judge a round: the warden answered before and after, and nothing else did in between.

    An open target is proof on its own. A silent one proves something only while the same network
    carries what is allowed, and while the canary is known to live.
    """
    if reached := _reached(readings):
        return Proof(Verdict.NOT_ENFORCED, f"reached what no policy allows: {reached}")
    for answer in (before, after):
        if answer.problem:
            return _unproven(f"the warden did not answer: {answer.problem}")
    if not readings:
        return _unproven("nothing was probed")
    if silent := _unseen(after):
        return _unproven(f"nobody allowed reached the canary lately by {', '.join(silent)}")
    return Proof(Verdict.ENFORCED, f"the warden answered, and none of {len(readings)} others did")


def judge_outside(control: Reading, readings: Sequence[Reading]) -> Proof:
    """Judge what the warden saw of a pod: its gateway's port answers, and no other one does."""
    if reached := _reached(readings):
        return Proof(Verdict.NOT_ENFORCED, f"reached from outside: {reached}")
    if not readings:
        return _unproven("nothing was tried from outside")
    if not control.answered:
        return _unproven(f"from outside, the allowed {control.target} is silent: {control.how}")
    return Proof(Verdict.ENFORCED, f"from outside, none of {len(readings)} other ports answered")


def both(inside: Proof, outside: Proof) -> Proof:
    """Join the two halves: one that failed decides."""
    for bad in (Verdict.NOT_ENFORCED, Verdict.INCONCLUSIVE):
        if why := "; ".join(one.message for one in (inside, outside) if one.verdict is bad):
            return Proof(bad, why)
    return Proof(Verdict.ENFORCED, f"{inside.message}; {outside.message}")


def _reached(readings: Sequence[Reading]) -> str:
    said = [f"{one.target}: {one.how}" for one in readings if one.answered]
    return ", ".join(dict.fromkeys(said))


def _unseen(answer: Answer) -> list[str]:
    seen = dict(answer.seen)
    return [one for one in Protocol if not 0 <= seen.get(one, LIFE_SECONDS + 1) <= LIFE_SECONDS]


def _unproven(why: str) -> Proof:
    return Proof(Verdict.INCONCLUSIVE, why)
