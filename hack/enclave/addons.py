"""What runs inside the cluster from the start: cluster DNS, monitoring, a default StorageClass."""

import hashlib
import json
import re
import shutil
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from enclave import containerd, locks, parts, paths
from enclave.commands import run
from enclave.discovery import PORT as DISCOVERY_PORT
from enclave.kubeapi import KubeApi
from enclave.layout import METRICS_PORT, REGISTRY_NAME, Layout
from images import oci

DEPLOYMENTS = (("kube-system", "coredns"), ("monitoring", "prometheus"))
MANIFESTS = Path(__file__).parent / "manifests"


@dataclass(frozen=True)
class Addon:
    """One program packed as an image.

    Attributes:
        name: Name of the image.
        tag: Tag of the image; one for all versions, since a node imports only one.
        program: The program; what it is linked to goes into the image with it.
    """

    name: str
    tag: str
    program: Path

    def archive(self) -> Path:
        """Return the image's archive, packed when the cache lacks it."""
        found = self.program.stat()
        key = repr((self.name, self.tag, str(self.program), found.st_size, found.st_mtime_ns))
        digest = hashlib.sha256(key.encode()).hexdigest()[:16]
        folder = paths.cache() / "addons"
        target = folder / f"{self.name}-{digest}.tar"
        with locks.held(folder / f".{self.name}.lock", what=f"packing {self.name}"):
            if not target.is_file():
                for older in folder.glob(f"{self.name}-*.tar"):
                    older.unlink()
                self._pack(target)
        return target

    def _pack(self, target: Path) -> None:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".pack-") as temporary:
            work = Path(temporary)
            tree, layout = work / "tree", work / "layout"
            layout.mkdir()
            _copy(self.program, tree / self.name)
            for library in _libraries(self.program):
                _copy(library, tree / library.relative_to("/"))
            layer = oci.write_layer(tree, work / "layer")
            config = oci.Config(entrypoint=(f"/{self.name}",))
            oci.write_layout(layout, self.tag, [layer], config, "amd64")
            unfinished = work / "archive"
            with tarfile.open(unfinished, "w") as archive:
                archive.add(layout, ".")
            unfinished.rename(target)


def addons() -> list[Addon]:
    """Return the images that a node needs before its first pod."""
    prometheus = Path(shutil.which("prometheus") or "/usr/bin/prometheus")
    return [
        Addon("pause", "1", parts.path_of("pause")),
        Addon("coredns", "enclave", parts.path_of("coredns")),
        Addon("prometheus", "enclave", prometheus),
    ]


def import_images(layout: Layout) -> None:
    """Give the container runtime all addon images."""
    for addon in addons():
        name = f"{REGISTRY_NAME}/enclave/{addon.name}"
        containerd.import_image(layout, addon.archive(), name)


def apply(layout: Layout) -> None:
    """Apply all manifests; what is there already stays as it is."""
    files = [f"--filename={path}" for path in sorted(MANIFESTS.glob("*.yaml"))]
    run(
        [
            str(parts.path_of("kubectl")),
            f"--kubeconfig={layout.kubeconfig}",
            *("apply", "--server-side", "--force-conflicts", *files),
        ]
    )
    api = KubeApi.load(layout.kubeconfig)
    api.apply("/api/v1/namespaces/monitoring/services/prometheus", metrics_service(layout))
    api.apply("/api/v1/namespaces/monitoring/configmaps/prometheus", metrics_config(layout))


def metrics_service(layout: Layout) -> dict[str, Any]:
    """Return the Service that also answers the host, at the node's address."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "prometheus", "namespace": "monitoring"},
        "spec": {
            "selector": {"app.kubernetes.io/name": "prometheus"},
            "ports": [{"name": "web", "port": METRICS_PORT}],
            "externalIPs": [layout.node_address],
        },
    }


def metrics_config(layout: Layout) -> dict[str, Any]:
    """Return Prometheus' configuration: scrape what the discovery on the node names."""
    discovery = {
        "url": f"http://{layout.node_address}:{DISCOVERY_PORT}/",
        "refresh_interval": "5s",
    }
    document = {
        "global": {"scrape_interval": "5s"},
        "scrape_configs": [{"job_name": "pods", "http_sd_configs": [discovery]}],
    }
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "prometheus", "namespace": "monitoring"},
        "data": {"prometheus.yml": json.dumps(document)},
    }


def unavailable(api: KubeApi) -> list[str]:
    """Return the deployments that are not available, as NAMESPACE/NAME."""
    missing = []
    for namespace, name in DEPLOYMENTS:
        path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
        if not api.request("GET", path).get("status", {}).get("availableReplicas"):
            missing.append(f"{namespace}/{name}")
    return missing


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)


def _libraries(program: Path) -> list[Path]:
    """Return the files that the dynamic loader needs for a program, itself included."""
    with program.open("rb") as content:
        static = b"ld-linux" not in content.read(4096)
    if static:
        return []
    return [Path(found) for found in re.findall(r"(/\S+) \(0x", run(["ldd", program]))]
