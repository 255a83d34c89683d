"""A real language model behind its gateway, deployed as the examples do it."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from demo import callers, deploy
from demo.callers import CA_FILE
from demo.cluster import Cluster

Ask = Callable[..., dict[str, Any]]
Probe = Callable[..., dict[str, Any]]

SERVICE = callers.SERVICE
PROBE = (deploy.PROJECT / "hack" / "images" / "client" / "probe.py").read_text()


@pytest.fixture
def ask(cluster: Cluster) -> Ask:
    """Asks the model with the real `openai` package; returns the report of ask.py."""

    def call(
        *extra: str, pod: str = "analyst", ca: str = CA_FILE, key: str | None = None
    ) -> dict[str, Any]:
        words = ("--max-tokens", "16", *extra)
        return callers.ask(cluster, "Say something.", *words, pod=pod, ca=ca, key=key)

    return call


@pytest.fixture
def probe(cluster: Cluster) -> Probe:
    """Tries one connection from a pod; returns the report of probe.py."""

    def call(
        pod: str,
        kind: str,
        target: str,
        namespace: str = deploy.CLIENTS,
        container: str = "client",
    ) -> dict[str, Any]:
        report: dict[str, Any] = cluster.execute(
            *(namespace, pod, container, "python3.11", "-", "--timeout", "2", kind, target),
            stdin=PROBE,
        )
        return report

    return call


OURS = f"-lcasemate.dev/model-deployment={deploy.MODEL}"
"""Selects what belongs to the model of the examples."""

POD_SECURITY = {
    "runAsNonRoot": True,
    "runAsUser": 65532,
    "seccompProfile": {"type": "RuntimeDefault"},
}
CONTAINER_SECURITY = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
"""With this and the one above, a pod is `restricted` as Pod Security asks."""


def alive(cluster: Cluster) -> list[dict[str, Any]]:
    """The model's pods, but those on their way out."""
    pods = cluster.get("--namespace", deploy.MODELS, "pods", OURS)["items"]
    return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]


@pytest.fixture
def model_pod(cluster: Cluster) -> dict[str, Any]:
    """The model's one pod."""
    (found,) = [pod for pod in alive(cluster) if "ownerReferences" in pod["metadata"]]
    return found


@contextmanager
def without_operator(cluster: Cluster) -> Iterator[None]:
    """The operator is scaled to zero, and its pods have ended; they are back afterwards."""
    system = ("--namespace", deploy.SYSTEM)
    scale = (*system, "scale", "deployment/casemate-operator")
    cluster.kubectl(*scale, "--replicas=0")
    try:
        ended = ("--for=delete", "pod", "-lapp.kubernetes.io/name=casemate", "--timeout=60s")
        cluster.kubectl(*system, "wait", *ended)
        yield
    finally:
        cluster.kubectl(*scale, "--replicas=2")
        rollout = ("rollout", "status", "deployment/casemate-operator", "--timeout=60s")
        cluster.kubectl(*system, *rollout)


def gateway_process(pod: dict[str, Any]) -> int:
    """The gateway's process on the node."""
    return process_of(pod, "gateway")


def process_of(pod: dict[str, Any], program: str) -> int:
    """A process of a pod on the node: by its command line and the pod's UID."""
    uid = pod["metadata"]["uid"]
    for entry in Path("/proc").iterdir():
        try:
            command = (entry / "cmdline").read_bytes().split(b"\0")
            inside = uid in (entry / "cgroup").read_text()
        except OSError:
            continue
        if inside and program.encode() in command:
            return int(entry.name)
    raise AssertionError(f"no {program} runs in pod {pod['metadata']['name']}")


@contextmanager
def frozen(process: int) -> Iterator[None]:
    """Stops a process as a hang would, and lets it go on afterwards."""
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)
