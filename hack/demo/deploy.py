"""Install the chart with real helm, apply the examples, and wait until the model serves."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

from demo.cluster import Cluster
from demo.progress import DemoError, say
from enclave.waiting import until
from images.steps import Built

PROJECT = Path(__file__).resolve().parents[2]
SYSTEM = "casemate-system"
MODELS = "casemate-demo"
CLIENTS = "casemate-clients"
MODEL = "smollm2"
READY_SECONDS = 180
POLL_SECONDS = 0.3
_KNOWN_SECONDS = 90.0
_PLACEHOLDERS = {
    "ENGINE_IMAGE": "engine-xllamacpp",
    "MODEL_IMAGE": "model-smollm2",
    "CLIENT_IMAGE": "client",
}
_TAG_DIGITS = 12


def load_images(cluster: Cluster, images: Mapping[str, Built]) -> None:
    """Copy the images into the enclave's registry, under tags that name their digest."""
    for built in images.values():
        tag = built.digest.removeprefix("sha256:")[:_TAG_DIGITS]
        cluster.load(built.layout, f"{built.image.repository}:{tag}")
        say(f"{built.reference}")


def install(cluster: Cluster, operator: Built) -> None:
    """Install or upgrade the operator, in a namespace that enforces ``restricted``."""
    namespace = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": SYSTEM,
            "labels": {"pod-security.kubernetes.io/enforce": "restricted"},
        },
    }
    cluster.kubectl("apply", "--filename=-", stdin=json.dumps(namespace))
    cidrs = ",".join(f"{address}/32" for address in _api_addresses(cluster))
    out = cluster.helm(
        *("upgrade", "--install", "casemate", str(PROJECT / "charts" / "casemate")),
        *("--namespace", SYSTEM, "--wait", "--timeout", "90s"),
        *("--set", f"image.digest={operator.digest}"),
        *("--set", f"networkPolicy.apiServer.cidrs={{{cidrs}}}"),
    )
    say("\n".join(out.splitlines()[:6]))


def render_examples(images: Mapping[str, Built], pattern: str = "*.yaml") -> str:
    """Return the example manifests of such files with their image placeholders filled in."""
    values = {name: images[image].reference for name, image in _PLACEHOLDERS.items()}
    files = sorted((PROJECT / "examples").glob(pattern))
    return "\n".join(Template(path.read_text()).substitute(values) for path in files)


def apply_examples(cluster: Cluster, images: Mapping[str, Built]) -> None:
    """Apply the examples and wait, showing what happens, until everything in them serves.

    Raises:
        DemoError: It did not within the deadline.
    """
    say(cluster.kubectl("apply", "--filename=-", stdin=render_examples(images, "1*.yaml")))
    terms = ("usageagreement/logistics-2026", "supplier/huggingface")
    cluster.kubectl("wait", "--for=condition=Ready", "--timeout=30s", *terms)
    _apply_when_known(cluster, render_examples(images, "[234]*.yaml"))
    begin = time.monotonic()
    shown: list[str] = []
    while not _ready(cluster, shown, begin):
        if time.monotonic() - begin > READY_SECONDS:
            raise DemoError(
                f"{MODEL} is not Ready after {READY_SECONDS} s; it last said: {shown[-1]}"
            )
        time.sleep(POLL_SECONDS)
    say(f"from applied to Ready: {time.monotonic() - begin:.1f} s")
    pods = ["pod/analyst", "pod/stranger", "--for=condition=Ready", "--timeout=90s"]
    cluster.kubectl("--namespace", CLIENTS, "wait", *pods)
    # A newer gateway image replaces the pods of a deployment that was Ready all along.
    rollout = ["rollout", "status", f"deployment/{MODEL}", "--timeout=90s"]
    cluster.kubectl("--namespace", MODELS, *rollout)


def _apply_when_known(cluster: Cluster, manifests: str) -> None:
    """Apply what names the terms; the API server's admission knows them a moment after us."""
    until(
        lambda: _known(cluster, manifests),
        _KNOWN_SECONDS,
        "admission did not get to know the examples' terms",
        every=POLL_SECONDS,
    )


def _known(cluster: Cluster, manifests: str) -> bool:
    try:
        say(cluster.kubectl("apply", "--filename=-", stdin=manifests))
    except DemoError as error:
        if "is known; accepted: " in str(error):
            return False
        raise
    return True


def _ready(cluster: Cluster, shown: list[str], begin: float) -> bool:
    deployment = cluster.get("--namespace", MODELS, "modeldeployment", MODEL)
    text = f"{MODEL}: {_condition(deployment)}"
    pods = cluster.get("--namespace", MODELS, "pods", f"-lcasemate.dev/model-deployment={MODEL}")
    for line in (text, *(_pod(pod) for pod in pods["items"])):
        if line not in shown:
            shown.append(line)
            say(f"{time.monotonic() - begin:5.1f} s  {line}")
    status = deployment.get("status", {})
    current = status.get("observedGeneration") == deployment["metadata"]["generation"]
    return current and any(
        one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions", [])
    )


def _condition(deployment: dict[str, Any]) -> str:
    for condition in deployment.get("status", {}).get("conditions", []):
        if condition["type"] == "Ready":
            state = "Ready" if condition["status"] == "True" else "not ready"
            return f"{state}: {condition['reason']}: {condition.get('message', '')}"
    return "seen by nobody yet"


def _pod(pod: dict[str, Any]) -> str:
    status = pod.get("status", {})
    statuses = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
    states = []
    for container in statuses:
        (state, detail) = next(iter(container["state"].items()))
        ready = " and ready" if container["ready"] else ""
        states.append(f"{container['name']} {detail.get('reason') or state}{ready}")
    return f"pod {pod['metadata']['name']}: {', '.join(states) or status.get('phase', 'Pending')}"


def _api_addresses(cluster: Cluster) -> list[str]:
    """Return the API server's addresses, before and after Service translation."""
    service = cluster.get("--namespace=default", "service", "kubernetes")
    slices = cluster.get("--namespace=default", "endpointslices", "kubernetes")
    found = {address for one in slices["endpoints"] for address in one["addresses"]}
    return sorted({service["spec"]["clusterIP"], *found})
