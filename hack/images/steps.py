"""Layers and images as cached build steps."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from images import cache, oci, rootfs
from images.command import ImageError

REGISTRY = "registry.enclave.local"
HERE = Path(__file__).parent
LAYER = "layer.tar"


@dataclass(frozen=True)
class Step:
    """One cached layer.

    Attributes:
        name: Shown as progress and used as the cache's shelf.
        inputs: All that the layer depends on; equal inputs share one build.
        fill: Adds the layer's files to a root file system and says below which folder they are.
        below: The layer that must lie under it while it is filled.
    """

    name: str
    inputs: tuple[str | Path, ...]
    fill: Callable[[Path, Path], str]
    below: "Step | None" = None

    def key(self) -> str:
        """Digest everything that the layer depends on, the code that makes it included."""
        code = [HERE / name for name in ("oci.py", "rootfs.py", "wheels.py")]
        return cache.key(self.below.key() if self.below else "", *code, *self.inputs)

    def build(self, entry: Path) -> None:
        """Make the layer: ``layer.tar`` and its digest, in an empty folder."""
        if self.below is None:
            tree = entry / "tree"
            tree.mkdir()
            self._pack(tree, entry)
            return
        base, _ = self.below.cached()
        with rootfs.overlay(base / "tree", entry) as tree:
            self._pack(tree, entry)

    def cached(self) -> tuple[Path, bool]:
        """Return the layer's folder, building it if need be, and whether it was built."""
        return cache.cached(self.name, self.key(), self.build)

    def _pack(self, tree: Path, entry: Path) -> None:
        work = entry / "work"
        work.mkdir()
        blob = oci.write_layer(tree, entry / LAYER, self.fill(tree, work))
        (entry / "layer.json").write_text(json.dumps({"digest": blob.digest, "size": blob.size}))


@dataclass(frozen=True)
class Image:
    """An image: a name here, a repository in a registry, layers bottom first, run-time settings."""

    name: str
    repository: str
    layers: tuple[Step, ...]
    config: oci.Config

    def key(self) -> str:
        """Digest the layers' inputs and the settings."""
        return cache.key(*(step.key() for step in self.layers), repr(self.config), HERE / "oci.py")

    def layout(self) -> Path:
        """Return the finished OCI layout.

        Raises:
            ImageError: It has not been built from the present sources.
        """
        path = cache.root() / self.name / self.key()
        if not path.is_dir():
            raise ImageError(
                f"image {self.name} is not built: run python -m images build {self.name}"
            )
        return path

    def reference(self) -> str:
        """Return the reference that manifests pin inside an enclave."""
        return f"{REGISTRY}/{self.repository}@{oci.read_digest(self.layout())}"
