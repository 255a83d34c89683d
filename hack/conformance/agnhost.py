"""The image of upstream's test pods, made from the program of the same release.

The suite asks for it by a fixed name, so it goes straight into the node's image store under that
name: nothing is pulled.
"""

import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from conformance.errors import ConformanceError
from enclave import containerd, locks, parts, paths
from enclave.layout import Layout
from images import oci

_IMAGE = re.compile(r"(?P<name>\S+/e2e-test-images/agnhost):(?P<tag>\d+(\.\d+)+)")


def load(layout: Layout) -> None:
    """Give the enclave's node the image that this release of the suite asks for."""
    name, tag = _reference()
    containerd.import_image(layout, _archive(tag), name)


def _reference() -> tuple[str, str]:
    """Return name and tag; of the releases the suite knows, its own is the newest."""
    listing = subprocess.run(
        [parts.path_of("e2e.test"), "--list-images"], capture_output=True, text=True, check=True
    ).stdout
    found = [match for line in listing.splitlines() if (match := _IMAGE.fullmatch(line))]
    if not found:
        raise ConformanceError("the suite names no agnhost image: adapt hack/conformance/agnhost")
    newest = max(found, key=lambda match: [int(part) for part in match["tag"].split(".")])
    return newest["name"], newest["tag"]


def _archive(tag: str) -> Path:
    program = parts.path_of("agnhost")
    target = paths.cache() / "conformance" / f"agnhost-{tag}-{program.stat().st_mtime_ns}.tar"
    with locks.held(target.parent / ".agnhost.lock", what="packing agnhost"):
        if not target.is_file():
            for older in target.parent.glob("agnhost-*.tar"):
                older.unlink()
            _pack(program, tag, target)
    return target


def _pack(program: Path, tag: str, target: Path) -> None:
    busybox = shutil.which("busybox")
    if busybox is None:
        raise ConformanceError("busybox is missing: install Debian's busybox-static")
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".pack-") as temporary:
        work = Path(temporary)
        tree, layout = work / "tree", work / "layout"
        (tree / "bin").mkdir(parents=True)
        (tree / "tmp").mkdir(mode=0o1777)
        layout.mkdir()
        shutil.copy(program, tree / "agnhost")
        shutil.copy(busybox, tree / "bin" / "busybox")
        (tree / "bin" / "sh").symlink_to("busybox")
        layer = oci.write_layer(tree, work / "layer")
        machine = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
        config = oci.Config(entrypoint=("/agnhost",), command=("pause",), user="0:0")
        oci.write_layout(layout, tag, [layer], config, machine)
        with tarfile.open(work / "archive", "w") as archive:
            archive.add(layout, ".")
        (work / "archive").rename(target)
