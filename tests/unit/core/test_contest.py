"""A child that somebody changes again and again is restored more slowly, and a person is told."""

from dataclasses import replace
from itertools import pairwise

import pytest

from casemate.core.contest import (
    AT_ONCE,
    EVERY_SECONDS,
    OVER_SECONDS,
    Bout,
    contest,
    is_over,
    repaired,
)
from casemate.core.contest import put_off as waits
from casemate.core.observed import Contest, Ref, Repair
from casemate.core.plan import Plan, plan
from unit.api.cases import Json, changed
from unit.core.world import NOW, SETTINGS, World, conditions, ready

SERVICE = Ref("Service", "m")
EDIT = Repair(SERVICE, "edited", ("spec.selector",), ("intruder",))


def fought(seconds: float, every: float) -> list[float]:
    """The moments of all repairs while somebody undoes each at once."""
    bout, now, moments = Bout(), 0.0, []
    while now < seconds:
        if contest(bout, now).wait == 0:
            moments.append(now)
            bout = repaired(bout, now)
        now += every
    return moments


def test_the_first_repairs_are_made_at_once_and_then_one_in_ten_seconds() -> None:
    moments = fought(3600, 0.25)
    assert moments[: int(AT_ONCE)] == [0.25 * index for index in range(int(AT_ONCE))]
    later = moments[int(AT_ONCE) :]
    assert {b - a for a, b in pairwise(later)} == {EVERY_SECONDS}
    assert len(moments) <= AT_ONCE + 3600 / EVERY_SECONDS


def test_who_changes_something_now_and_then_never_waits_for_the_repair() -> None:
    assert len(fought(3600, EVERY_SECONDS)) == 3600 / EVERY_SECONDS


def test_a_bout_is_over_when_nothing_was_repaired_for_a_while() -> None:
    bout = repaired(Bout(), 100)
    assert not is_over(bout, 100 + OVER_SECONDS - 1)
    assert is_over(bout, 100 + OVER_SECONDS)
    assert contest(bout, 110).over == OVER_SECONDS - 10


def test_what_is_contested_is_said_once_and_stays_so() -> None:
    first = waits(Bout(), EDIT)
    assert first.text.startswith("Service m is edited again and again by intruder (spec.selector):")
    assert waits(first, EDIT._replace(fields=("spec.ports",))) == first


def _planned(world: World, found: Contest) -> Plan:
    return plan(replace(world.observed(), contests={SERVICE: found}), SETTINGS, NOW)


def _edited(world: World) -> World:
    fields: Json = {"f:spec": {"f:selector": {}}}
    world.edit(SERVICE, fields, "intruder")["spec"]["selector"] = {"app": "intruder"}
    return world


@pytest.mark.parametrize("deleted", [False, True], ids=["edited", "deleted"])
def test_a_repair_that_must_wait_is_not_made_and_stalls(*, deleted: bool) -> None:
    world = _edited(ready())
    if deleted:
        del world.objects[SERVICE]
    wanted = _planned(world, Contest(7.0, "", 60.0))
    assert (wanted.writes, wanted.repairs) == (0, ())
    assert [one.ref for one in wanted.put_off] == [SERVICE]
    assert wanted.requeue == 7.0
    found = conditions(wanted.status)
    assert found["Stalled"]["reason"] == found["Ready"]["reason"] == "Contested"
    assert found["AgreementInForce"]["status"] == "True", "the terms are told all the same"
    assert "again and again" in found["Ready"]["message"]


def test_when_its_time_has_come_it_is_made_and_the_deployment_stays_stalled() -> None:
    wanted = _planned(_edited(ready()), Contest(0.0, "Service m is contested", 60.0))
    assert [one.ref for one in wanted.repairs] == [SERVICE]
    assert wanted.writes == 1
    assert conditions(wanted.status)["Stalled"]["message"] == "Service m is contested"


def test_a_repair_of_another_child_does_not_wait() -> None:
    world = _edited(ready())
    del world.objects[Ref("NetworkPolicy", "m-default-deny")]
    wanted = _planned(world, Contest(7.0, "", 60.0))
    assert [one.ref.name for one in wanted.repairs] == ["m-default-deny"]


def test_a_change_of_the_spec_does_not_wait() -> None:
    world = ready()
    world.parent["spec"] = changed("replicas", 3)
    world.parent["metadata"]["generation"] = 2
    ref = Ref("Deployment", "m")
    found = replace(world.observed(), contests={ref: Contest(7.0, "", 60.0)})
    wanted = plan(found, SETTINGS, NOW)
    assert ref in {one.ref for stage in wanted.stages for one in stage}


def test_it_is_looked_at_again_when_the_contest_is_over() -> None:
    wanted = _planned(ready(), Contest(0.0, "Service m is contested", 12.0))
    assert (wanted.writes, wanted.requeue) == (0, 12.0)
    assert conditions(wanted.status)["Stalled"]["reason"] == "Contested"
