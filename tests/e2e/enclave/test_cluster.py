"""The enclave's cluster works: images, storage, names, metrics."""

import json
import urllib.request
from collections.abc import Callable

from support.enclaves import Enclave

MakePod = Callable[..., None]
CLAIM = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "data"},
    "spec": {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Mi"}},
    },
}
VOLUME = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
MOUNT = {"name": "data", "mountPath": "/data"}


def sh(enclave: Enclave, namespace: str, pod: str, *command: str) -> str:
    return enclave.kubectl("--namespace", namespace, "exec", pod, "--", "/busybox", *command)


def test_a_pod_runs_from_an_image_in_the_registry(
    enclave: Enclave, namespace: str, make_pod: MakePod
) -> None:
    make_pod("runner")
    assert sh(enclave, namespace, "runner", "echo", "hello") == "hello\n"


def test_data_on_a_claim_survives_the_pod_and_goes_with_the_claim(
    enclave: Enclave, namespace: str, make_pod: MakePod
) -> None:
    enclave.apply({**CLAIM, "metadata": {"name": "data", "namespace": namespace}})
    unprivileged = {"runAsUser": 65532, "runAsNonRoot": True}
    spec = {"volumes": [VOLUME], "mounts": [MOUNT], "securityContext": unprivileged}
    make_pod("writer", **spec)
    sh(enclave, namespace, "writer", "sh", "-c", "echo kept > /data/file")
    enclave.kubectl("--namespace", namespace, "delete", "pod", "writer")
    make_pod("reader", **spec)
    assert sh(enclave, namespace, "reader", "cat", "/data/file") == "kept\n"

    claim = enclave.get("--namespace", namespace, "persistentvolumeclaim", "data")
    folder = enclave.layout.state / "volumes" / claim["spec"]["volumeName"]
    assert (folder / "file").read_text() == "kept\n"
    enclave.kubectl("--namespace", namespace, "delete", "pod", "reader")
    enclave.kubectl("--namespace", namespace, "delete", "persistentvolumeclaim", "data")
    enclave.eventually(lambda: not folder.exists(), f"{folder} outlived its claim")


def test_a_pod_resolves_cluster_names_and_no_others(
    enclave: Enclave, namespace: str, make_pod: MakePod
) -> None:
    make_pod("resolver")
    script = "/busybox nslookup {} || echo unresolved"
    for name, expected in (
        ("kubernetes.default.svc.cluster.local", "10.96.0.1"),
        ("name.invalid", "unresolved"),
    ):
        answer = sh(enclave, namespace, "resolver", "sh", "-c", script.format(name))
        assert expected in answer


def test_prometheus_scrapes_annotated_pods_and_answers_the_host(enclave: Enclave) -> None:
    url = f"http://{enclave.layout.node_address}:9090/api/v1/query?query=up"

    def scraped() -> bool:
        with urllib.request.urlopen(url, timeout=5) as answer:
            results = json.load(answer)["data"]["result"]
        pods = {item["metric"]["pod"]: item["value"][1] for item in results}
        return any(pod.startswith("coredns-") and value == "1" for pod, value in pods.items())

    enclave.eventually(scraped, "no sample of CoreDNS reached Prometheus")


def test_the_node_has_the_pinned_version_and_is_the_only_one(enclave: Enclave) -> None:
    nodes = enclave.get("nodes")["items"]
    assert [node["metadata"]["name"] for node in nodes] == [enclave.name]
    assert nodes[0]["status"]["nodeInfo"]["kubeletVersion"] == "v1.37.2"
