"""What the operator tells of whoever broke the glass: an Event, and a metric, once for each use."""

import os
import signal
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from api.glass.conftest import HOME
from support.operators import Api, Operator, eventually, model_deployment, path, running
from support.policies import ADMIN, ENGINEER, OPERATOR, RESCUER, World

NOTE = "casemate.dev/break-glass"
MERGE = "application/merge-patch+json"
DENY_ALL = "m-default-deny"
Json = dict[str, Any]


@pytest.fixture
def name() -> str:
    """A name of a deployment for one test."""
    return f"m{uuid.uuid4().hex[:8]}"


def _create(api: Api, world: World, name: str) -> None:
    body, where = model_deployment(name, HOME), path("ModelDeployment", HOME)
    # An operator that just began has judged no terms yet.
    eventually(lambda: world.call(ADMIN, "POST", where, body) == "", "no terms were ever judged")
    api.create(body)
    eventually(lambda: _ready(api, name), f"the children of {name} never came")


def _ready(api: Api, name: str) -> bool:
    found = api.get("Deployment", HOME, name)
    return found is not None and found["spec"]["replicas"] == 1


def _noted(reason: str, **more: Any) -> Json:
    return {"metadata": {"annotations": {NOTE: f"{RESCUER}: {reason}"}}, **more}


def _write(world: World, kind: str, name: str, change: Json) -> None:
    world.as_user(RESCUER).request("PATCH", path(kind, HOME, name), change, MERGE)


def _told(api: Api, name: str) -> list[str]:
    """Notes of the Events about broken glass that name a deployment."""
    return [
        event["note"]
        for event in api.items("Event", HOME)
        if (event.get("reason"), event["type"]) == ("BrokenGlass", "Warning")
        and event["regarding"]["name"] == name
    ]


def _counts(operator: Operator, kind: str) -> float:
    return operator.metric(f'casemate_break_glass_total{{kind="{kind}"}}')


def _clean(api: Api, kind: str, name: str) -> bool:
    found = api.get(kind, HOME, name)
    return found is not None and NOTE not in found["metadata"]["annotations"]


def test_a_write_is_told_and_healed(api: Api, operator: Operator, world: World, name: str):
    _create(api, world, name)
    target = path("NetworkPolicy", HOME, f"{name}-default-deny")
    opened = {"spec": {"policyTypes": ["Ingress"]}}
    assert "with label" in world.call(ENGINEER, "PATCH", target, opened)

    _write(world, "NetworkPolicy", f"{name}-default-deny", _noted("probes blocked", **opened))

    said = f"NetworkPolicy {name}-default-deny was written by breaking the glass: "
    said += f"{RESCUER}: probes blocked"
    eventually(lambda: _told(api, name) == [said], lambda: f"told: {_told(api, name)}")
    eventually(lambda: _clean(api, "NetworkPolicy", f"{name}-default-deny"), "the note stayed")
    found = api.get("NetworkPolicy", HOME, f"{name}-default-deny")
    assert found is not None
    assert sorted(found["spec"]["policyTypes"]) == ["Egress", "Ingress"]
    assert _counts(operator, "NetworkPolicy") == 1
    assert _told(api, name) == [said]


def test_the_same_note_twice_is_two_uses(api: Api, operator: Operator, world: World, name: str):
    _create(api, world, name)
    for uses in (1, 2):
        _write(world, "Service", name, _noted("the very same"))
        eventually(lambda: _clean(api, "Service", name), "the note stayed")
        eventually(lambda n=uses: len(_told(api, name)) == n, f"{uses} uses were not told")  # type: ignore[misc]
        assert _counts(operator, "Service") == uses


def test_what_happened_without_an_operator_is_told_by_the_next(
    api: Api, world: World, log: Path, name: str
):
    with running(world.plane, log):
        _create(api, world, name)
    _write(world, "Deployment", name, _noted("nobody looks", spec={"replicas": 3}))
    for _ in (1, 2):
        with running(world.plane, log) as later:
            eventually(lambda: _ready(api, name) and _clean(api, "Deployment", name), "not healed")
            eventually(lambda: len(_told(api, name)) == 1, lambda: f"told: {_told(api, name)}")
            counted = _counts(later, "Deployment")
    assert counted == 0, "the second operator saw nothing left to tell"


def test_a_removal_is_told_from_what_was_removed(
    api: Api, operator: Operator, world: World, name: str
):
    _create(api, world, name)
    child = f"{name}-default-deny"
    target = path("NetworkPolicy", HOME, child)

    def remove() -> None:
        _write(world, "NetworkPolicy", child, _noted("it must go now"))
        world.as_user(RESCUER).request("DELETE", target)

    _while_stopped(operator, remove)

    said = f"NetworkPolicy {child} was written by breaking the glass: {RESCUER}: it must go now"
    eventually(lambda: _told(api, name) == [said], lambda: f"told: {_told(api, name)}")
    eventually(lambda: api.get("NetworkPolicy", HOME, child) is not None, "it never came back")
    assert _counts(operator, "NetworkPolicy") == 1


def _while_stopped(operator: Operator, do: Callable[[], None]) -> None:
    """Does something that the operator sees only afterwards, all at once."""
    os.kill(operator.process.pid, signal.SIGSTOP)
    try:
        do()
    finally:
        os.kill(operator.process.pid, signal.SIGCONT)


def test_a_child_that_loses_its_label_in_the_same_write_is_told(
    api: Api, operator: Operator, world: World, name: str
):
    _create(api, world, name)
    change = _noted("hidden from view")
    change["metadata"]["labels"] = {"casemate.dev/model-deployment": None}
    _write(world, "Service", name, change)
    eventually(lambda: _clean(api, "Service", name), "the note stayed")
    eventually(lambda: len(_told(api, name)) == 1, lambda: f"told: {_told(api, name)}")
    found = api.get("Service", HOME, name)
    assert found is not None
    assert found["metadata"]["labels"]["casemate.dev/model-deployment"] == name


def test_a_child_of_somebody_s_own_is_told_once_and_stays(
    api: Api, operator: Operator, world: World, name: str
):
    _create(api, world, name)
    extra = {
        **_noted("one more way in"),
        "spec": {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}]},
    }
    extra["metadata"] |= {"name": f"{name}-more", "labels": {"casemate.dev/model-deployment": name}}
    world.make(RESCUER, path("NetworkPolicy", HOME), extra)
    eventually(lambda: len(_told(api, name)) == 1, lambda: f"told: {_told(api, name)}")
    note = {"metadata": {"annotations": {"now": "1"}}}
    for passes in range(3):
        note["metadata"]["annotations"]["now"] = str(passes)
        api.patch("ModelDeployment", HOME, name, note)
        _write(world, "Service", name, _noted(f"a later use {passes}"))
        eventually(lambda: _clean(api, "Service", name), "no pass followed")
    assert _counts(operator, "NetworkPolicy") == 1
    assert api.get("NetworkPolicy", HOME, f"{name}-more") is not None


def test_the_operator_itself_leaves_and_needs_no_note(
    api: Api, operator: Operator, world: World, name: str
):
    _create(api, world, name)
    about = {"metadata": {"annotations": {"example.org/x": "y"}}}
    target = path("Service", HOME, name)
    assert world.call(OPERATOR, "PATCH", target, about) == ""
    assert NOTE in world.call(RESCUER, "PATCH", target, about)
    assert _told(api, name) == []
    assert partial(_counts, operator)("Service") == 0


def test_nothing_stays_of_an_edit_that_hid_who_owns_it(
    api: Api, operator: Operator, world: World, name: str
):
    _create(api, world, name)
    change = _noted("nobody shall own it", spec={"egress": [{}]})
    change["metadata"]["managedFields"] = [{}]
    _write(world, "NetworkPolicy", f"{name}-default-deny", change)
    _healed(api, f"{name}-default-deny")
    eventually(lambda: len(_told(api, name)) == 1, lambda: f"told: {_told(api, name)}")


def _healed(api: Api, child: str) -> None:
    def closed() -> bool:
        found = api.get("NetworkPolicy", HOME, child)
        return found is not None and "egress" not in found["spec"]

    eventually(closed, "the way out stayed")
    eventually(lambda: _clean(api, "NetworkPolicy", child), "the note stayed")


def test_nothing_stays_of_two_edits_that_hid_it_while_no_operator_ran(
    api: Api, world: World, log: Path, name: str
):
    child = f"{name}-default-deny"
    with running(world.plane, log):
        _create(api, world, name)
    _write(world, "NetworkPolicy", child, _noted("first opened", spec={"egress": [{}]}))
    found = api.get("NetworkPolicy", HOME, child)
    assert found is not None
    ours = [one for one in found["metadata"]["managedFields"] if one["manager"] == "casemate"]
    _write(world, "NetworkPolicy", child, {"metadata": {"managedFields": ours}})
    found = api.get("NetworkPolicy", HOME, child)
    assert found is not None
    assert [one["manager"] for one in found["metadata"]["managedFields"]] == ["casemate"]
    with running(world.plane, log):
        _healed(api, child)
