"""The CRD as users meet it: names, columns, defaults, scale and selectable fields."""

import json
from typing import Any

import pytest

from api.crd.cluster import Cluster, Kubectl
from unit.api.cases import SPEC, changed

READY = {
    "type": "Ready",
    "status": "True",
    "observedGeneration": 1,
    "lastTransitionTime": "2026-01-02T03:04:05Z",
    "reason": "Serving",
    "message": "2 of 2 pods serve",
}


@pytest.fixture(scope="module")
def plain(cluster: Cluster) -> dict[str, Any]:
    """Return the smallest deployment as stored, with no operator about."""
    return cluster.create("plain", SPEC)


@pytest.fixture(scope="module")
def serving(cluster: Cluster) -> dict[str, Any]:
    """Return a deployment with the status that an operator would write."""
    spec = changed("use", "planning", changed("model.supplier", "other-lab"))
    cluster.create("serving", changed("replicas", 2, spec))
    status = {
        "observedGeneration": 1,
        "conditions": [READY],
        "permittedUntil": "2027-06-01T00:00:00Z",
        "replicas": 2,
        "readyReplicas": 2,
        "selector": "casemate.dev/deployment=serving",
        "url": "https://serving.crd-tests.svc:8443/v1",
    }
    return cluster.write_status("serving", status)


def test_the_schema_is_structural_and_the_names_are_accepted(installed: dict[str, Any]) -> None:
    conditions = {each["type"]: each["status"] for each in installed["status"]["conditions"]}
    assert conditions == {"Established": "True", "NamesAccepted": "True"}


@pytest.mark.parametrize("name", ["md", "modeldeployment", "casemate", "all"])
def test_it_is_found_by_short_name_singular_and_categories(
    kubectl: Kubectl, cluster: Cluster, plain: dict[str, Any], name: str
) -> None:
    found = kubectl.run("get", name, "-n", cluster.namespace, "-o", "name")
    assert f"modeldeployment.casemate.dev/{plain['metadata']['name']}" in found.splitlines()


def test_defaults_are_visible_down_to_the_nested_ones(plain: dict[str, Any]) -> None:
    spec = plain["spec"]
    assert (spec["replicas"], spec["suspend"]) == (1, False)
    assert spec["access"] == {"clients": [], "egress": [], "dns": False}
    assert spec["engine"]["resources"] == {}


def test_a_default_inside_an_object_that_is_given_fires_too(cluster: Cluster) -> None:
    stored = cluster.create("nested", changed("access", {}) | {"replicas": 0}, dry_run="All")
    assert stored["spec"]["access"] == {"clients": [], "egress": [], "dns": False}
    assert stored["spec"]["replicas"] == 0


def test_a_new_object_that_no_operator_saw_does_not_look_current(
    kubectl: Kubectl, cluster: Cluster, plain: dict[str, Any]
) -> None:
    assert plain["status"] == {"observedGeneration": -1}
    assert plain["metadata"]["generation"] == 1
    read = kubectl.run("get", "md", "plain", "-n", cluster.namespace, "-o", "json")
    assert json.loads(read)["status"] == {"observedGeneration": -1}


def test_an_author_cannot_write_the_status(cluster: Cluster) -> None:
    body = {"metadata": {"name": "claimed"}, "status": {"observedGeneration": 1}}
    target = cluster._target()
    cluster.create("claimed", SPEC)
    patched = cluster.objects.patch_namespaced_custom_object(**target, name="claimed", body=body)
    assert patched["status"] == {"observedGeneration": -1}


def test_kubectl_wait_does_not_return_for_an_edit_that_nobody_saw(
    kubectl: Kubectl, cluster: Cluster, serving: dict[str, Any]
) -> None:
    wait = ("wait", "--for=condition=Ready", "-n", cluster.namespace, "md/serving")
    assert serving["metadata"]["generation"] == 1
    kubectl.run(*wait, "--timeout=10s")
    edit = json.dumps({"spec": {"owner": {"name": "Another Office"}}})
    kubectl.run("patch", "md", "serving", "-n", cluster.namespace, "--type=merge", "-p", edit)
    waited = kubectl.attempt(*wait, "--timeout=1s")
    assert waited.returncode == 1
    assert "timed out" in waited.stderr


def test_one_line_says_what_it_is_how_it_is_and_who_owns_it(
    kubectl: Kubectl, cluster: Cluster, serving: dict[str, Any]
) -> None:
    table = kubectl.run("get", "md", serving["metadata"]["name"], "-n", cluster.namespace)
    head, row = table.splitlines()
    assert head.split() == [
        *("NAME", "READY", "REASON", "MODEL", "SUPPLIER"),
        *(
            "AGREEMENT",
            "USE",
            "UNTIL",
            "ISOLATED",
            "GUARDED",
            "SERVING",
            "REPLICAS",
            "OWNER",
            "AGE",
        ),
    ]
    assert row.split()[:10] == [
        *("serving", "True", "Serving", "smollm2", "other-lab", "harbour"),
        *("planning", "2027-06-01T00:00:00Z", "2", "2"),
    ]


def test_the_wide_line_adds_address_and_message(
    kubectl: Kubectl, cluster: Cluster, serving: dict[str, Any]
) -> None:
    name = serving["metadata"]["name"]
    head, row = kubectl.run("get", "md", name, "-n", cluster.namespace, "-o", "wide").splitlines()
    assert head.split()[-2:] == ["URL", "MESSAGE"]
    assert "https://serving.crd-tests.svc:8443/v1" in row
    assert row.rstrip().endswith("2 of 2 pods serve")


def test_kubectl_scale_sets_the_replicas_and_an_autoscaler_finds_the_pods(
    kubectl: Kubectl, cluster: Cluster
) -> None:
    cluster.create("scaled", SPEC)
    cluster.write_status("scaled", {"replicas": 1, "selector": "app=x"})
    kubectl.run("scale", "md", "scaled", "-n", cluster.namespace, "--replicas=3")
    path = f"/apis/casemate.dev/v1alpha1/namespaces/{cluster.namespace}/modeldeployments/scaled"
    scale = json.loads(kubectl.run("get", "--raw", f"{path}/scale"))
    assert scale["spec"] == {"replicas": 3}
    assert scale["status"] == {"replicas": 1, "selector": "app=x"}


def test_scaling_beyond_the_limit_is_refused(kubectl: Kubectl, cluster: Cluster) -> None:
    cluster.create("overscaled", SPEC)
    scale = ("scale", "md", "overscaled", "-n", cluster.namespace)
    kubectl.run(*scale, "--replicas=1000")
    refused = kubectl.attempt(*scale, "--replicas=1001")
    assert refused.returncode == 1
    assert "less than or equal to 1000" in refused.stderr


@pytest.mark.parametrize("selector", ["spec.model.supplier=other-lab", "spec.use=planning"])
def test_deployments_are_selected_by_supplier_and_by_use(
    cluster: Cluster, plain: dict[str, Any], serving: dict[str, Any], selector: str
) -> None:
    assert {plain["metadata"]["name"], "serving"} <= set(cluster.listed())
    assert cluster.listed(field_selector=selector) == [serving["metadata"]["name"]]


def test_conditions_are_keyed_by_type(cluster: Cluster) -> None:
    cluster.create("keyed", SPEC)
    cluster.write_status("keyed", {"conditions": [READY, READY | {"type": "Available"}]})
    with pytest.raises(Exception, match="Duplicate value"):
        cluster.write_status("keyed", {"conditions": [READY, READY]})


def test_kubectl_explain_gives_the_docstrings(kubectl: Kubectl, cluster: Cluster) -> None:
    assert cluster.listed() is not None
    text = kubectl.run("explain", "modeldeployments.spec.engine.port")
    assert "for engines that know no" in text
