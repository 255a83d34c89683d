"""What a kill switch makes of a deployment's status: it is seen, and nothing else changes."""

from dataclasses import replace

import pytest

from casemate.core.observed import Contest, Ref, Trouble
from casemate.core.plan import plan
from support.approvals import Json, switch
from unit.api.cases import SPEC, changed
from unit.core.world import NOW, SETTINGS, World, conditions, ready

OTHERS = {"scope": "Deployment", "deployment": {"namespace": "models", "name": "n"}}


def says(world: World) -> tuple[str, str, str]:
    """Ready and its reason, and what is said of stops."""
    found = conditions(world.plan().status or world.parent["status"])
    return found["Ready"]["status"], found["Ready"]["reason"], found["NotStopped"]["status"]


def under(*switches: Json, spec: Json = SPEC) -> World:
    world = ready(spec)
    world.switches = list(switches)
    return world


def test_a_stop_and_its_lift_change_the_status_and_nothing_else() -> None:
    world = under(switch("s", "eve"))
    wanted = world.plan()
    assert (wanted.writes, wanted.repairs, wanted.requeue) == (0, (), None)
    found = conditions(wanted.status)
    told = "stopped by eve (KillSwitch s): an answer went astray"
    assert {one["message"] for one in found.values() if one["reason"] == "Stopped"} == {told}
    assert found["Available"]["status"] == "True", "its pods are there"
    assert ("Stalled" in found, "Reconciling" in found) == (True, False)
    assert says(world) == ("False", "Stopped", "False")
    assert wanted.status is not None
    assert wanted.status["observedGeneration"] == 1
    world.carry_out(wanted)
    assert world.plan().status is None, "it is said once"

    world.switches = []
    assert says(world) == ("True", "Serving", "True")


def test_a_switch_for_another_changes_nothing() -> None:
    assert under(switch("s", "eve", **OTHERS)).plan().status is None
    assert under(switch("s", "eve")).plan().status is not None, "control"


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (changed("suspend", value=True), "Suspended"),
        (changed("replicas", 0), "ScaledToZero"),
        (changed("use", "planning"), "UseNotAllowed"),
    ],
)
def test_who_stopped_it_is_to_be_asked_before_anybody_else(spec: Json, reason: str) -> None:
    assert says(under(spec=spec))[1:] == (reason, "True"), "control"
    assert says(under(switch("s", "eve"), spec=spec)) == ("False", "Stopped", "False")


def test_what_keeps_the_operator_from_its_work_is_told_first_and_the_stop_beside_it() -> None:
    world = under(switch("s", "eve"))
    refused = world.observed(Trouble("ApplyRefused", "quota"))
    fight = {Ref("Service", "m"): Contest(0.0, "Service m is edited again and again", 60.0)}
    contested = replace(world.observed(), contests=fight)
    for observed, reason in ((refused, "ApplyRefused"), (contested, "Contested")):
        found = conditions(plan(observed, SETTINGS, NOW).status)
        assert (found["Ready"]["reason"], found["NotStopped"]["status"]) == (reason, "False")


def test_one_whose_spec_is_refused_is_stopped_by_its_agreement_all_the_same() -> None:
    world = under(switch("s", "eve", scope="Agreement", agreementRef=SPEC["agreementRef"]))
    world.parent["spec"] = changed("replicas", -1)
    assert says(world) == ("False", "InvalidSpec", "False")
    world.parent["spec"] = changed("agreementRef.name", "other", world.parent["spec"])
    assert says(world) == ("False", "InvalidSpec", "True"), "control: under another one"


def test_a_part_that_is_missing_is_made_and_the_spec_counts_as_seen_only_then() -> None:
    world = World()
    world.switches = [switch("s", "eve")]
    first = world.plan()
    assert first.writes
    assert first.status is not None
    assert first.status["observedGeneration"] == -1
    assert conditions(first.status)["Ready"]["reason"] == "Stopped"
    assert world.settle().parent["status"]["observedGeneration"] == 1


def test_what_nobody_can_tell_of_takes_away_what_was_well_and_hides_nothing() -> None:
    world = ready()
    world.switches = None
    assert says(world) == ("Unknown", "StopsUnknown", "Unknown")
    assert "Reconciling" in conditions(world.plan().status)
    world.roll_out(availableReplicas=0)
    assert says(world) == ("False", "Progressing", "Unknown")
