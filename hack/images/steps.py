"""Layers and images as cached build steps."""

import json
import shutil
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
        code = [HERE / name for name in ("catalog.py", "oci.py", "rootfs.py", "wheels.py")]
        return cache.key(self.below.key() if self.below else "", *code, *self.inputs)

    def cached(self) -> tuple[Path, bool]:
        """Return the layer's folder, building it if need be, and whether it was built.

        Raises:
            ImageError: It could not be built, or its inputs changed meanwhile.
        """
        key = self.key()

        def build(entry: Path) -> None:
            self._build(entry)
            if self.key() != key:
                raise ImageError(f"files of {self.name} changed during its build: run it again")

        return cache.cached(self.name, key, build)

    def _build(self, entry: Path) -> None:
        if self.below is None:
            tree = entry / "tree"
            tree.mkdir()
            self._pack(tree, entry)
            return
        base, _ = self.below.cached()
        with rootfs.overlay(base / "tree", entry) as tree:
            self._pack(tree, entry)

    def _pack(self, tree: Path, entry: Path) -> None:
        work = entry / "work"
        work.mkdir()
        blob = oci.write_layer(tree, entry / LAYER, self.fill(tree, work))
        shutil.rmtree(work)
        (entry / "layer.json").write_text(json.dumps({"digest": blob.digest, "size": blob.size}))


@dataclass(frozen=True)
class Image:
    """An image: a name here, a repository in a registry, layers bottom first, run-time settings."""

    name: str
    repository: str
    layers: tuple[Step, ...]
    config: oci.Config


@dataclass(frozen=True)
class Built:
    """A finished image.

    Attributes:
        image: What it was built from.
        layout: Its OCI layout in the cache.
        digest: Of its manifest.
    """

    image: Image
    layout: Path
    digest: str

    @property
    def reference(self) -> str:
        """The reference that manifests pin inside an enclave."""
        return f"{REGISTRY}/{self.image.repository}@{self.digest}"
