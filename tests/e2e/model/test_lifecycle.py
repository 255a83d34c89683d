"""What happens to a deployment over its life, with a real kubelet and garbage collector."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from demo import callers, deploy
from demo.callers import CA_FILE, HEADERS
from demo.cluster import Cluster
from e2e.model.conftest import CONTAINER_SECURITY, POD_SECURITY, Probe, without_operator
from images.steps import Built
from support.enclaves import Enclave

NAMESPACE = "lifecycle"
PARTS = "deployments,replicasets,pods,services,networkpolicies,poddisruptionbudgets"
ENGINE = """
import http.server, json, os, signal
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
class Engine(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        size = os.path.getsize(os.environ["CASEMATE_MODEL_PATH"])
        body = json.dumps({"object": "list", "data": [{"id": str(size), "object": "model"}]})
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())
http.server.HTTPServer(("127.0.0.1", 8000), Engine).serve_forever()
"""
"""An engine on a loopback port that tells how large the weights are that it was given."""


@pytest.fixture(scope="module")
def namespace(cluster: Cluster) -> Iterator[str]:
    labels = {"pod-security.kubernetes.io/enforce": "restricted", "casemate.dev/enclave": "true"}
    meta = {"name": NAMESPACE, "labels": labels}
    document = {"apiVersion": "v1", "kind": "Namespace", "metadata": meta}
    cluster.kubectl("apply", "--filename=-", stdin=json.dumps(document))
    callers.allow(cluster, NAMESPACE)
    yield NAMESPACE
    cluster.kubectl("delete", "namespace", NAMESPACE, "--timeout=90s")


def _small(name: str, built: dict[str, Built], **changed: Any) -> str:
    spec = {
        "model": {
            "name": name,
            "supplier": "huggingface",
            "source": {
                "oci": {"image": built["model-smollm2"].reference, "path": "model.gguf"},
            },
        },
        "engine": {
            "image": built["client"].reference,
            "command": ["python3.11", "-c", ENGINE],
            "port": 8000,
        },
        "agreementRef": {"name": "logistics-2026"},
        "use": "logistics-optimization",
        "owner": {"name": "Test office", "contact": "test office"},
        "access": {
            "clients": [
                {
                    "namespaceSelector": {
                        "matchLabels": {"kubernetes.io/metadata.name": deploy.CLIENTS}
                    }
                }
            ]
        },
        **changed,
    }
    document = {
        "apiVersion": "casemate.dev/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": spec,
    }
    return json.dumps(document)


def _apply(cluster: Cluster, document: str) -> None:
    cluster.kubectl("apply", "--filename=-", stdin=document)


def _wait_ready(cluster: Cluster, name: str) -> None:
    wait = ("wait", f"md/{name}", "--for=condition=Ready", "--timeout=90s")
    cluster.kubectl("--namespace", NAMESPACE, *wait)


def _parts(cluster: Cluster, name: str) -> list[str]:
    selector = f"--selector=casemate.dev/model-deployment={name}"
    return cluster.kubectl("--namespace", NAMESPACE, "get", PARTS, selector, "-oname").split()


def test_an_engine_on_a_loopback_port_serves_weights_from_a_claim(
    cluster: Cluster, built: dict[str, Built], namespace: str, probe: Probe
) -> None:
    cluster.kubectl("apply", "--filename=-", stdin=json.dumps(_claim()))
    _fill(cluster, built)
    source = {"claim": {"name": "weights", "path": "models/tiny.bin"}}
    model = {"name": "claimed", "supplier": "huggingface", "source": source}
    _apply(cluster, _small("claimed", built, model=model))
    _wait_ready(cluster, "claimed")

    url = f"https://claimed.{namespace}.svc/v1/models"
    read = f"import ssl, urllib.request as u; r = u.Request({url!r}, headers={HEADERS}); "
    read += f"trust = ssl.create_default_context(cafile={CA_FILE!r}); "
    read += "print(u.urlopen(r, context=trust).read().decode())"
    answer = cluster.execute(deploy.CLIENTS, "analyst", "client", "python3.11", "-c", read)

    assert answer["data"][0]["id"] == "12345"
    pods = cluster.get("--namespace", namespace, "pods", "-lcasemate.dev/model-deployment=claimed")
    direct = f"{pods['items'][0]['status']['podIP']}:8000"
    assert probe("analyst", "tcp", direct)["result"] != "open"


def test_scaling_and_suspending_follow_the_spec_and_say_so(
    cluster: Cluster, enclave: Enclave, built: dict[str, Built], namespace: str
) -> None:
    _apply(cluster, _small("scaled", built))
    _wait_ready(cluster, "scaled")
    assert not [part for part in _parts(cluster, "scaled") if "disruption" in part]

    cluster.kubectl("--namespace", namespace, "scale", "md/scaled", "--replicas=2")
    enclave.eventually(lambda: _serving(cluster, "scaled") == 2, "never two pods", 60)
    assert [part for part in _parts(cluster, "scaled") if "disruption" in part]

    suspend = ("patch", "md/scaled", "--type=merge", '--patch={"spec":{"suspend":true}}')
    cluster.kubectl("--namespace", namespace, *suspend)
    enclave.eventually(lambda: _reason(cluster, "scaled") == "Suspended", "never suspended", 60)
    kept = _parts(cluster, "scaled")
    assert not [part for part in kept if part.startswith("pod/")]
    assert [part for part in kept if "networkpolicy" in part]


def _serving(cluster: Cluster, name: str) -> int:
    status = cluster.get("--namespace", NAMESPACE, "md", name)["status"]
    return int(status["readyReplicas"]) if _reason(cluster, name) == "Serving" else 0


def _reason(cluster: Cluster, name: str) -> str:
    found = cluster.get("--namespace", NAMESPACE, "md", name)
    conditions = found["status"]["conditions"]
    return str(next(c["reason"] for c in conditions if c["type"] == "Ready"))


def test_the_status_says_why_a_pod_does_not_start(
    cluster: Cluster, enclave: Enclave, built: dict[str, Built], namespace: str
) -> None:
    missing = built["client"].reference.partition("@")[0] + f"@sha256:{'0' * 64}"
    _apply(cluster, _small("broken", built, engine={"image": missing}))

    def message() -> str:
        found = cluster.get("--namespace", namespace, "md", "broken").get("status", {})
        return " ".join(c["message"] for c in found.get("conditions", []) if c["type"] == "Ready")

    enclave.eventually(lambda: "cannot be pulled" in message(), "the status never said why", 60)
    assert f"engine: image {missing}" in message()


def test_deleting_leaves_nothing_even_with_the_operator_gone(
    cluster: Cluster, enclave: Enclave, built: dict[str, Built], namespace: str
) -> None:
    _apply(cluster, _small("leaving", built))
    _wait_ready(cluster, "leaving")
    assert len(_parts(cluster, "leaving")) >= 5, "control: the parts are there"

    with without_operator(cluster):
        cluster.kubectl("--namespace", namespace, "delete", "md/leaving", "--timeout=30s")
        enclave.eventually(lambda: not _parts(cluster, "leaving"), "something stayed", 60)


def _claim() -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "weights", "namespace": NAMESPACE},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "10Mi"}},
        },
    }


def _fill(cluster: Cluster, built: dict[str, Built]) -> None:
    """Writes 12,345 bytes onto the claim, from a pod that then ends."""
    write = "import os; os.makedirs('/data/models', exist_ok=True); "
    write += "open('/data/models/tiny.bin', 'wb').write(b'x' * 12345)"
    container = {
        "name": "fill",
        "image": built["client"].reference,
        "command": ["python3.11", "-c", write],
        "securityContext": CONTAINER_SECURITY,
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "fill", "namespace": NAMESPACE},
        "spec": {
            "restartPolicy": "Never",
            "activeDeadlineSeconds": 300,
            "securityContext": {**POD_SECURITY, "fsGroup": 65532},
            "containers": [container],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "weights"}}],
        },
    }
    cluster.kubectl("apply", "--filename=-", stdin=json.dumps(pod))
    done = ("wait", "pod/fill", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s")
    cluster.kubectl("--namespace", NAMESPACE, *done)
