import json
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from images import oci


@pytest.fixture
def tree(tmp_path: Path):
    root = tmp_path / "tree"
    (root / "usr/bin").mkdir(parents=True)
    (root / "usr/bin/tool").write_bytes(b"#!")
    (root / "usr/bin/tool").chmod(0o755)
    (root / "etc").mkdir()
    (root / "etc/b").write_text("b")
    (root / "etc/a").write_text("a")
    (root / "bin").symlink_to("usr/bin")
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)
    return root


def members(blob: oci.Blob) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(blob.path) as tar:
        return {info.name: info for info in tar.getmembers()}


def layout_of(tree: Path, where: Path) -> str:
    where.mkdir()
    layer = oci.write_layer(tree, where / "layer.tar")
    config = oci.Config(entrypoint=("tool",), env=("A=b",), annotations={"x": "y"})
    return oci.write_layout(where / "layout", "demo", [layer], config, "amd64")


def test_the_same_content_gives_the_same_digest_whatever_its_times_and_masks(
    tree: Path, tmp_path: Path
):
    first = layout_of(tree, tmp_path / "one")
    os.utime(tree / "etc/a", (1, 1))
    (tree / "etc/a").chmod(0o600)
    (tree / "etc").chmod(0o700)
    assert layout_of(tree, tmp_path / "two") == first
    (tree / "etc/a").write_text("changed")
    assert layout_of(tree, tmp_path / "three") != first


def test_a_layer_keeps_what_matters_of_modes_and_nothing_of_owners(tree: Path, tmp_path: Path):
    (tree / "usr/bin/tool").chmod(0o4755)
    os.chown(tree / "etc/a", 1234, 1234)
    found = members(oci.write_layer(tree, tmp_path / "layer.tar"))
    assert list(found) == sorted(found)
    assert found["usr/bin/tool"].mode == 0o755  # the set-user-ID bit is gone
    assert found["tmp"].mode == 0o1777
    assert found["bin"].issym()
    assert found["bin"].linkname == "usr/bin"
    assert {(info.uid, info.gid, info.mtime) for info in found.values()} == {(0, 0, oci.EPOCH)}


def test_a_layer_of_one_folder_holds_its_parents_and_nothing_beside_them(
    tree: Path, tmp_path: Path
):
    found = members(oci.write_layer(tree, tmp_path / "layer.tar", under="usr/bin"))
    assert list(found) == ["usr", "usr/bin", "usr/bin/tool"]


@pytest.mark.parametrize("under", ["empty", "missing"])
def test_a_layer_without_a_file_is_refused(tmp_path: Path, under: str):
    (tmp_path / "tree/empty").mkdir(parents=True)
    with pytest.raises(ValueError, match="empty or missing"):
        oci.write_layer(tmp_path / "tree", tmp_path / "layer.tar", under=under)


def test_pipes_and_sockets_are_refused(tree: Path, tmp_path: Path):
    os.mkfifo(tree / "etc/pipe")
    with pytest.raises(ValueError, match=r"etc/pipe is a device, socket or pipe"):
        oci.write_layer(tree, tmp_path / "layer.tar")


def test_an_independent_tool_reads_and_verifies_the_layout(tree: Path, tmp_path: Path):
    digest = layout_of(tree, tmp_path / "made")
    name = f"oci:{tmp_path}/made/layout:demo"
    shown = subprocess.run(["skopeo", "inspect", name], capture_output=True, check=True)
    facts = json.loads(shown.stdout)
    assert facts["Digest"] == digest == oci.read_digest(tmp_path / "made/layout")
    assert (facts["Architecture"], facts["Os"], facts["Env"]) == ("amd64", "linux", ["A=b"])
    copy = ["skopeo", "copy", "--preserve-digests", name, f"dir:{tmp_path}/copy"]
    assert subprocess.run(copy, capture_output=True, check=False).returncode == 0


def test_an_independent_tool_notices_a_changed_layer(tree: Path, tmp_path: Path):
    layout_of(tree, tmp_path / "made")
    blobs = tmp_path / "made/layout/blobs/sha256"
    largest = max(blobs.iterdir(), key=lambda path: path.stat().st_size)
    data = bytearray(largest.read_bytes())
    data[600] ^= 1
    largest.write_bytes(bytes(data))
    copy = ["skopeo", "copy", f"oci:{tmp_path}/made/layout:demo", f"dir:{tmp_path}/copy"]
    assert subprocess.run(copy, capture_output=True, check=False).returncode != 0
