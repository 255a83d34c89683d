"""What the operator leaves alone, what it cannot have, and how it says so."""

import json
from functools import partial
from typing import Any

import pytest

from api.operator.test_children import create, ready
from enclave.kubeapi import ApiError
from support.admission import refuse
from support.operators import Api, Operator, eventually, model_deployment

SERVICE = {"spec": {"selector": {"app": "theirs"}, "ports": [{"port": 80}]}}
POD = {
    "metadata": {"labels": {"casemate.dev/model-deployment": "m"}},
    "spec": {"containers": [{"name": "theirs", "image": "theirs"}]},
}
DEPLOYMENT = {
    "spec": {
        "selector": {"matchLabels": {"casemate.dev/model-deployment": "m"}},
        "template": POD,
    }
}
"""Crafted to be merged with ours without a conflict."""
FOREIGN: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "a service": ("v1", "Service", "m", SERVICE),
    "a service without selector": ("v1", "Service", "m", {"spec": {"ports": [{"port": 443}]}}),
    "a bare account": ("v1", "ServiceAccount", "m-model", {}),
    "a deployment of the same selector": ("apps/v1", "Deployment", "m", DEPLOYMENT),
    "a policy": (
        "networking.k8s.io/v1",
        "NetworkPolicy",
        "m-allow",
        {"spec": {"podSelector": {}, "policyTypes": ["Ingress"]}},
    ),
}


def _reason(api: Api, namespace: str) -> str:
    return str(ready(api, namespace).get("reason", ""))


def _labels(api: Api, namespace: str) -> dict[str, str]:
    found = api.get("Deployment", namespace, "m") or {"metadata": {}}
    return dict(found["metadata"].get("labels", {}))


@pytest.mark.parametrize("what", FOREIGN)
@pytest.mark.parametrize(
    "labels", [{}, {"casemate.dev/model-deployment": "m"}], ids=["plain", "wearing our label"]
)
def test_an_object_of_somebody_else_is_left_as_it_was(
    api: Api, operator: Operator, namespace: str, what: str, labels: dict[str, str]
) -> None:
    version, kind, name, rest = FOREIGN[what]
    meta = {"name": name, "namespace": namespace, "labels": labels}
    before = api.create({"apiVersion": version, "kind": kind, "metadata": meta, **rest})

    create(api, namespace)

    eventually(lambda: _reason(api, namespace) == "NameConflict", "the conflict is not reported")
    found = api.get(kind, namespace, name)
    assert found is not None
    assert found["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
    assert f"{kind} {name} exists" in ready(api, namespace)["message"]
    if kind != "Deployment":
        assert api.get("Deployment", namespace, "m") is None, "nothing runs beside a conflict"

    api.delete(kind, namespace, name)
    api.patch("ModelDeployment", namespace, "m", {"metadata": {"labels": {"again": "1"}}})
    ours = {"app.kubernetes.io/managed-by": "casemate"}
    eventually(
        lambda: _labels(api, namespace).items() >= ours.items(), "control: it never recovered"
    )
    eventually(lambda: _reason(api, namespace) == "Progressing", "the conflict is still reported")


@pytest.fixture
def refusing(api: Api, namespace: str) -> str:
    """An admission policy of the cluster that refuses Deployments in one namespace."""
    end = refuse(api, namespace, "apps", "deployments", "no capacity was granted")
    eventually(lambda: _is_refused(api, namespace), "the policy never came into force")
    return end


def _is_refused(api: Api, namespace: str) -> bool:
    labels = {"matchLabels": {"a": "b"}}
    template = {
        "metadata": {"labels": {"a": "b"}},
        "spec": {"containers": [{"name": "c", "image": "c"}]},
    }
    body = {"metadata": {"name": "probe"}, "spec": {"selector": labels, "template": template}}
    try:
        api.client.request(
            "POST", f"/apis/apps/v1/namespaces/{namespace}/deployments?dryRun=All", body
        )
    except ApiError as error:
        assert error.status == 422  # noqa: PT017 - any other refusal is a broken test
        return True
    return False


def test_a_child_that_the_cluster_refuses_stalls_with_the_clusters_own_words(
    api: Api, operator: Operator, namespace: str, refusing: str
) -> None:
    create(api, namespace)

    condition = ready(api, namespace)
    assert condition["reason"] == "ApplyRefused"
    assert "no capacity was granted" in condition["message"]
    found = api.get("ModelDeployment", namespace, "m")
    assert found is not None
    types = {c["type"] for c in found["status"]["conditions"]}
    assert types == {"Ready", "Available", "NetworkIsolated", "NotStopped", "Stalled"}
    assert api.get("NetworkPolicy", namespace, "m-default-deny"), "the closed part is there"

    api.client.request("DELETE", refusing)

    def touched() -> bool:
        note = {"metadata": {"annotations": {"now": json.dumps(len(api.calls()))}}}
        api.patch("ModelDeployment", namespace, "m", note)
        return _reason(api, namespace) == "Progressing"

    eventually(touched, "it never recovered")


def test_a_refused_report_is_counted_and_tried_again_and_is_no_bug(
    api: Api, operator: Operator, namespace: str
) -> None:
    create(api, namespace)
    errors = 'casemate_reconcile_errors_total{{kind="{}"}}'.format
    stalled, bugs = operator.metric(errors("stalled")), operator.metric(errors("bug"))
    end = refuse(api, namespace, "casemate.dev", "modeldeployments/status", "read only today")
    status = {"observedGeneration": 1, "replicas": 1}

    def refused() -> bool:
        status["replicas"] += 1  # until the policy is in force, reports are accepted
        api.patch("Deployment", namespace, "m", {"status": status}, sub="status")
        return operator.metric(errors("stalled")) > stalled

    def told() -> bool:
        # Others are refused too, and counted in the same place.
        return refused() and "read only today" in operator.log.read_text()

    eventually(told, "the refusal is not counted, or not told")
    assert operator.metric(errors("bug")) == bugs

    api.client.request("DELETE", end)
    last = status["replicas"]

    def reported() -> bool:
        refused()
        found = api.get("ModelDeployment", namespace, "m")
        assert found is not None
        return bool(found["status"]["replicas"] > last)

    eventually(reported, "it never reported again")


def test_what_an_orphaning_deletion_leaves_is_removed(
    api: Api, operator: Operator, namespace: str
) -> None:
    create(api, namespace)
    create(api, namespace, "kept")
    left = partial(api.get, "Deployment", namespace, "m")
    assert left() is not None

    api.delete("ModelDeployment", namespace, "m", policy="Background")

    eventually(lambda: left() is None, "the Deployment runs without its ModelDeployment")
    for kind, name in (("Service", "m"), ("NetworkPolicy", "m-default-deny")):
        eventually(lambda k=kind, n=name: api.get(k, namespace, n) is None, f"{kind} stayed")  # type: ignore[misc]
    assert api.get("Deployment", namespace, "kept") is not None, "control: the other one stays"


def test_a_new_deployment_under_an_old_name_gets_new_children(
    api: Api, operator: Operator, namespace: str
) -> None:
    create(api, namespace)
    old = api.get("Deployment", namespace, "m")
    assert old is not None

    api.delete("ModelDeployment", namespace, "m")
    api.create(model_deployment("m", namespace))

    def renewed() -> bool:
        owner, child = (
            api.get("ModelDeployment", namespace, "m"),
            api.get("Deployment", namespace, "m"),
        )
        assert owner is not None
        if child is None or child["metadata"]["uid"] == old["metadata"]["uid"]:
            return False
        return bool(child["metadata"]["ownerReferences"][0]["uid"] == owner["metadata"]["uid"])

    eventually(renewed, "the new deployment has no child of its own")
