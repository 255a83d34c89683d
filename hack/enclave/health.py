"""What of an enclave works, component by component."""

import http.client
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from enclave import addons, daemons, mounts
from enclave.errors import EnclaveError
from enclave.kubeapi import KubeApi
from enclave.layout import METRICS_PORT, REGISTRY_PORT, Layout

PROGRAMS = (
    mounts.ANCHOR,
    "outside",
    "registry",
    "containerd",
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "storage",
    "discovery",
    "kubelet",
)


@dataclass(frozen=True)
class Part:
    """One line of `status`.

    Attributes:
        name: Component.
        healthy: Whether it does its work, as far as can be seen.
        detail: What was seen; when not healthy, what to look at.
    """

    name: str
    healthy: bool
    detail: str


def components(layout: Layout) -> list[Part]:
    """Look at every component."""
    parts = [_program(layout, name) for name in PROGRAMS]
    return [*parts, _policy(layout), *_cluster(layout), *_ports(layout)]


def _program(layout: Layout, name: str) -> Part:
    if process := daemons.recall(layout.pid_file(name)):
        return Part(name, healthy=True, detail=f"pid {process.pid}")
    return Part(name, healthy=False, detail=f"not running, see {layout.log(name)}")


def _policy(layout: Layout) -> Part:
    name = "network-policy"
    if layout.netpol_off.exists():
        return Part(name, healthy=True, detail="switched off (--no-network-policy)")
    running = _program(layout, "netpol")
    if not running.healthy:
        return Part(name, healthy=False, detail=running.detail)
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(1)
            probe.connect(str(layout.netpol_socket))
            probe.sendall(b'{"op": "ping"}\n')
            in_force = b'"ok": true' in probe.recv(4096)
    except OSError:
        in_force = False
    detail = running.detail if in_force else f"rules are not in force, see {layout.log('netpol')}"
    return Part(name, healthy=in_force, detail=detail)


def _cluster(layout: Layout) -> Iterator[Part]:
    first = api_part(layout.kubeconfig)
    yield first
    if first.healthy:
        api = KubeApi.load(layout.kubeconfig)
        try:
            yield _node(layout, api)
            missing = addons.unavailable(api)
            yield Part("addons", healthy=not missing, detail=", ".join(missing) or "available")
        except (EnclaveError, OSError, http.client.HTTPException) as error:
            yield Part("cluster", healthy=False, detail=str(error))


def api_part(kubeconfig: Path) -> Part:
    """Return whether the API server is ready."""
    if not kubeconfig.is_file():
        return Part("api", healthy=False, detail="no kubeconfig yet: run up")
    try:
        KubeApi.load(kubeconfig).request("GET", "/readyz")
    except (EnclaveError, OSError, http.client.HTTPException) as error:
        return Part("api", healthy=False, detail=str(error))
    return Part("api", healthy=True, detail="ready")


def _node(layout: Layout, api: KubeApi) -> Part:
    node = api.request("GET", f"/api/v1/nodes/{layout.name}")
    conditions = {item["type"]: item for item in node["status"].get("conditions", [])}
    ready = conditions.get("Ready", {"status": "Unknown", "message": "the kubelet is silent"})
    return Part("node", healthy=ready["status"] == "True", detail=str(ready["message"]))


def _ports(layout: Layout) -> Iterator[Part]:
    for name, port in (("registry port", REGISTRY_PORT), ("metrics port", METRICS_PORT)):
        address = f"{layout.node_address}:{port}"
        try:
            socket.create_connection((layout.node_address, port), timeout=1).close()
        except OSError as error:
            yield Part(name, healthy=False, detail=f"{address}: {error}")
        else:
            yield Part(name, healthy=True, detail=address)
