"""The API server refuses what the operator would not run, and nothing else that it would."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from random import Random

import pytest

from api.admission_terms import draws, judges, wishes
from api.admission_terms.differences import (
    CHANGE_REFUSED_BY_ADMISSION_ALONE,
    REFUSED_BY_ADMISSION_ALONE,
    REFUSED_BY_OPERATOR_ALONE,
    Answer,
    Difference,
)
from api.admission_terms.judges import Operator
from api.admission_terms.states import md
from api.admission_terms.world import World
from enclave.controlplane import ControlPlane
from enclave.waiting import until

Asked = tuple[World, Operator]
EXAMPLES = 400


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    """A world of drawn terms beside those in every state, and the operator's memory of it."""
    with ControlPlane(tmp_path_factory.mktemp("drawn-plane")) as plane:
        world = World(plane)
        world.install()
        world.populate()
        operator = judges.fill(world)
        world.enforce()
        until(partial(_holds, world), 30, "the policies never held")
        yield world, operator


def _holds(world: World) -> bool:
    owned = md(model__source__oci__image=draws.OWNED)
    wrong = (md(use="none"), md(model__supplier="blocked"), md(model__supplier="nobody"), owned)
    return all(world.refusal("new", spec) for spec in wrong) and not world.refusal("new", md())


def _agree(answer: Answer) -> str:
    """What both say, in a word, or why they differ; fails where they differ without reason."""
    if bool(answer.refusal) == bool(answer.findings):
        return "refused" if answer.refusal else "accepted"
    for name, difference in _differences(answer).items():
        if difference.covers(answer):
            return name
    pytest.fail(f"admission: {answer.refusal!r}\noperator: {answer.findings}\n{answer.spec}")


def _differences(answer: Answer) -> Mapping[str, Difference]:
    if not answer.refusal:
        return REFUSED_BY_OPERATOR_ALONE
    return CHANGE_REFUSED_BY_ADMISSION_ALONE if answer.old else REFUSED_BY_ADMISSION_ALONE


def _ask(example: Callable[[draws.Pick], str]) -> Counter[str]:
    """Draws the same examples in every run; how often each word was said.

    Not by hypothesis, which takes constants of the modules that a run has imported into its draws:
    a difference that is met when this file runs alone would be missed beside others.
    """
    pick = Random(5).choice
    return Counter(example(pick) for _ in range(EXAMPLES))


def test_admission_and_operator_say_the_same_of_a_new_deployment(both: Asked) -> None:
    world, operator = both

    def example(pick: draws.Pick) -> str:
        spec = wishes.deployment(pick, {pick(wishes.AT_ODDS), pick(wishes.AT_ODDS)})
        return _agree(Answer(operator, spec, world.refusal("new", spec), operator.new(spec)))

    seen = _ask(example)
    assert min(seen["accepted"], seen["refused"]) > EXAMPLES / 10, "control: both happen"
    assert seen.keys() == {"accepted", "refused"} | {
        *REFUSED_BY_ADMISSION_ALONE,
        *REFUSED_BY_OPERATOR_ALONE,
    }, "every difference that is listed is met"


def test_a_change_after_which_the_operator_would_stop_is_refused(both: Asked) -> None:
    world, operator = both
    every = sorted(operator.deployments)
    sound = [name for name in every if not operator.changed(name, operator.spec(name))]
    drawn = [name for name in sound if name in wishes.DEPLOYED]

    def example(pick: draws.Pick) -> str:
        name = pick(pick((drawn, sound, every)))
        old = operator.spec(name)
        spec = wishes.change(pick, old)
        found, refusal = operator.changed(name, spec), world.refusal(name, spec, name)
        if found and not refusal and operator.changed(name, old):
            return "as bad as before"
        return _agree(Answer(operator, spec, refusal, found, old))

    seen = _ask(example)
    assert min(seen["accepted"], seen["refused"]) > EXAMPLES / 10, "control: both happen"
    assert {"winding down", "growth"} <= seen.keys(), "the differences of changes are met"
