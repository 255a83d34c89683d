import json
import tarfile
from pathlib import Path

import pytest

from images.steps import Built


@pytest.fixture(scope="session")
def unpack(built: dict[str, Built], tmp_path_factory: pytest.TempPathFactory):
    """Lay an image's layers over one another, as a container runtime would."""
    roots: dict[str, Path] = {}

    def lay(name: str) -> Path:
        if name not in roots:
            root = tmp_path_factory.mktemp(name)
            root.chmod(0o755)
            for layer in layers(built[name].layout):
                with tarfile.open(layer) as tar:
                    tar.extractall(root, filter="fully_trusted")
            roots[name] = root
        return roots[name]

    return lay


def layers(layout: Path) -> list[Path]:
    blobs = layout / "blobs" / "sha256"
    index = json.loads((layout / "index.json").read_text())
    manifest = json.loads((blobs / index["manifests"][0]["digest"][7:]).read_text())
    return [blobs / layer["digest"][7:] for layer in manifest["layers"]]
