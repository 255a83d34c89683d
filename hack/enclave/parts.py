"""Build what is missing of the enclave's programs, once per version, outside the checkout.

`python -m enclave.parts FAMILY...` builds families by name; without names, all of them.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from enclave import locks, paths
from enclave.errors import EnclaveError
from enclave.families import FAMILIES, Binary, Family, all_binaries

_REPORT_SECONDS = 20


def folder(family: Family) -> Path:
    """Return the cache folder that holds the family's programs."""
    return paths.cache() / "bin" / f"{family.name}-{family.version}"


def path_of(name: str) -> Path:
    """Return where a program is or will be built, by its file name."""
    for family, binary in all_binaries():
        if binary.name == name:
            return folder(family) / name
    raise EnclaveError(f"no part named {name}: see the families in hack/enclave/families.py")


def digest(family: Family, binary: Binary) -> str:
    """Return a digest over everything in the checkout that decides what the program is."""
    sources = paths.PARTS / family.name
    content = hashlib.sha256(repr((family.flags(), binary)).encode())
    for source in sorted(sources.glob("go.*")) + sorted(sources.glob("*.go")):
        content.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    return content.hexdigest()


def is_built(family: Family, binary: Binary) -> bool:
    """Tell whether the cached program exists and was built from the present sources."""
    marker = folder(family) / f".{binary.name}.digest"
    built = (folder(family) / binary.name).is_file() and marker.is_file()
    return built and marker.read_text() == digest(family, binary)


def ensure(names: Iterable[str]) -> None:
    """Build every missing program of the named families.

    Raises:
        EnclaveError: A name is unknown, Go is missing or too old, or a build failed.
    """
    for name in names:
        if name not in FAMILIES:
            raise EnclaveError(f"unknown part {name!r}: choose from {', '.join(FAMILIES)}")
        family = FAMILIES[name]
        if all(is_built(family, binary) for binary in family.binaries):
            continue
        lock = paths.cache() / "bin" / f".{family.name}.lock"
        with locks.held(lock, what=f"building {family.name}"):
            _check_go(family)
            print(f"{name} {family.version}: not in the cache, so it is built once", flush=True)
            for binary in family.binaries:
                if not is_built(family, binary):
                    _build(family, binary)


def _environment() -> dict[str, str]:
    # Static programs; the installed toolchain, never one fetched on the quiet; go.sum decides.
    fixed = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    return {**os.environ, **fixed, "GOFLAGS": "-buildvcs=false -mod=readonly"}


def _check_go(family: Family) -> None:
    if not shutil.which("go"):
        raise EnclaveError("Go is not installed: install it and put `go` on PATH, then retry")
    found = subprocess.run(
        ["go", "env", "GOVERSION"], env=_environment(), capture_output=True, text=True, check=False
    ).stdout.strip()
    lines = (paths.PARTS / family.name / "go.mod").read_text().splitlines()
    needed = next(line.split()[1] for line in lines if line.startswith("go "))
    if _numbers(found.removeprefix("go")) < _numbers(needed):
        raise EnclaveError(f"{family.name} needs Go {needed} or newer, found {found or 'none'}")


def _numbers(version: str) -> tuple[int, ...]:
    release = version.partition("-")[0]
    return tuple(int(part) for part in release.split(".") if part.isdigit())


def _build(family: Family, binary: Binary) -> None:
    target = folder(family) / binary.name
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{binary.name}.unfinished")
    marker = target.with_name(f".{binary.name}.digest")
    verb = ["go", "test", "-c"] if binary.test else ["go", "build"]
    command = [*verb, "-v", *family.flags(), "-o", str(unfinished), binary.package]
    started = time.monotonic()
    _run(command, paths.PARTS / family.name, target.with_name(f".{binary.name}.log"), binary.name)
    marker.unlink(missing_ok=True)
    unfinished.rename(target)
    marker.write_text(digest(family, binary))
    print(f"  {binary.name} {family.version}: built in {time.monotonic() - started:.0f} s")


def _run(command: list[str], sources: Path, log: Path, name: str) -> None:
    started = time.monotonic()
    with log.open("w") as output:
        # The build dies with us: a killed `up` must not leave a compiler behind.
        build = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", *command],
            cwd=sources,
            env=_environment(),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        print(f"  {name}: building", flush=True)
        while True:
            try:
                code = build.wait(timeout=_REPORT_SECONDS)
                break
            except subprocess.TimeoutExpired:
                packages = len(log.read_text(errors="replace").splitlines())
                seconds = time.monotonic() - started
                print(f"  {name}: {packages} packages compiled, {seconds:.0f} s", flush=True)
    if code:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise EnclaveError(f"building {name} failed; the end of {log}:\n{tail}")


def main() -> int:
    """Build the families named on the command line."""
    parser = argparse.ArgumentParser(prog="python -m enclave.parts", description=__doc__)
    parser.add_argument("family", nargs="*", help=f"one of: {', '.join(FAMILIES)}")
    try:
        ensure(parser.parse_args().family or FAMILIES)
    except EnclaveError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
