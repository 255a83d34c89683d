"""Write OCI image layouts so that the same content always gives the same digest.

Layers are plain tar, not gzip: compressed bytes differ between zlib builds, and inside an enclave
the registry is one hop away. Names are sorted, times fixed, owners root, modes reduced to what
matters.
"""

import hashlib
import json
import os
import stat
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

EPOCH = 1767225600  # 2026-01-01T00:00:00Z, the time of every file and image
CREATED = "2026-01-01T00:00:00Z"

LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"


@dataclass(frozen=True)
class Blob:
    """A file of the layout, known by what is in it.

    Attributes:
        digest: ``sha256:`` and 64 hexadecimal digits.
        size: Bytes.
        path: Where the content lies until the layout links it.
    """

    digest: str
    size: int
    path: Path


@dataclass(frozen=True)
class Config:
    """What a runtime reads from the image; everything else is content."""

    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    user: str = "65532:65532"
    annotations: dict[str, str] = field(default_factory=dict)


class _Digester:
    """A write-only file that knows the digest and size of what went through it."""

    def __init__(self, sink: IO[bytes]) -> None:
        self._sink = sink
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        self._hash.update(data)
        self.size += len(data)
        return self._sink.write(data)

    @property
    def digest(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"


def write_layer(tree: Path, blob: Path, under: str = "") -> Blob:
    """Pack a directory into one layer.

    Args:
        tree: Root of the image's file system.
        blob: File to write.
        under: Relative folder; when given, only it and its parents are packed.

    Raises:
        ValueError: The folder is empty or holds something that an image cannot carry.
    """
    with blob.open("wb") as sink:
        digester = _Digester(sink)
        with tarfile.open(
            fileobj=digester,  # type: ignore[call-overload]  # a stream needs only write()
            mode="w|",
            format=tarfile.PAX_FORMAT,
            bufsize=1 << 20,
        ) as tar:
            _pack(tar, tree, under)
    return Blob(digester.digest, digester.size, blob)


def _pack(tar: tarfile.TarFile, tree: Path, under: str) -> None:
    top = tree / under
    names = sorted(path.relative_to(tree).as_posix() for path in _walk(top))
    if not names:
        raise ValueError(f"{top} is empty or missing: a layer must hold at least one file")
    parents = [parent.as_posix() for parent in reversed(Path(under).parents)][1:]
    for name in [*parents, *([under] if under else []), *names]:
        _add(tar, tree / name, name)


def _walk(top: Path) -> Iterator[Path]:
    for folder, directories, files in os.walk(top):
        for name in (*directories, *files):
            yield Path(folder) / name


def _add(tar: tarfile.TarFile, path: Path, name: str) -> None:
    info = tarfile.TarInfo(name)
    info.mtime = EPOCH
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode):
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, str(path.readlink()), 0o777
        tar.addfile(info)
    elif stat.S_ISDIR(found.st_mode):
        info.type = tarfile.DIRTYPE
        info.mode = 0o1777 if found.st_mode & stat.S_ISVTX else 0o755
        tar.addfile(info)
    elif stat.S_ISREG(found.st_mode):
        info.size = found.st_size
        info.mode = 0o755 if found.st_mode & stat.S_IXUSR else 0o644
        with path.open("rb") as content:
            tar.addfile(info, content)
    else:
        raise ValueError(f"{path} is a device, socket or pipe: images carry files and links only")


def write_layout(
    layout: Path,
    name: str,
    layers: list[Blob],
    config: Config,
    architecture: str,
) -> str:
    """Write a complete OCI layout with one image.

    Args:
        layout: Empty directory on the file system that holds the layers (they are hard-linked).
        name: Reference name inside the layout.
        layers: Bottom first.
        config: Run-time settings.
        architecture: As OCI names it, ``amd64`` or ``arm64``.

    Returns:
        The manifest's digest: what ``repository@`` pins.
    """
    blobs = layout / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    for layer in layers:
        target = blobs / layer.digest.removeprefix("sha256:")
        if not target.exists():
            os.link(layer.path, target)
    settings = _put(blobs, _config(layers, config, architecture))
    manifest = _put(
        blobs,
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": _descriptor(CONFIG_TYPE, settings),
            "layers": [_descriptor(LAYER_TYPE, layer) for layer in layers],
            "annotations": config.annotations,
        },
    )
    entry = _descriptor(MANIFEST_TYPE, manifest)
    entry["annotations"] = {"org.opencontainers.image.ref.name": name}
    entry["platform"] = {"architecture": architecture, "os": "linux"}
    _dump(
        layout / "index.json",
        {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [entry]},
    )
    _dump(layout / "oci-layout", {"imageLayoutVersion": "1.0.0"})
    return manifest.digest


def read_digest(layout: Path) -> str:
    """Return the manifest digest of the single image in a layout."""
    index = json.loads((layout / "index.json").read_bytes())
    return str(index["manifests"][0]["digest"])


def _config(layers: list[Blob], config: Config, architecture: str) -> dict[str, Any]:
    run: dict[str, Any] = {"User": config.user, "WorkingDir": "/"}
    if config.env:
        run["Env"] = list(config.env)
    if config.entrypoint:
        run["Entrypoint"] = list(config.entrypoint)
    if config.command:
        run["Cmd"] = list(config.command)
    return {
        "architecture": architecture,
        "os": "linux",
        "created": CREATED,
        "config": run,
        "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in layers]},
        "history": [{"created": CREATED, "created_by": "casemate hack/images"} for _ in layers],
    }


def _descriptor(media_type: str, blob: Blob) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": blob.digest, "size": blob.size}


def _put(blobs: Path, content: dict[str, Any]) -> Blob:
    data = _encode(content)
    digest = hashlib.sha256(data).hexdigest()
    path = blobs / digest
    path.write_bytes(data)
    return Blob(f"sha256:{digest}", len(data), path)


def _dump(path: Path, content: dict[str, Any]) -> None:
    path.write_bytes(_encode(content))


def _encode(content: dict[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
