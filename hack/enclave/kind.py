"""The kind provider: the same enclave in containers, where a Docker engine answers.

kind needs an uplink while it makes a cluster, so the node loses its default route afterwards, and
cluster DNS its upstream. NetworkPolicy is enforced by kind's default network, always.
"""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from enclave import parts, paths
from enclave.addons import MANIFESTS
from enclave.commands import run, succeeds
from enclave.errors import EnclaveError
from enclave.health import Part, api_part
from enclave.layout import OUTSIDE_ADDRESS, POD_RANGE, REGISTRY_NAME, REGISTRY_PORT
from enclave.servers import SERVICE_RANGE

_REGISTRY_IMAGE = "registry:3"
_CERTS = "/etc/containerd/certs.d"
_OUTSIDE_RANGE = "203.0.113.0/24"
_ANSWER = r"printf 'HTTP/1.1 200 OK\r\nContent-Length: 8\r\nConnection: close\r\n\r\noutside\n'"


def node(name: str) -> str:
    """Return the node's container."""
    return f"{name}-control-plane"


def cluster_config() -> dict[str, Any]:
    """Return kind's cluster configuration."""
    patch = f'[plugins."io.containerd.cri.v1.images".registry]\nconfig_path = "{_CERTS}"\n'
    return {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "networking": {"podSubnet": POD_RANGE, "serviceSubnet": SERVICE_RANGE},
        "containerdConfigPatches": [patch],
        "nodes": [{"role": "control-plane"}],
    }


def registry_hosts(name: str) -> str:
    """Return where the node's runtime finds the enclave's registry."""
    address = f"http://{name}-registry:{REGISTRY_PORT}"
    return f'server = "{address}"\n\n[host."{address}"]\ncapabilities = ["pull", "resolve"]\n'


def registry_container(name: str, storage: Path) -> list[str]:
    """Return the command that starts the registry, on the cluster's network and on loopback."""
    publish = ["--network", "kind", "--publish", f"127.0.0.1::{REGISTRY_PORT}"]
    volume = ["--volume", f"{storage}:/var/lib/registry"]
    start = ["docker", "run", "--detach", "--name", f"{name}-registry"]
    return [*start, *publish, *volume, _REGISTRY_IMAGE]


def outside_containers(name: str, image: str) -> list[list[str]]:
    """Return the commands that make the outside world and give the node a link to it."""
    outside = f"{name}-outside"
    serve = (
        "socat TCP-LISTEN:7,fork,reuseaddr EXEC:cat & socat UDP-LISTEN:7,fork EXEC:cat &"
        f' exec socat TCP-LISTEN:80,fork,reuseaddr SYSTEM:"{_ANSWER}"'
    )
    container = ["docker", "run", "--detach", "--name", outside, "--network", outside]
    shell = ["--ip", OUTSIDE_ADDRESS, "--entrypoint", "/bin/sh", image, "-c", serve]
    return [
        ["docker", "network", "create", "--internal", "--subnet", _OUTSIDE_RANGE, outside],
        [*container, *shell],
        ["docker", "network", "connect", outside, node(name)],
    ]


def cut_off(name: str) -> list[str]:
    """Return the command that takes the node's uplink away."""
    route = ["ip", "route", "replace", "unreachable", "default"]
    return ["docker", "exec", node(name), *route]


def available() -> bool:
    """Tell whether a Docker engine answers."""
    return shutil.which("docker") is not None and succeeds(["docker", "version"])


def exists(name: str) -> bool:
    """Tell whether there is anything of the enclave, healthy or not."""
    return _state(name).exists()


def up(name: str, *, network_policy: bool = True, api_flags: Sequence[str] = ()) -> None:
    """Bring the enclave up, or complete one that runs.

    Raises:
        EnclaveError: No engine answers, one of its steps failed, or an option is not to be had.
    """
    if not available():
        raise EnclaveError("no Docker engine answers: start one, or use --provider node")
    if not network_policy or api_flags:
        raise EnclaveError(
            "the kind provider always enforces NetworkPolicy and sets the API server up itself:"
            " use --provider node for --no-network-policy and --api-server-flag"
        )
    parts.ensure(["kind", "kubernetes"])
    _state(name).mkdir(parents=True, exist_ok=True)
    if not _running(node(name)):
        create = ["create", "cluster", "--name", name, "--config", "-", "--wait", "180s"]
        target = ["--kubeconfig", str(kubeconfig(name))]
        run([_kind(), *create, *target], text=json.dumps(cluster_config()))
    _wire_registry(name)
    if not _running(f"{name}-outside"):
        image = run(["docker", "inspect", "--format", "{{.Config.Image}}", node(name)]).strip()
        for command in outside_containers(name, image):
            run(command)
    run(cut_off(name))
    names = f"--filename={MANIFESTS / '05-names.yaml'}"
    kubectl = [str(parts.path_of("kubectl")), f"--kubeconfig={kubeconfig(name)}"]
    run([*kubectl, "apply", "--server-side", "--force-conflicts", names])


def _wire_registry(name: str) -> None:
    if not _running(f"{name}-registry"):
        run(registry_container(name, paths.cache() / "registry"))
    folder = f"{_CERTS}/{REGISTRY_NAME}"
    script = f"mkdir -p {folder} && cat > {folder}/hosts.toml"
    hosts = registry_hosts(name)
    run(["docker", "exec", "--interactive", node(name), "sh", "-c", script], text=hosts)


def down(name: str) -> bool:
    """Remove everything of an enclave; tells whether there was anything."""
    if not exists(name):
        return False
    parts.ensure(["kind"])
    run([_kind(), "delete", "cluster", "--name", name])
    succeeds(["docker", "rm", "--force", f"{name}-registry", f"{name}-outside"])
    succeeds(["docker", "network", "rm", f"{name}-outside"])
    shutil.rmtree(_state(name))
    return True


def status(name: str) -> Sequence[Part]:
    """Return what runs and what does not."""
    containers = (node(name), f"{name}-registry", f"{name}-outside")
    found = [
        Part(container, healthy=_running(container), detail="container") for container in containers
    ]
    return [*found, api_part(kubeconfig(name))]


def kubeconfig(name: str) -> Path:
    """Return the administrator's kubeconfig."""
    return _state(name) / "kubeconfig"


def registry(name: str) -> str:
    """Return where the registry takes images, as HOST:PORT."""
    return run(["docker", "port", f"{name}-registry", str(REGISTRY_PORT)]).split()[0]


def _state(name: str) -> Path:
    return paths.cache() / "kind" / name


def _kind() -> str:
    return str(parts.path_of("kind"))


def _running(container: str) -> bool:
    """Tell whether a container exists and runs."""
    names = run(["docker", "ps", "--format", "{{.Names}}"])
    return container in names.splitlines()
