"""A pod proves its isolation through any replica of the warden that answers."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from casemate.isolation.proof import Proof, Verdict
from casemate.isolation.rounds import Circuit, round_of
from casemate.isolation.wardens import Wardens
from unit.isolation.place import TOKEN, Place, closed, free_port, placed

FINE = Proof(Verdict.ENFORCED, "fine")


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[tuple[Place, Place]]:
    folders = tmp_path / "a", tmp_path / "b"
    for folder in folders:
        folder.mkdir()
    async with placed(folders[0]) as first, placed(folders[1]) as second:
        for one in (first, second):
            one.see()
        yield first, second


def gone(place: Place) -> Place:
    return replace(place, warden=replace(place.warden, port=free_port()))


async def test_a_round_goes_through_one_and_through_the_next_where_that_is_away(
    pair: tuple[Place, Place],
) -> None:
    first, second = pair
    for one, other in ((first, second), (gone(first), second), (first, gone(second))):
        wardens = Wardens([one.warden, other.warden])
        assert (await round_of(Circuit(wardens, (closed(),)))).verdict is Verdict.ENFORCED
    nobody = Wardens([gone(first).warden, gone(second).warden])
    proof = await round_of(Circuit(nobody, (closed(),)))
    assert proof.verdict is Verdict.INCONCLUSIVE
    assert "the warden did not answer" in proof.message


async def test_it_stays_with_the_one_that_answered(pair: tuple[Place, Place]) -> None:
    first, second = pair
    wardens = Wardens([gone(first).warden, second.warden])
    assert (await wardens.ask())[0] is second.warden
    assert next(iter(wardens)) is second.warden
    assert len(list(wardens)) == 2, "the other one is still known"


async def test_the_life_of_one_canary_says_nothing_of_another(pair: tuple[Place, Place]) -> None:
    first, second = pair
    second.canary._seen.clear()
    proof = await round_of(Circuit(Wardens([second.warden, first.warden]), (closed(),)))
    assert proof.verdict is Verdict.INCONCLUSIVE, "whoever is asked must have seen its own"
    assert "reached the canary lately" in proof.message


async def test_a_report_goes_to_one_that_takes_it(pair: tuple[Place, Place]) -> None:
    first, second = pair
    wardens = Wardens([gone(first).warden, second.warden])
    assert await wardens.report(FINE, [9090], TOKEN) == second.outside
    assert [len(one.tried) for one in pair] == [0, 1]
    refused = await Wardens([first.warden, second.warden]).report(FINE, [9090], "stolen")
    assert refused.verdict is Verdict.INCONCLUSIVE
