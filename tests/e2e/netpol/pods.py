"""Real pods, probed from inside their network: no exec, so it works with the API server down."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from e2e.netpol.lab import SILENCE, entered
from support.enclaves import Enclave


@dataclass(frozen=True)
class RealPod:
    """A running pod.

    Attributes:
        address: Its IP address.
        network: File that names its network namespace.
    """

    address: str
    network: Path

    def stream(self) -> socket.socket:
        """Make a TCP socket inside the pod."""
        return self._socket(socket.SOCK_STREAM)

    def datagrams(self) -> socket.socket:
        """Make a UDP socket inside the pod."""
        return self._socket(socket.SOCK_DGRAM)

    def _socket(self, kind: int) -> socket.socket:
        with entered(self.network):
            made = socket.socket(socket.AF_INET, kind)
        made.settimeout(SILENCE)
        return made

    @contextmanager
    def listening(self, port: int) -> Iterator[socket.socket]:
        """Accept TCP connections."""
        with self.stream() as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind(("0.0.0.0", port))
            server.listen()
            yield server

    def connects(self, address: str, port: int) -> bool:
        """Tell whether a TCP handshake completes."""
        with self.stream() as client:
            try:
                client.connect((address, port))
            except TimeoutError:
                return False
            return True


def network_of(uid: str) -> Path:
    """Return the network namespace of a pod, by way of any process in its cgroup."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if uid in (process / "cgroup").read_text():
                return process / "ns" / "net"
        except OSError:
            continue  # it has ended since it was listed
    raise LookupError(f"no process of pod {uid}")


def running(enclave: Enclave, namespace: str, name: str) -> RealPod:
    """Wait until a pod is ready and return it."""
    enclave.wait(namespace, f"pod/{name}", "condition=Ready")
    found = enclave.get("pod", name, "--namespace", namespace)
    return RealPod(found["status"]["podIP"], network_of(found["metadata"]["uid"]))


def manifest(name: str, namespace: str, image: str) -> dict[str, Any]:
    """Return a pod that does nothing, labelled with its name."""
    container = {"name": "main", "image": image, "command": ["/busybox", "sleep", "infinity"]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 0},
    }


def policy(namespace: str, app: str, **spec: Any) -> dict[str, Any]:
    """Return a policy for the pod of that name."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": app, "namespace": namespace},
        "spec": {"podSelector": {"matchLabels": {"app": app}}, **spec},
    }


def opens(enclave: Enclave, path: Callable[[], bool]) -> None:
    """Wait until a path lets something through."""
    enclave.eventually(path, "the path stays closed", 10)


def closes(enclave: Enclave, path: Callable[[], bool]) -> None:
    """Wait until a path lets nothing through."""
    enclave.eventually(lambda: not path(), "the path stays open", 10)
