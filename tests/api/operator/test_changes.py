"""A changed spec reaches the children, as a change and not as drift; so does its end."""

from functools import partial
from typing import Any

import pytest

from api.operator.test_children import create, ready
from support.operators import Api, Operator, eventually

Json = dict[str, Any]

NEW = f"registry.enclave.local/new@sha256:{'1' * 64}"
CHANGES: dict[str, tuple[Json, str, str, tuple[str | int, ...], Any]] = {
    "the engine's image": (
        {"engine": {"image": NEW}},
        *("Deployment", "m"),
        ("spec", "template", "spec", "containers", 0, "image"),
        NEW,
    ),
    "the engine's arguments": (
        {"engine": {"args": ["--threads=2"]}},
        *("Deployment", "m"),
        ("spec", "template", "spec", "containers", 0, "args"),
        ["--threads=2"],
    ),
    "the weights": (
        {"model": {"source": {"oci": {"image": NEW}}}},
        *("Deployment", "m"),
        ("spec", "template", "spec", "volumes", 1, "image", "reference"),
        NEW,
    ),
    "another kind of source": (
        {"model": {"source": {"oci": None, "claim": {"name": "c", "path": "w"}}}},
        *("Deployment", "m"),
        ("spec", "template", "spec", "volumes", 1, "persistentVolumeClaim"),
        {"claimName": "c", "readOnly": True},
    ),
    "the clients": (
        {"access": {"clients": [{"podSelector": {"matchLabels": {"app": "other"}}}]}},
        *("NetworkPolicy", "m-allow"),
        ("spec", "ingress", 2, "from"),
        [{"podSelector": {"matchLabels": {"app": "other"}}}],
    ),
    "the replicas": ({"replicas": 4}, "Deployment", "m", ("spec", "replicas"), 4),
    "suspension": ({"suspend": True}, "Deployment", "m", ("spec", "replicas"), 0),
}


def _value(api: Api, namespace: str, kind: str, name: str, at: tuple[str | int, ...]) -> Any:
    found: Any = api.get(kind, namespace, name)
    for step in at:
        if isinstance(found, dict):
            found = found.get(step)
        elif isinstance(found, list) and isinstance(step, int):
            found = found[step]
    return found


REPAIRS = "casemate_drift_repairs_total"


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_of_the_spec_propagates_and_is_no_drift(
    api: Api, operator: Operator, namespace: str, what: str
) -> None:
    spec, kind, name, at, expected = CHANGES[what]
    create(api, namespace)
    value = partial(_value, api, namespace, kind, name, at)
    before, repairs = value(), operator.total(REPAIRS)
    assert before != expected

    api.patch("ModelDeployment", namespace, "m", {"spec": spec})

    eventually(lambda: value() == expected, lambda: f"{what}: stayed {value()}")
    eventually(
        lambda: ready(api, namespace).get("observedGeneration") == 2, "the change is not reported"
    )
    assert operator.total(REPAIRS) == repairs
    assert not api.items("Event", namespace)
    api.delete("Service", namespace, "m")
    eventually(lambda: operator.total(REPAIRS) > repairs, "control: drift is counted")


def test_the_disruption_budget_is_repaired_like_any_child(
    api: Api, operator: Operator, namespace: str
) -> None:
    create(api, namespace, replicas=2)
    value = partial(_value, api, namespace, "PodDisruptionBudget", "m", ("spec", "maxUnavailable"))
    assert value() == 1

    api.patch("PodDisruptionBudget", namespace, "m", {"spec": {"maxUnavailable": 2}})
    eventually(lambda: value() == 1, "the edit stayed")
    api.delete("PodDisruptionBudget", namespace, "m")
    eventually(lambda: value() == 1, "it never came back")


def test_a_budget_of_somebody_else_that_selects_nothing_is_left_as_it_was(
    api: Api, operator: Operator, namespace: str
) -> None:
    meta = {"name": "m", "namespace": namespace}
    body = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": meta}
    before = api.create({**body, "spec": {"maxUnavailable": 1}})
    create(api, namespace, "other", replicas=2)
    assert api.get("PodDisruptionBudget", namespace, "other"), "control: one of ours"

    create(api, namespace, replicas=2)

    assert ready(api, namespace)["reason"] == "NameConflict"
    assert api.get("PodDisruptionBudget", namespace, "m") == before


def test_children_whose_owner_is_orphaning_them_are_left_alone_until_it_is_gone(
    api: Api, operator: Operator, namespace: str
) -> None:
    create(api, namespace)
    api.delete("ModelDeployment", namespace, "m", policy="Orphan")
    passes = 'casemate_reconcile_total{result="noop"}'
    seen, before = operator.metric(passes), api.own_writes()
    # The test plays the garbage collector: it takes the references away, then the finalizer.
    api.patch("Deployment", namespace, "m", {"metadata": {"ownerReferences": None}})
    eventually(lambda: operator.metric(passes) > seen, "the edit was never looked at")
    assert api.own_writes() == before, "a deployment on its way out is not repaired"

    api.patch("ModelDeployment", namespace, "m", {"metadata": {"finalizers": None}})

    for kind, name in (("Deployment", "m"), ("Service", "m"), ("NetworkPolicy", "m-allow")):
        gone = partial(api.get, kind, namespace, name)
        eventually(lambda g=gone: g() is None, f"{kind} {name} stayed")  # type: ignore[misc]


def test_a_namespace_on_its_way_out_is_waited_for_and_no_failure(
    api: Api, operator: Operator, namespace: str
) -> None:
    create(api, namespace)
    waited = 'casemate_reconcile_total{result="waiting"}'
    before = operator.metric(waited)
    # No controller here ends namespaces: this one stays as it is while it is being deleted.
    api.client.request("DELETE", f"/api/v1/namespaces/{namespace}")

    api.delete("Service", namespace, "m")

    eventually(lambda: operator.metric(waited) > before, "it does not wait")
    assert f"{namespace}/m is stalled" not in operator.log.read_text()
    assert api.get("Service", namespace, "m") is None
    assert ready(api, namespace)["reason"] == "Progressing"
    # Later tests count writes: nothing that is tried again and again may stay.
    api.delete("ModelDeployment", namespace, "m")
    eventually(lambda: api.get("Deployment", namespace, "m") is None, "the Deployment stayed")
