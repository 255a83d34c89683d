"""The locked invariants of `plan`: what holds for every spec."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from casemate.api.v1alpha1 import API_VERSION, KIND
from casemate.core.names import DIGEST_ANNOTATION, MANAGED_SELECTOR, NAME_LABEL
from casemate.core.observed import Ref
from casemate.core.plan import Plan
from unit.api.cases import changed
from unit.core.specs import NAMES, NAMESPACES, few, specs
from unit.core.world import DIGEST, NOW, SETTINGS, UID, World, ready


def nothing_to_do(plan: Plan) -> bool:
    return (plan.writes, plan.repairs, plan.status, plan.requeue) == (0, (), None, None)


def bodies(plan: Plan) -> dict[Ref, dict[str, Any]]:
    return {one.ref: one.body for stage in plan.stages for one in stage}


@few
@given(specs(), NAMES, NAMESPACES)
def test_equal_snapshots_give_equal_plans_and_stay_as_they_were(
    spec: Any, name: str, namespace: str
) -> None:
    world = World(spec, name, namespace)
    observed = world.observed()
    before = deepcopy(observed)
    first, second = world.plan(), world.plan()
    assert first == second
    assert first.writes >= 5
    assert observed == before


@few
@given(specs(), NAMES, NAMESPACES)
def test_after_a_plan_is_carried_out_nothing_is_left_to_write(
    spec: Any, name: str, namespace: str
) -> None:
    world = World(spec, name, namespace)
    world.carry_out(world.plan())
    second = world.plan()
    assert (second.writes, second.repairs) == (0, ())
    assert second.status is not None
    world.carry_out(second)
    assert nothing_to_do(world.plan())


@few
@given(specs(), st.integers(1, 4))
def test_a_plan_for_any_part_that_is_missing_creates_just_that_part(spec: Any, index: int) -> None:
    world = World(spec).settle()
    lost = list(world.objects)[index]
    del world.objects[lost]
    plan = world.plan()
    assert list(bodies(plan)) == [lost]
    assert [(one.ref, one.action) for one in plan.repairs] == [(lost, "deleted")]


@few
@given(specs(), NAMES, NAMESPACES)
def test_the_network_is_closed_in_an_earlier_stage_than_any_pod(
    spec: Any, name: str, namespace: str
) -> None:
    stages = World(spec, name, namespace).plan().stages
    at = {ref: number for number, stage in enumerate(stages) for ref, *_ in stage}
    closing = [
        number
        for ref, number in at.items()
        if ref.kind == "NetworkPolicy"
        and _closes(bodies(World(spec, name, namespace).plan())[ref], name)
    ]
    running = [number for ref, number in at.items() if ref.kind == "Deployment"]
    assert len(running) == 1
    assert min(closing) < min(running)
    policies = [number for ref, number in at.items() if ref.kind == "NetworkPolicy"]
    assert max(policies) < min(running)


def _closes(policy: dict[str, Any], name: str) -> bool:
    spec = policy["spec"]
    return (
        spec["podSelector"] == {"matchLabels": {NAME_LABEL: name}}
        and set(spec["policyTypes"]) == {"Ingress", "Egress"}
        and not spec.get("ingress")
        and not spec.get("egress")
    )


@few
@given(specs())
def test_no_engine_is_started_without_its_gateway_as_native_sidecar(spec: Any) -> None:
    for body in bodies(World(spec).plan()).values():
        pod = body["spec"]["template"]["spec"] if body["kind"] == "Deployment" else {}
        if pod.get("containers"):
            gate, gateway = pod["initContainers"][:2]
            assert gate["name"] == "start-gate"
            assert gateway["name"] == "gateway"
            assert gateway["image"] == SETTINGS.gateway_image
            assert gateway["restartPolicy"] == "Always"


@few
@given(specs(), NAMES, NAMESPACES)
def test_every_object_is_named_labelled_and_owned(spec: Any, name: str, namespace: str) -> None:
    planned = bodies(World(spec, name, namespace).plan())
    assert {"NetworkPolicy", "ServiceAccount", "Service", "Deployment"} <= {r.kind for r in planned}
    for ref, body in planned.items():
        meta = body["metadata"]
        assert ref == Ref(body["kind"], meta["name"])
        assert 0 < len(meta["name"]) <= (253 if ref.kind == "NetworkPolicy" else 63)
        assert meta["name"].startswith(name)
        assert meta["namespace"] == namespace
        assert meta["labels"][MANAGED_SELECTOR] == name
        assert all(len(value) <= 63 for value in meta["labels"].values())
        assert meta["annotations"][DIGEST_ANNOTATION].startswith("sha256:")
        owner = {"apiVersion": API_VERSION, "kind": KIND, "name": name, "uid": UID}
        assert meta["ownerReferences"] == [owner | {"controller": True}]


@few
@given(specs(), NAMES, NAMES)
def test_children_of_two_deployments_never_share_a_name(spec: Any, one: str, two: str) -> None:
    shared = bodies(World(spec, one).plan()).keys() & bodies(World(spec, two).plan()).keys()
    assert bool(shared) == (one == two)


@few
@given(specs(), specs())
def test_a_changed_spec_is_a_change_of_ours_and_no_repair(one: Any, two: Any) -> None:
    world = World(one).settle()
    world.parent["spec"] = two
    world.parent["metadata"]["generation"] = 2
    plan = world.plan()
    assert plan.repairs == ()
    assert bool(plan.writes) == (one != two and _differs(one, two))


def _differs(one: Any, two: Any) -> bool:
    first, second = bodies(World(one).plan()), bodies(World(two).plan())
    return first != second


def test_a_budget_exists_for_more_than_one_replica_only_and_is_pruned() -> None:
    budget = Ref("PodDisruptionBudget", "m")
    assert budget not in bodies(World(changed("replicas", 1)).plan())
    world = World(changed("replicas", 2)).settle()
    assert budget in world.objects
    world.parent["spec"] = changed("replicas", 1)
    world.parent["metadata"]["generation"] = 2
    plan = world.plan()
    assert [one.ref for one in plan.prune] == [budget]
    assert [one.uid for one in plan.prune] == ["uid-of-PodDisruptionBudget-m"]
    world.carry_out(plan)
    assert budget not in world.settle().objects


def test_a_suspended_deployment_keeps_everything_but_its_pods() -> None:
    world = ready(changed("replicas", 2))
    parts = set(world.objects)
    world.parent["spec"] = changed("suspend", value=True, spec=changed("replicas", 2))
    world.parent["metadata"]["generation"] = 2
    world.settle()
    assert set(world.objects) == parts
    assert world.deployment["spec"]["replicas"] == 0


def test_another_gateway_image_replaces_only_the_pods() -> None:
    world = ready()
    other = f"registry.enclave.local/casemate/other@{DIGEST}"
    plan = world.plan(replace(SETTINGS, gateway_image=other))
    assert list(bodies(plan)) == [Ref("Deployment", "m")]
    assert plan.repairs == ()


def test_the_clock_changes_no_plan_of_a_settled_deployment() -> None:
    later = NOW.replace(year=NOW.year + 1)
    assert nothing_to_do(ready().plan(now=later))
    assert nothing_to_do(ready().plan(now=NOW))
