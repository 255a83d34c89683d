"""Whoever edits or deletes a part sees it restored, counted and reported."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import pytest

from api.operator.test_children import CHILDREN, create
from enclave.kubeapi import ApiError
from support.admission import refuse
from support.operators import Api, Operator, eventually, path

POD = "/spec/template/spec"
EDITS: dict[str, tuple[str, str, Any]] = {
    "a policy with a further peer": (
        "NetworkPolicy",
        "m-allow",
        [{"op": "add", "path": "/spec/ingress/-", "value": {}}],
    ),
    "a policy for one direction only": (
        "NetworkPolicy",
        "m-default-deny",
        {"spec": {"policyTypes": ["Ingress"]}},
    ),
    "a policy that selects nothing": (
        "NetworkPolicy",
        "m-default-deny",
        {"spec": {"podSelector": {"matchLabels": {"no": "pod"}}}},
    ),
    "a service that selects other pods": (
        "Service",
        "m",
        {"spec": {"selector": {"app": "intruder"}}},
    ),
    "a service with a further port": (
        "Service",
        "m",
        [{"op": "add", "path": "/spec/ports/-", "value": {"name": "x", "port": 81}}],
    ),
    "an account that mounts its token": (
        "ServiceAccount",
        "m-model",
        {"automountServiceAccountToken": True},
    ),
    "a deployment with more replicas": ("Deployment", "m", {"spec": {"replicas": 7}}),
    "a further container": (
        "Deployment",
        "m",
        [{"op": "add", "path": f"{POD}/containers/-", "value": {"name": "x", "image": "x"}}],
    ),
    "the host's network": (
        "Deployment",
        "m",
        [{"op": "add", "path": f"{POD}/hostNetwork", "value": True}],
    ),
    "no gateway": ("Deployment", "m", [{"op": "remove", "path": f"{POD}/initContainers/0"}]),
    "another gateway image": (
        "Deployment",
        "m",
        [{"op": "replace", "path": f"{POD}/initContainers/0/image", "value": "x"}],
    ),
    "a further environment variable": (
        "Deployment",
        "m",
        [{"op": "add", "path": f"{POD}/containers/0/env/-", "value": {"name": "X", "value": "x"}}],
    ),
    "a further annotation of the pod": (
        "Deployment",
        "m",
        {"spec": {"template": {"metadata": {"annotations": {"restartedAt": "now"}}}}},
    ),
    "a further label": ("Service", "m", {"metadata": {"labels": {"x": "x"}}}),
    "another value of our label": (
        "NetworkPolicy",
        "m-default-deny",
        {"metadata": {"labels": {"casemate.dev/model-deployment": "other"}}},
    ),
    "no labels": ("Service", "m", {"metadata": {"labels": None}}),
    "no owner": ("NetworkPolicy", "m-default-deny", {"metadata": {"ownerReferences": None}}),
    "another owner, and an open policy": (
        "NetworkPolicy",
        "m-default-deny",
        {
            "metadata": {
                "ownerReferences": [
                    {
                        "apiVersion": "v1",
                        "kind": "ConfigMap",
                        "name": "x",
                        "uid": "00000000-0000-0000-0000-000000000000",
                        "controller": True,
                    }
                ]
            },
            "spec": {"policyTypes": ["Ingress"]},
        },
    ),
    "another digest": (
        "Deployment",
        "m",
        {"metadata": {"annotations": {"casemate.dev/desired-digest": "sha256:0"}}},
    ),
}

REMOVALS = {"no gateway", "no owner", "no labels"}
"""managedFields name who set a field, not who removed one."""


def _wanted(body: dict[str, Any]) -> dict[str, Any]:
    """An object without what the API server counts up."""
    volatile = ("resourceVersion", "generation", "managedFields", "uid", "creationTimestamp")
    meta = {k: v for k, v in body["metadata"].items() if k not in volatile}
    spec = {k: v for k, v in body.get("spec", {}).items() if k not in ("clusterIP", "clusterIPs")}
    rest = {k: v for k, v in body.items() if k not in ("metadata", "spec", "status")}
    return {**rest, "metadata": meta, "spec": spec}


def _state(api: Api, namespace: str, kind: str, name: str) -> dict[str, Any] | None:
    found = api.get(kind, namespace, name)
    return _wanted(found) if found else None


def notes(api: Api, namespace: str) -> str:
    return " | ".join(event.get("note", "") for event in api.items("Event", namespace))


class Watched(NamedTuple):
    """A child of a new deployment, and what is counted of it."""

    state: Callable[[], Any]
    before: Any
    counted: Callable[[], float]


def watch(api: Api, operator: Operator, namespace: str, kind: str, name: str) -> Watched:
    """Make a deployment, and take down how one of its children is."""
    create(api, namespace)
    state = partial(_state, api, namespace, kind, name)
    counter = f'casemate_drift_repairs_total{{action="edited",kind="{kind}"}}'
    return Watched(state, state(), partial(operator.metric, counter))


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_is_undone_counted_and_reported(
    api: Api, operator: Operator, namespace: str, edit: str
) -> None:
    kind, name, change = EDITS[edit]
    state, before, counted = watch(api, operator, namespace, kind, name)
    count = counted()

    api.patch(kind, namespace, name, change)

    eventually(lambda: state() == before, f"{edit}: stayed as {state()}")
    eventually(lambda: counted() > count, f"{edit}: not counted")
    by = "" if edit in REMOVALS else " by intruder"
    note = f"{kind} {name} was edited{by} and is restored"
    eventually(lambda: note in notes(api, namespace), f"no Event says: {note}")


@pytest.mark.parametrize(
    "change",
    [
        {"metadata": {"annotations": {"x": "x"}}},
        {"metadata": {"finalizers": ["example.org/stay"]}},
    ],
    ids=["an annotation", "a finalizer"],
)
def test_metadata_that_came_in_beside_a_status_is_undone_too(
    api: Api, operator: Operator, namespace: str, change: dict[str, Any]
) -> None:
    create(api, namespace)
    state = partial(_state, api, namespace, "Deployment", "m")
    before = state()

    status = {"observedGeneration": 1, "replicas": 3}
    api.patch("Deployment", namespace, "m", change | {"status": status}, sub="status")

    eventually(lambda: state() == before, lambda: f"stayed as {state()}")
    found = api.get("Deployment", namespace, "m")
    assert found is not None
    assert found["status"]["replicas"] == 3, "control: the status itself is not ours"
    eventually(lambda: "edited by intruder" in notes(api, namespace), "no Event says who")


@pytest.mark.parametrize(("kind", "name"), sorted(CHILDREN))
def test_a_deleted_child_is_made_again_counted_and_reported(
    api: Api, operator: Operator, namespace: str, kind: str, name: str
) -> None:
    create(api, namespace)
    state = partial(_state, api, namespace, kind, name)
    before = state()
    counter = f'casemate_drift_repairs_total{{action="deleted",kind="{kind}"}}'
    counted = operator.metric(counter)

    api.delete(kind, namespace, name)

    eventually(lambda: state() == before, f"{kind} never came back")
    eventually(lambda: operator.metric(counter) == counted + 1, "not counted")
    note = f"{kind} {name} was deleted and is restored"
    eventually(lambda: note in notes(api, namespace), f"no Event says: {note}")


def test_a_repair_that_the_cluster_refuses_is_not_said_to_be_made(
    api: Api, operator: Operator, namespace: str
) -> None:
    create(api, namespace)
    counter = 'casemate_drift_repairs_total{action="deleted",kind="Service"}'
    stalled = 'casemate_reconcile_errors_total{kind="stalled"}'
    counted, before = operator.metric(counter), operator.metric(stalled)
    end = refuse(api, namespace, "", "services", "no services today")
    probe = {"metadata": {"name": "probe"}, "spec": {"ports": [{"port": 1}]}}
    dry = f"{path('Service', namespace)}?dryRun=All"
    eventually(lambda: _is_refused(api, dry, probe), "the policy never came into force")

    api.delete("Service", namespace, "m")

    eventually(lambda: operator.metric(stalled) > before, "nothing was refused")
    assert operator.metric(counter) == counted
    assert "Service m was deleted" not in notes(api, namespace)
    api.client.request("DELETE", end)
    back = partial(api.get, "Service", namespace, "m")
    eventually(lambda: _nudged(api, namespace) and back() is not None, "it was never restored")
    api.delete("Service", namespace, "m")
    eventually(lambda: operator.metric(counter) == counted + 1, "control: not counted either")
    eventually(lambda: "Service m was deleted" in notes(api, namespace), "control: no Event")


def _is_refused(api: Api, where: str, body: dict[str, Any]) -> bool:
    try:
        api.client.request("POST", where, body)
    except ApiError as error:
        assert error.status == 422  # noqa: PT017 - any other refusal is a broken test
        return True
    return False


def _nudged(api: Api, namespace: str) -> bool:
    """Makes the operator look again, which it would do by itself after a minute."""
    note = {"metadata": {"annotations": {"now": str(len(api.calls()))}}}
    api.patch("ModelDeployment", namespace, "m", note)
    return True


def test_a_name_that_somebody_took_does_not_shield_other_edits(
    api: Api, operator: Operator, namespace: str
) -> None:
    create(api, namespace)
    deployment = partial(_state, api, namespace, "Deployment", "m")
    before = deployment()
    taken = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "m",
            "namespace": namespace,
            "labels": {"casemate.dev/model-deployment": "m"},
        },
        "spec": {"ports": [{"port": 1}]},
    }

    api.delete("Service", namespace, "m")
    _take(api, taken)
    api.patch("Deployment", namespace, "m", {"spec": {"replicas": 5}})

    eventually(lambda: deployment() == before, "the Deployment was not repaired")


def _take(api: Api, body: dict[str, Any]) -> None:
    """Wins the race for a name, or loses it: both are fine for what follows."""
    try:
        api.create(body)
    except ApiError as error:
        assert error.status == 409  # noqa: PT017 - the operator was faster


def test_an_apply_under_our_own_name_is_undone_as_well(
    api: Api, operator: Operator, namespace: str
) -> None:
    create(api, namespace)
    found = api.get("Deployment", namespace, "m")
    assert found is not None
    volatile = ("resourceVersion", "generation", "managedFields", "uid", "creationTimestamp")
    meta = {k: v for k, v in found["metadata"].items() if k not in volatile}
    forged = {k: found[k] for k in ("apiVersion", "kind", "spec")} | {"metadata": meta}
    forged["spec"]["template"]["spec"]["hostNetwork"] = True
    target = f"{path('Deployment', namespace, 'm')}?fieldManager=casemate&force=true"

    api.client.request("PATCH", target, forged, "application/apply-patch+yaml")

    def closed() -> bool:
        body = api.get("Deployment", namespace, "m")
        assert body is not None
        return "hostNetwork" not in body["spec"]["template"]["spec"]

    eventually(closed, "the host's network stayed")
