"""What is made for a ModelDeployment, in which order, and at what price."""

from functools import partial
from typing import Any

import pytest

from support import certificates as by_hand
from support.operators import (
    Api,
    Operator,
    eventually,
    model_deployment,
    path,
)

CHILDREN = {
    ("NetworkPolicy", "m-default-deny"),
    ("NetworkPolicy", "m-allow"),
    ("ServiceAccount", "m-model"),
    ("Service", "m"),
    ("ConfigMap", "m-guard"),
    ("Deployment", "m"),
}


def ready(api: Api, namespace: str, name: str = "m") -> dict[str, Any]:
    """The Ready condition, or an empty one."""
    found = api.get("ModelDeployment", namespace, name) or {}
    conditions = found.get("status", {}).get("conditions", [])
    return next((c for c in conditions if c["type"] == "Ready"), {})


def complete(api: Api, namespace: str, name: str = "m") -> bool:
    """Whether a pass over the newest spec has reported."""
    found = api.get("ModelDeployment", namespace, name)
    assert found is not None
    return bool(found["status"]["observedGeneration"] == found["metadata"]["generation"])


def create(api: Api, namespace: str, name: str = "m", **spec: Any) -> None:
    """Makes a ModelDeployment and waits until the operator has reported on it."""
    api.create(model_deployment(name, namespace, **spec))
    eventually(partial(complete, api, namespace, name), f"no report on {namespace}/{name}")


def test_all_children_are_made_labelled_and_owned(
    api: Api, operator: Operator, namespace: str
) -> None:
    create(api, namespace)

    owner = api.get("ModelDeployment", namespace, "m")
    assert owner is not None
    for kind, name in CHILDREN:
        child = api.get(kind, namespace, name)
        assert child is not None, (kind, name)
        (reference,) = child["metadata"]["ownerReferences"]
        assert reference["uid"] == owner["metadata"]["uid"]
        assert reference["controller"]
        assert child["metadata"]["labels"]["casemate.dev/model-deployment"] == "m"


def test_the_network_is_closed_and_the_policy_there_before_the_deployment_exists(
    api: Api, operator: Operator, namespace: str
) -> None:
    create(api, namespace)

    made = [
        call["objectRef"]["resource"]
        for call in api.calls()
        if call["verb"] == "patch" and call["objectRef"].get("namespace") == namespace
    ]

    assert (made.count("networkpolicies"), made.count("configmaps")) == (2, 1)
    before = ("networkpolicies", "configmaps")
    last = max(index for index, kind in enumerate(made) if kind in before)
    assert last < made.index("deployments")


def test_creating_costs_one_write_a_child_and_at_most_two_more(
    api: Api, operator: Operator, namespace: str
) -> None:
    before = api.own_writes()
    create(api, namespace)

    spent = api.own_writes() - before

    assert spent.total() <= len(CHILDREN) + 2, spent
    assert spent["patch", "modeldeployments/status"] == 1


def calls(api: Api, namespace: str) -> int:
    """How much was asked for in a namespace; agreements are counted up in their own time."""
    return sum(one.get("objectRef", {}).get("namespace") == namespace for one in api.calls())


def edit_for_nothing(api: Api, operator: Operator, namespace: str, note: str) -> None:
    passes = 'casemate_reconcile_total{result="noop"}'
    seen = operator.metric(passes)
    api.patch("ModelDeployment", namespace, "m", {"metadata": {"annotations": {"note": note}}})
    eventually(lambda: operator.metric(passes) > seen, "the edit was never looked at")


def test_an_edit_that_changes_nothing_for_us_costs_no_request(
    api: Api, operator: Operator, namespace: str
) -> None:
    create(api, namespace)
    edit_for_nothing(api, operator, namespace, "until all of its making is over")
    before = calls(api, namespace)

    edit_for_nothing(api, operator, namespace, "x")

    assert calls(api, namespace) == before
    api.patch("ModelDeployment", namespace, "m", {"spec": {"replicas": 2}})
    eventually(lambda: calls(api, namespace) > before, "control: an edit of the spec costs some")


def _replicas(api: Api, namespace: str) -> int:
    deployment = api.get("Deployment", namespace, "m")
    assert deployment is not None
    return int(deployment["spec"]["replicas"])


def test_a_second_pod_brings_a_disruption_budget_and_one_pod_has_none(
    api: Api, operator: Operator, namespace: str
) -> None:
    create(api, namespace)
    budget = partial(api.get, "PodDisruptionBudget", namespace, "m")
    assert budget() is None

    api.patch("ModelDeployment", namespace, "m", {"spec": {"replicas": 2}}, sub="scale")
    eventually(lambda: budget() is not None, "no budget for two replicas")
    eventually(lambda: _replicas(api, namespace) == 2, "the Deployment has not grown")

    api.patch("ModelDeployment", namespace, "m", {"spec": {"replicas": 1}}, sub="scale")
    eventually(lambda: budget() is None, "the budget stayed with one replica")


def test_status_follows_what_the_deployment_reports_and_nothing_else(
    api: Api, operator: Operator, namespace: str
) -> None:
    create(api, namespace)
    assert ready(api, namespace)["status"] == "False"

    status = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1}
    serving = {**status, "readyReplicas": 1, "availableReplicas": 1}
    for reported, expected in ((status, "False"), (serving, "True"), (status, "False")):
        body = {"status": {"readyReplicas": None, "availableReplicas": None, **reported}}
        api.patch("Deployment", namespace, "m", body, sub="status")
        eventually(
            lambda e=expected: ready(api, namespace)["status"] == e,  # type: ignore[misc]
            f"Ready never became {expected}",
        )


def test_conditions_are_as_kstatus_reads_them(api: Api, operator: Operator, namespace: str) -> None:
    create(api, namespace)

    found = api.get("ModelDeployment", namespace, "m")
    assert found is not None
    conditions = {c["type"]: c for c in found["status"]["conditions"]}
    generation = found["metadata"]["generation"]

    terms = {"AgreementInForce", "SupplierPermitted", "CapacityGranted"}
    seen = {"NetworkIsolated", "GuardrailsEnforced", "NotStopped"}
    assert {"Ready", "Available", "Reconciling", *seen, *terms} == conditions.keys()
    assert {conditions[one]["reason"] for one in seen} == {"NoPods", "NotStopped"}
    assert {conditions[one]["status"] for one in terms} == {"True"}
    assert all(c["observedGeneration"] == generation for c in conditions.values())
    assert conditions["Reconciling"]["status"] == "True"
    assert found["status"]["selector"] == "casemate.dev/model-deployment=m"


@pytest.mark.parametrize(("kind", "name"), sorted(CHILDREN))
def test_every_child_passes_strict_validation(
    api: Api, operator: Operator, namespace: str, kind: str, name: str
) -> None:
    create(api, namespace)
    child = api.get(kind, namespace, name)
    assert child is not None
    for key in ("resourceVersion", "uid", "creationTimestamp", "managedFields", "generation"):
        child["metadata"].pop(key, None)
    child["metadata"]["name"] = f"{name}-copy"
    child.get("spec", {}).pop("clusterIP", None)
    child.get("spec", {}).pop("clusterIPs", None)
    target = f"{path(kind, namespace)}?dryRun=All&fieldValidation=Strict"

    accepted = api.client.request("POST", target, child)

    assert accepted["metadata"]["name"] == f"{name}-copy"


def _pod(api: Api, namespace: str, name: str) -> str:
    """Makes a pod as the cluster would of the Deployment; returns its UID."""
    deployment = api.get("Deployment", namespace, "m")
    assert deployment is not None
    made = by_hand.pod(api, namespace, name, by_hand.replica_set(api, namespace, deployment, name))
    return str(made["metadata"]["uid"])


def test_what_closes_the_network_stays_as_long_as_a_pod(
    api: Api, operator: Operator, namespace: str
) -> None:
    create(api, namespace)
    closed = partial(api.get, "NetworkPolicy", namespace, "m-default-deny")
    first = closed()
    assert first is not None
    (owner,) = first["metadata"]["ownerReferences"]

    def held_by(*uids: str) -> bool:
        found = closed()
        assert found is not None
        return [one["uid"] for one in found["metadata"]["ownerReferences"]] == [
            owner["uid"],
            *uids,
        ]

    # Their order is that of their names, which is not the one in which they come.
    later = _pod(api, namespace, "m-9")
    eventually(lambda: held_by(later), "it is not held by its pod")
    early = _pod(api, namespace, "m-1")
    eventually(lambda: held_by(early, later), "it is not held by both")
    written = closed()
    create(api, namespace, "other")
    assert closed() == written, "it is not written again and again"

    api.delete("ModelDeployment", namespace, "m", policy="Background")
    gone = partial(api.get, "Deployment", namespace, "m")
    eventually(lambda: gone() is None, "the Deployment runs without its ModelDeployment")
    assert closed() is not None
    api.delete("Pod", namespace, "m-1")
    api.delete("Pod", namespace, "m-9")
    eventually(lambda: closed() is None, "it stayed longer than its pods")
