"""Copy images into the enclave's registry."""

import json
from pathlib import Path

from enclave.commands import run
from enclave.errors import EnclaveError


def load(registry: str, images: list[str]) -> None:
    """Push OCI layouts, OCI archives or Docker archives.

    Args:
        registry: HOST:PORT of a registry on this machine that speaks HTTP.
        images: Each `PATH` or `PATH=REPOSITORY[:TAG]`; without a repository, the name that the
            layout itself carries, else the file's name.

    Raises:
        EnclaveError: A path holds no image, or the registry refused it.
    """
    for image in images:
        path, _, name = image.partition("=")
        source = _source(Path(path))
        target = f"{registry}/{name or _own_name(Path(path))}"
        copy = ["skopeo", "--insecure-policy", "copy", "--quiet", "--preserve-digests"]
        run([*copy, "--dest-tls-verify=false", source, f"docker://{target}"])
        print(f"loaded {path} as {target}")


def _source(path: Path) -> str:
    if (path / "index.json").is_file():
        return f"oci:{path}"
    if path.is_file():
        listing = run(["tar", "--list", "--file", path])
        kind = "docker" if "manifest.json" in listing.split() else "oci"
        return f"{kind}-archive:{path}"
    raise EnclaveError(f"{path} is neither an OCI layout nor an image archive: check the path")


def _own_name(path: Path) -> str:
    if path.is_file():
        return path.name.partition(".")[0]
    manifests = json.loads((path / "index.json").read_text())["manifests"]
    names = [item.get("annotations", {}) for item in manifests]
    return names[0].get("org.opencontainers.image.ref.name") or path.name if names else path.name
