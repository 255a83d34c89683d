"""One release from installation to removal, in the order of its life."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from support.charts import CHART, DIGEST, Helm
from support.enclaves import Enclave
from support.terms import AGREEMENT, agreement, terms

ACCOUNT = "system:serviceaccount:casemate-system:casemate-operator"
CRD = "crd/modeldeployments.casemate.dev"


@pytest.fixture(scope="module")
def namespace(enclave: Enclave) -> Iterator[str]:
    name = f"chart-{uuid.uuid4().hex[:8]}"
    labels = {"casemate.dev/enclave": "true", "pod-security.kubernetes.io/enforce": "restricted"}
    enclave.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    )
    yield name
    enclave.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="module", autouse=True)
def release(
    enclave: Enclave, cluster_helm: Helm, system: str, operator_digest: str
) -> Iterator[None]:
    upgrade(enclave, cluster_helm, system, operator_digest)
    enclave.apply(*terms())
    known = ("wait", "--for=condition=Ready", "--timeout=30s")
    enclave.kubectl(*known, f"usageagreement/{AGREEMENT}", "supplier/open-lab")
    yield
    cluster_helm.run("uninstall", "casemate", f"--namespace={system}", "--ignore-not-found")


def upgrade(enclave: Enclave, helm: Helm, system: str, digest: str, *more: str) -> None:
    address = f"{enclave.layout.node_address}/32"
    cidrs = f"--set=networkPolicy.apiServer.cidrs={{10.96.0.1/32,{address}}}"
    where = [f"--namespace={system}", "--wait", "--timeout=90s"]
    chart = ["upgrade", "--install", "casemate", str(CHART), f"--set=image.digest={digest}", cidrs]
    helm.run(*chart, *where, *more)


def suspended(namespace: str, name: str) -> dict[str, Any]:
    """A ModelDeployment that needs no image to be pulled."""
    image = f"registry.enclave.local/none@{DIGEST}"
    source = {"oci": {"image": image, "path": "model.gguf"}}
    return {
        "apiVersion": "casemate.dev/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "model": {"name": name, "supplier": "open-lab", "source": source},
            "engine": {"image": image},
            "agreementRef": {"name": AGREEMENT},
            "use": "logistics-optimization",
            "owner": {"name": "Test", "contact": "test@example.org"},
            "suspend": True,
        },
    }


def deploy(enclave: Enclave, body: dict[str, Any]) -> None:
    """Apply what names the terms; admission knows them a moment after the operator."""
    enclave.eventually(lambda: accepted(enclave, body), "the terms were never known")


def accepted(enclave: Enclave, body: dict[str, Any]) -> bool:
    try:
        enclave.apply(body)
    except AssertionError as error:
        if "is known; accepted: " in str(error):
            return False
        raise
    return True


def has_child(enclave: Enclave, namespace: str, name: str) -> bool:
    found = enclave.get("--namespace", namespace, "deployments")["items"]
    return name in {one["metadata"]["name"] for one in found}


def rounds(enclave: Enclave, system: str) -> list[str]:
    """What each pod of the operator says of the upgrade that made it."""
    pods = enclave.get("--namespace", system, "pods", "-lapp.kubernetes.io/name=casemate")["items"]
    return [pod["metadata"]["annotations"].get("example.org/round", "") for pod in pods]


def may(enclave: Enclave, verb: str, resource: str, *where: str) -> bool:
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": ACCOUNT, "resourceAttributes": attributes(verb, resource, *where)},
    }
    arguments = ["create", "--filename=-", "--output=json"]
    answer = json.loads(enclave.kubectl(*arguments, stdin=json.dumps(review)))
    return bool(answer["status"]["allowed"])


def attributes(verb: str, resource: str, namespace: str = "", name: str = "") -> dict[str, str]:
    kind, _, group = resource.partition(".")
    kind, _, sub = kind.partition("/")
    named = {"verb": verb, "resource": kind, "group": group, "subresource": sub}
    return {**named, "namespace": namespace, "name": name}


def test_the_installed_operator_serves_deployments(enclave: Enclave, namespace: str):
    deploy(enclave, suspended(namespace, "first"))
    enclave.eventually(
        lambda: has_child(enclave, namespace, "first"), "no Deployment was made for the first"
    )


def test_the_operator_may_do_its_work_and_no_more(enclave: Enclave, system: str):
    group = "casemate.dev"
    assert may(enclave, "list", f"modeldeployments.{group}")
    assert may(enclave, "patch", f"modeldeployments/status.{group}", "anywhere")
    assert not may(enclave, "patch", f"modeldeployments.{group}", "anywhere")
    assert not may(enclave, "delete", f"modeldeployments.{group}", "anywhere")
    assert may(enclave, "get", "secrets", system, "casemate-gateway-ca")
    assert not may(enclave, "get", "secrets", system, "another")
    assert not may(enclave, "list", "secrets", system)
    assert not may(enclave, "get", "secrets", "default", "casemate-gateway-ca")
    lease = "leases.coordination.k8s.io"
    assert may(enclave, "update", lease, system, "casemate-operator")
    assert not may(enclave, "update", lease, system, "another")
    assert not may(enclave, "update", lease, "kube-system", "casemate-operator")
    assert may(enclave, "get", "pods", "anywhere")
    assert not may(enclave, "create", "pods", "anywhere")
    assert not may(enclave, "create", "pods/exec", "anywhere")
    assert not may(enclave, "create", "clusterroles.rbac.authorization.k8s.io")


def test_prometheus_reaches_the_operator_and_other_pods_do_not(
    enclave: Enclave, system: str, namespace: str, tool_image: str
):
    pods = enclave.get("--namespace", system, "pods", "-lapp.kubernetes.io/name=casemate")
    address = pods["items"][0]["status"]["podIP"]
    enclave.eventually(
        lambda: scraped(enclave, f"{address}:8080"), f"Prometheus has nothing of {address}"
    )
    probe(enclave, namespace, tool_image)
    dns = enclave.get("--namespace=kube-system", "pods", "-lk8s-app=kube-dns")["items"][0]
    assert reaches(enclave, namespace, dns["status"]["podIP"], 53)
    assert not reaches(enclave, namespace, address, 8080)
    assert not reaches(enclave, namespace, address, 8081)


def scraped(enclave: Enclave, target: str) -> bool:
    proxy = "/api/v1/namespaces/monitoring/services/prometheus:9090/proxy/api/v1/targets"
    targets = json.loads(enclave.kubectl("get", "--raw", proxy))["data"]["activeTargets"]
    return any(target in one["scrapeUrl"] and one["health"] == "up" for one in targets)


def probe(enclave: Enclave, namespace: str, image: str) -> None:
    container = {
        "name": "main",
        "image": image,
        "command": ["/busybox", "sleep", "infinity"],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    enclave.apply(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "probe", "namespace": namespace},
            "spec": {
                "containers": [container],
                "terminationGracePeriodSeconds": 0,
                # What an enclave accepts beside models: a pod that ends.
                "restartPolicy": "Never",
                "activeDeadlineSeconds": 600,
            },
        }
    )
    enclave.wait(namespace, "pod/probe", "condition=Ready")


def reaches(enclave: Enclave, namespace: str, address: str, port: int) -> bool:
    nc = f"/busybox nc -w 2 {address} {port} </dev/null && echo open || echo closed"
    where = ["--namespace", namespace, "exec", "probe", "--"]
    return enclave.kubectl(*where, "/busybox", "sh", "-c", nc).strip() == "open"


def test_an_upgrade_replaces_the_operator_and_keeps_what_was_deployed(
    enclave: Enclave, cluster_helm: Helm, system: str, namespace: str, operator_digest: str
):
    enclave.apply(suspended(namespace, "kept"))
    before = enclave.get("--namespace", namespace, "md", "kept")["metadata"]["uid"]
    upgrade(
        enclave,
        cluster_helm,
        system,
        operator_digest,
        "--set-string=podAnnotations.example\\.org/round=two",
    )
    # The old ones have been replaced, but may take their time to end.
    enclave.eventually(lambda: rounds(enclave, system) == ["two", "two"], "an old pod stays", 60)
    assert enclave.get("--namespace", namespace, "md", "kept")["metadata"]["uid"] == before
    enclave.apply(suspended(namespace, "second"))
    enclave.eventually(
        lambda: has_child(enclave, namespace, "second"), "the new operator does not work"
    )


def test_uninstalling_keeps_the_crd_and_the_deployments_and_a_new_release_takes_them_over(
    enclave: Enclave, cluster_helm: Helm, system: str, namespace: str, operator_digest: str
):
    enclave.apply(suspended(namespace, "stays"))
    before = enclave.get("--namespace", namespace, "md", "stays")["metadata"]["uid"]
    cluster_helm.run("uninstall", "casemate", f"--namespace={system}", "--wait")
    assert enclave.get("--namespace", system, "deployments")["items"] == []
    enclave.kubectl("get", CRD)
    assert enclave.get("--namespace", namespace, "md", "stays")["metadata"]["uid"] == before
    enclave.apply(suspended(namespace, "orphan"))
    upgrade(enclave, cluster_helm, system, operator_digest)
    enclave.eventually(
        lambda: has_child(enclave, namespace, "orphan"),
        "the new release does not serve what was applied while there was no operator",
    )
    # Admission follows terms that are made after the policies came back.
    enclave.apply(agreement("after"))
    body = suspended(namespace, "after")
    body["spec"]["agreementRef"] = {"name": "after"}
    deploy(enclave, body)
