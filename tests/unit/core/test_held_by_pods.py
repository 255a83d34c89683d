"""What closes the network of pods outlives their ModelDeployment, and goes with the last one."""

from typing import Any

from casemate.core.names import default_deny
from casemate.core.observed import Ref
from unit.core.world import UID, World, pod, ready

CLOSED = Ref("NetworkPolicy", default_deny("m"))
ALLOW = Ref("NetworkPolicy", "m-allow")


def owners(world: World, ref: Ref = CLOSED) -> list[str]:
    return [one["uid"] for one in world.objects[ref]["metadata"]["ownerReferences"]]


def held(*names: str) -> World:
    """A deployment that serves, with such pods."""
    world = ready()
    world.pods = [pod(name) for name in names]
    return world.settle()


def test_what_closes_the_network_belongs_to_the_pods_too_and_nothing_else_does() -> None:
    world = held("m-2", "m-1")
    assert owners(world) == [UID, "uid-of-m-1", "uid-of-m-2"]
    assert [owners(world, ref) for ref in world.objects if ref != CLOSED] == [[UID]] * 5
    references = world.objects[CLOSED]["metadata"]["ownerReferences"]
    assert [one.get("controller", False) for one in references] == [True, False, False]


def test_pods_that_come_and_go_are_no_drift() -> None:
    world = held("m-1")
    for pods in (["m-1", "m-2"], ["m-2"], []):
        world.pods = [pod(name) for name in pods]
        wanted = world.plan()
        assert [one.ref for stage in wanted.stages for one in stage] == [CLOSED]
        assert wanted.repairs == ()
        world.carry_out(wanted)
        assert owners(world) == [UID, *(f"uid-of-{name}" for name in pods)]
        assert world.plan().writes == 0


def _lose(world: World, *uids: str) -> None:
    meta = world.objects[CLOSED]["metadata"]
    meta["ownerReferences"] = [one for one in meta["ownerReferences"] if one["uid"] not in uids]


def test_a_reference_that_the_garbage_collector_dropped_first_is_no_drift() -> None:
    world = held("m-1", "m-2")
    _lose(world, "uid-of-m-1")
    wanted = world.plan()
    assert (wanted.writes, wanted.repairs) == (1, ())


def test_the_reference_to_the_deployment_is_drift_when_it_is_lost() -> None:
    world = held("m-1", "m-2")
    _lose(world, UID, "uid-of-m-1")
    wanted = world.plan()
    assert [(one.ref, one.action) for one in wanted.repairs] == [(CLOSED, "edited")]


def test_an_edit_beside_a_lost_reference_is_drift() -> None:
    world = held("m-1", "m-2")
    _lose(world, "uid-of-m-1")
    world.objects[CLOSED]["spec"]["policyTypes"] = ["Ingress"]
    assert [one.ref for one in world.plan().repairs] == [CLOSED]


def test_a_reference_that_somebody_added_is_removed_and_told_of() -> None:
    world = held("m-1")
    added = {"apiVersion": "v1", "kind": "Pod", "name": "x", "uid": "x"}
    fields: dict[str, Any] = {"f:metadata": {"f:ownerReferences": {'k:{"uid":"x"}': {}}}}
    world.edit(CLOSED, fields)["metadata"]["ownerReferences"].append(added)
    assert [one.ref for one in world.plan().repairs] == [CLOSED]


def test_what_pods_of_an_earlier_deployment_hold_is_taken_over_not_removed() -> None:
    """Between its removal and the next one, those pods would be open."""
    world = held("m-1")
    for ref in (CLOSED, ALLOW):
        world.objects[ref]["metadata"]["ownerReferences"][0]["uid"] = "earlier"
    wanted = world.plan()
    assert [one.ref for one in wanted.prune] == [ALLOW], "control: what nobody holds goes"
    assert [one.ref for stage in wanted.stages for one in stage] == [CLOSED]
