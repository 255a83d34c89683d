"""Whose an object is: what is repaired, what is left alone, what is removed."""

from copy import deepcopy
from typing import Any

import pytest

from casemate.core.names import NAME_LABEL
from casemate.core.observed import Ref
from unit.api.cases import changed
from unit.core.world import UID, World, conditions, ready

SERVICE, DEPLOYMENT = Ref("Service", "m"), Ref("Deployment", "m")


def owner(**other: Any) -> dict[str, Any]:
    mine = {"apiVersion": "casemate.dev/v1alpha1", "kind": "ModelDeployment", "name": "m"}
    return mine | {"uid": UID, "controller": True} | other


def foreign(ref: Ref, *owners: dict[str, Any]) -> dict[str, Any]:
    """Somebody else's object under a child's name, with our label."""
    meta: dict[str, Any] = {"name": ref.name, "namespace": "models", "uid": "theirs"}
    meta |= {"labels": {NAME_LABEL: "m"}, "ownerReferences": list(owners), "generation": 1}
    full = {"replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1}
    status = full | {"observedGeneration": 1}
    return {"kind": ref.kind, "metadata": meta, "spec": {}, "status": status}


@pytest.mark.parametrize(
    "owners",
    [[], [owner(kind="Thing", uid="x")], [owner(name="other", uid="x")], [owner(controller=False)]],
    ids=["nobody's", "another kind's", "another deployment's", "not controlled by us"],
)
def test_an_object_of_somebody_else_is_left_alone_and_reported(owners: Any) -> None:
    world = World()
    world.objects[SERVICE] = foreign(SERVICE, *owners)
    wanted = world.plan()
    assert SERVICE not in {one.ref for stage in wanted.stages for one in stage}
    assert wanted.prune == ()
    assert wanted.conflict is not None
    assert "Service m" in wanted.conflict
    found = conditions(wanted.status)
    assert found["Stalled"]["reason"] == found["Ready"]["reason"] == "NameConflict"
    assert "rename" in found["Ready"]["message"]


def test_an_object_that_we_control_is_repaired_instead() -> None:
    world = World()
    world.objects[SERVICE] = foreign(SERVICE, owner())
    wanted = world.plan()
    assert wanted.conflict is None
    known = {one.ref: one.known for stage in wanted.stages for one in stage}
    assert known[SERVICE] is True
    assert [ref for ref, ours in known.items() if ours] == [SERVICE]


@pytest.mark.parametrize(
    "owners", [[], [owner(kind="ConfigMap", uid="x")], [owner(uid=UID, controller=False)]]
)
def test_an_edited_owner_reference_is_no_way_out_of_repair(owners: Any) -> None:
    world = ready()
    world.objects[SERVICE]["metadata"]["ownerReferences"] = owners
    wanted = world.plan()
    assert wanted.conflict is None
    assert [one.ref for stage in wanted.stages for one in stage] == [SERVICE]
    assert [one.ref for one in wanted.repairs] == [SERVICE]


def test_a_conflict_shields_no_other_part_from_repair() -> None:
    world = ready()
    world.objects[SERVICE] = foreign(SERVICE)
    policy = Ref("NetworkPolicy", "m-allow")
    world.objects[policy]["spec"]["policyTypes"] = []
    wanted = world.plan()
    assert [one.ref for stage in wanted.stages for one in stage] == [policy]
    assert conditions(wanted.status)["Ready"]["reason"] == "NameConflict"


def test_the_rollout_of_somebody_elses_deployment_is_not_reported_as_ours() -> None:
    world = World()
    world.objects[DEPLOYMENT] = foreign(DEPLOYMENT)
    status = world.plan().status
    assert conditions(status)["Available"]["status"] == "False"
    assert status is not None
    assert (status["replicas"], status["readyReplicas"]) == (0, 0)


def older(world: World) -> World:
    """The same children, when their ModelDeployment was deleted and made anew."""
    anew = World()
    anew.objects = deepcopy(world.objects)
    anew.parent["metadata"]["uid"] = "uid-of-the-second"
    return anew


def test_children_of_an_older_deployment_go_before_new_ones_come() -> None:
    world = older(ready(changed("replicas", 2)))
    wanted = world.plan()
    assert {one.ref: one.uid for one in wanted.prune} == {
        ref: f"uid-of-{ref.kind}-{ref.name}" for ref in world.objects
    }
    assert not any(wanted.stages)
    assert wanted.requeue == 1.0
    assert wanted.repairs == ()


def test_ready_is_never_said_on_the_word_of_an_older_deployment() -> None:
    world = older(ready())
    found = conditions(world.plan().status)
    assert (found["Ready"]["status"], found["Available"]["status"]) == ("False", "False")
    assert "of an earlier ModelDeployment is being removed" in found["Reconciling"]["message"]


def test_what_goes_with_an_older_deployment_is_no_drift() -> None:
    world = older(ready())
    world.carry_out(world.plan())
    wanted = world.plan()
    assert wanted.writes == 6
    assert wanted.repairs == ()
    assert ready_after(world) == "True"


def ready_after(world: World) -> str:
    return str(conditions(world.settle().roll_out().settle().parent["status"])["Ready"]["status"])


def test_a_part_that_is_on_its_way_out_is_waited_for() -> None:
    world = ready()
    world.deployment["metadata"]["deletionTimestamp"] = "2026-03-01T12:00:00Z"
    wanted = world.plan()
    assert (wanted.writes, wanted.requeue) == (0, 1.0)
    found = conditions(wanted.status)
    assert found["Ready"]["status"] == "False"
    assert found["Reconciling"]["message"] == "Deployment m is being removed, to be made anew"
    world.carry_out(wanted)
    del world.objects[DEPLOYMENT]
    assert [(one.ref, one.action) for one in world.plan().repairs] == [(DEPLOYMENT, "deleted")]


def test_a_part_that_was_refused_before_is_no_drift_when_it_is_missing_still() -> None:
    world = ready()
    del world.objects[DEPLOYMENT]
    assert [one.ref for one in world.plan().repairs] == [DEPLOYMENT]
    for condition in world.parent["status"]["conditions"]:
        condition["reason"] = "ApplyRefused"
    wanted = world.plan()
    assert wanted.writes == 1
    assert wanted.repairs == ()


@pytest.mark.parametrize(
    ("owners", "applied", "removed"),
    [
        ([owner()], True, True),
        ([owner(uid="older")], True, True),
        ([], True, True),
        ([owner(kind="ConfigMap")], True, True),
        ([owner(name="other")], True, False),
        ([], False, False),
        ([owner(kind="ConfigMap")], False, False),
    ],
    ids=[
        "ours",
        "of an older deployment",
        "ours, its reference removed",
        "ours, its reference edited",
        "of another deployment, with our label",
        "somebody's with our label",
        "another kind's with our label",
    ],
)
def test_an_object_that_nobody_asked_for_is_removed_only_if_it_is_ours(
    owners: Any, *, applied: bool, removed: bool
) -> None:
    world = ready()
    extra = Ref("Service", "extra")
    body = foreign(extra, *owners)
    if applied:
        entry = {"manager": "casemate", "operation": "Apply", "fieldsV1": {}}
        body["metadata"]["managedFields"] = [entry]
    world.objects[extra] = body
    assert [one.ref for one in world.plan().prune] == [extra] * removed
