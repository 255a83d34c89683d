"""The status: kstatus rules, and nothing claimed that was not seen."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casemate.api.conditions import Reason
from casemate.api.v1alpha1 import ModelDeploymentStatus
from casemate.core.observed import Ref, Trouble
from casemate.core.plan import plan
from unit.api.cases import SPEC, changed
from unit.core.specs import few
from unit.core.world import NOW, SETTINGS, World, conditions, pod, ready

COUNTS = st.fixed_dictionaries(
    {},
    optional={
        key: st.integers(0, 3)
        for key in (
            "replicas",
            "updatedReplicas",
            "readyReplicas",
            "availableReplicas",
            "observedGeneration",
        )
    },
)


def status_of(world: World) -> Any:
    """What the status is after a pass."""
    found = world.plan().status
    return world.parent["status"] if found is None else found


def ready_of(world: World) -> tuple[str, str]:
    found = conditions(status_of(world))["Ready"]
    return found["status"], found["reason"]


def stopped(world: World) -> World:
    world.parent["metadata"]["generation"] = 2
    return world.settle().roll_out().settle()


@few
@given(st.integers(0, 3), st.booleans(), COUNTS, st.integers(0, 2), st.integers(1, 2))
def test_ready_is_true_only_if_the_deployments_own_status_says_so(
    replicas: int, suspend: Any, counts: Any, pods: int, generation: int
) -> None:
    spec = changed("suspend", suspend, changed("replicas", replicas))
    world = World(spec).settle()
    live = world.deployment
    live["metadata"]["generation"] = generation
    live["status"] = counts
    world.pods = [pod(f"m-{number}") for number in range(pods)]
    found = conditions(status_of(world))
    says = {"observedGeneration": 0} | counts
    serves = (
        says["observedGeneration"] >= generation
        and counts.get("replicas", 0) <= replicas
        and counts.get("updatedReplicas", 0) >= replicas
        and counts.get("availableReplicas", 0) >= replicas
    )
    if found["Ready"]["status"] == "True":
        assert serves
        assert not suspend
        assert replicas > 0 or pods == 0
    if serves and not suspend and replicas > 0:
        assert found["Ready"]["reason"] == Reason.SERVING
    if found["Ready"]["reason"] == Reason.SUSPENDED:
        assert suspend
        assert pods == 0
        assert counts.get("replicas", 0) == 0
    assert (found["Available"]["status"] == "True") == (counts.get("availableReplicas", 0) > 0)


@few
@given(st.integers(0, 3), st.booleans(), COUNTS, st.integers(1, 9))
def test_every_status_follows_kstatus(
    replicas: int, suspend: Any, counts: Any, generation: int
) -> None:
    world = World(changed("suspend", suspend, changed("replicas", replicas))).settle()
    world.deployment["status"] = counts
    world.parent["metadata"]["generation"] = generation
    status = status_of(world)
    ModelDeploymentStatus.model_validate(status)
    found = conditions(status)
    assert len(found) == len(status["conditions"])
    assert "Ready" in found
    assert status["observedGeneration"] == generation
    assert {one["observedGeneration"] for one in found.values()} == {generation}
    abnormal = [found[kind] for kind in ("Reconciling", "Stalled") if kind in found]
    assert len(abnormal) <= 1
    for one in abnormal:
        assert one["status"] == "True"
        assert (one["reason"], found["Ready"]["status"]) == (found["Ready"]["reason"], "False")


def test_a_fresh_deployment_is_seen_with_all_parts_pending() -> None:
    found = conditions(World().plan().status)
    assert found["Ready"]["status"] == "False"
    assert found["Reconciling"]["message"] == "NetworkPolicy m-default-deny is being applied"
    assert found["Available"]["status"] == "False"


def test_a_generation_counts_as_seen_only_when_it_was_carried_out() -> None:
    world = World()
    first = world.plan().status
    assert first is not None
    assert first["observedGeneration"] == -1
    assert world.settle().parent["status"]["observedGeneration"] == 1


@pytest.mark.parametrize(
    ("counts", "says"),
    [
        ({}, ("True", "Serving")),
        ({"availableReplicas": 1}, ("False", "Progressing")),
        ({"updatedReplicas": 1}, ("False", "Progressing")),
        ({"replicas": 3}, ("False", "Progressing")),
        ({"observedGeneration": 0}, ("False", "Progressing")),
    ],
)
def test_a_rollout_is_reported_as_it_is(counts: dict[str, int], says: tuple[str, str]) -> None:
    assert ready_of(World(changed("replicas", 2)).settle().roll_out(**counts)) == says


def test_suspended_is_not_said_while_a_pod_exists() -> None:
    world = World(changed("suspend", value=True)).settle().roll_out()
    world.pods = [pod()]
    found = conditions(status_of(world))
    assert found["Ready"]["message"] == "1 pods are being stopped"
    assert "Reconciling" in found
    world.pods = []
    found = conditions(status_of(world))
    assert (found["Ready"]["status"], found["Ready"]["reason"]) == ("False", "Suspended")
    assert "Reconciling" not in found


def test_zero_replicas_is_ready_once_no_pod_is_left() -> None:
    world = World(changed("replicas", 0)).settle().roll_out()
    assert ready_of(world) == ("True", "ScaledToZero")
    world.pods = [pod()]
    assert ready_of(world) == ("False", "Progressing")


def test_a_rollout_beyond_its_deadline_is_stalled_and_says_what_holds_it_up() -> None:
    world = World(changed("replicas", 1)).settle().roll_out(availableReplicas=0)
    world.pods = [pod("m-2", phase="Failed", reason="Evicted"), pod("m-1")]
    found = conditions(status_of(world))
    assert found["Reconciling"]["message"] == "0 of 1 pods answer; pod m-2: failed: Evicted"
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    world.deployment["status"]["conditions"] = [late]
    found = conditions(status_of(world))
    assert found["Stalled"]["reason"] == "ProgressDeadlineExceeded"
    assert "Reconciling" not in found
    world.roll_out().deployment["status"]["conditions"] = [late]
    assert ready_of(world) == ("True", "Serving")


def test_a_transition_time_moves_only_when_the_status_does() -> None:
    world = ready(changed("replicas", 2))
    later = NOW + timedelta(minutes=5)
    before = conditions(world.parent["status"])
    world.roll_out(availableReplicas=1)
    found = conditions(world.plan(now=later).status)
    assert found["Ready"]["lastTransitionTime"] == "2026-03-01T12:05:00Z"
    assert found["Available"]["lastTransitionTime"] == before["Available"]["lastTransitionTime"]
    world.carry_out(world.plan(now=later))
    world.roll_out(availableReplicas=0)
    found = conditions(world.plan(now=later + timedelta(hours=1)).status)
    assert found["Ready"]["message"] == "0 of 2 pods answer"
    assert found["Ready"]["lastTransitionTime"] == "2026-03-01T12:05:00Z"
    assert found["Available"]["lastTransitionTime"] == "2026-03-01T13:05:00Z"


def test_trouble_is_stalled_with_its_reason_and_the_counts_that_are_seen() -> None:
    world = ready()
    trouble = Trouble(Reason.APPLY_REFUSED, "the API server answered 403: quota")
    status = plan(world.observed(trouble), SETTINGS, NOW).status
    found = conditions(status)
    assert found["Stalled"]["message"] == "the API server answered 403: quota"
    assert (found["Ready"]["status"], found["Ready"]["reason"]) == ("False", "ApplyRefused")
    assert found["Available"]["status"] == "True"
    assert status is not None
    assert (status["replicas"], status["readyReplicas"]) == (1, 1)


@pytest.mark.parametrize(
    ("at", "value", "names"),
    [
        ("engine.image", "registry.local/x:1", "spec.engine.image"),
        ("replicas", -1, "spec.replicas"),
        ("surprise", 1, "spec.surprise"),
        ("model.source", {}, "spec.model.source"),
    ],
)
def test_an_invalid_spec_is_stalled_and_no_child_is_touched(
    at: str, value: Any, names: str
) -> None:
    world = ready()
    del world.objects[Ref("Service", "m")]
    world.parent["spec"] = changed(at, value)
    world.parent["metadata"]["generation"] = 2
    wanted = world.plan()
    assert (wanted.writes, wanted.repairs) == (0, ())
    found = conditions(wanted.status)
    assert found["Stalled"]["reason"] == found["Ready"]["reason"] == "InvalidSpec"
    assert names in found["Ready"]["message"]
    assert wanted.status is not None
    assert wanted.status["observedGeneration"] == 2
    world.parent["spec"] = SPEC
    assert world.plan().writes == 1


def test_a_spec_that_is_no_object_is_stalled_too() -> None:
    world = World()
    del world.parent["spec"]
    found = conditions(world.plan().status)
    assert found["Stalled"]["reason"] == "InvalidSpec"
    assert found["Stalled"]["message"].startswith("spec: ")


def test_the_status_tells_selector_and_address() -> None:
    status = ready().parent["status"]
    assert status["selector"] == "casemate.dev/model-deployment=m"
    assert status["url"] == "https://m.models.svc/v1"
