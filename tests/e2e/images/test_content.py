import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

PYTHON_IMAGES = ["casemate", "engine-xllamacpp", "client"]
Unpack = Callable[[str], Path]


def files(root: Path) -> list[Path]:
    return [Path(folder, name) for folder, _, names in os.walk(root) for name in names]


def python(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["chroot", "--userspec=65532:65532", str(root), "/usr/bin/python3.11", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", PYTHON_IMAGES)
def test_an_image_runs_python_but_no_shell_and_nothing_at_start(name: str, unpack: Unpack):
    root = unpack(name)
    found = files(root)
    assert [path.name for path in (root / "usr/bin").iterdir()] == ["python3.11"]
    assert python(root, "-c", "import ssl, asyncio; print(1)").stdout == "1\n"
    hooks = [path for path in found if path.suffix == ".pth" or "customize" in path.name]
    assert hooks == []


@pytest.mark.parametrize("name", PYTHON_IMAGES)
def test_an_image_has_no_file_that_grants_rights_or_that_its_user_may_change(
    name: str, unpack: Unpack
):
    root = unpack(name)
    modes = {path: path.lstat().st_mode for path in files(root) if not path.is_symlink()}
    assert len(modes) > 1000
    special = stat.S_ISUID | stat.S_ISGID | stat.S_IWGRP | stat.S_IWOTH
    assert [path for path, mode in modes.items() if mode & special] == []


@pytest.mark.parametrize("name", PYTHON_IMAGES)
def test_links_of_the_merged_user_land_lead_somewhere(name: str, unpack: Unpack):
    root = unpack(name)
    for link in ("bin", "lib", "lib64", "sbin"):
        assert (root / link).is_symlink()
        assert (root / link).is_dir()
    assert (root / "lib64/ld-linux-x86-64.so.2").is_symlink()


@pytest.mark.parametrize("name", PYTHON_IMAGES)
def test_an_image_tells_scanners_its_packages_and_keeps_their_licences(name: str, unpack: Unpack):
    root = unpack(name)
    control = (root / "var/lib/dpkg/status.d/libssl3").read_text()
    assert control.startswith("Package: libssl3\n")
    assert (root / "usr/share/doc/libssl3/copyright").is_file()
    assert 'VERSION_ID="12"' in (root / "etc/os-release").read_text()


def test_our_image_knows_its_commands(unpack: Unpack):
    shown = python(unpack("casemate"), "-m", "casemate", "--help")
    assert shown.returncode == 0, shown.stderr
    assert "operator" in shown.stdout
    assert "gateway" in shown.stdout


def test_the_model_image_is_one_model_file(unpack: Unpack):
    (model,) = files(unpack("model-smollm2"))
    assert model.name == "model.gguf"
    assert model.read_bytes()[:4] == b"GGUF"
