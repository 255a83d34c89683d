"""`kubectl casemate audit collect`: copies of every warden's log and of the terms, by kubectl.

It takes the right to run programs in the wardens' pods, so the cluster's administrator does it.
What they change on the way, an inspection finds.
"""

import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, cast

from casemate.audit.bundle import BundleError
from casemate.cli import wardens

TERMS = "agreements.json"
"""The present terms, beside the copies; those of the past are within them."""
_FOLDERS = ("segments/", "terms/", "contents/", "witnessed/", "peers/")
_FILES = ("cosigned",)
_PARTS = ("signed", "log")
"""What replicas signed is copied first, of all: it must not know of records that a copy lacks."""


def collect(kubectl: Sequence[str], namespace: str, out: Path) -> list[str]:
    """Copy all logs into a folder.

    Args:
        kubectl: The program, and options that say which cluster.
        namespace: Where the wardens run.
        out: A folder that does not exist yet.

    Returns:
        Names of the pods whose logs were copied, each to a folder of its name.

    Raises:
        BundleError: kubectl failed, or there is no warden.
        OSError: A file cannot be written.
    """
    pods = wardens.pods(kubectl, namespace)
    terms = wardens.said([*kubectl, "get", "usageagreements", "-o", "json"])
    out.mkdir(parents=True, mode=0o700)
    (out / TERMS).write_bytes(terms)
    for part in _PARTS:
        for pod in pods:
            options = (f"--log={wardens.LOG}", f"--part={part}")
            command = wardens.within(kubectl, namespace, pod, "warden-copy", *options)
            _copy(command, out / pod)
    return pods


def _copy(command: Sequence[str], folder: Path) -> None:
    trouble = ""
    with tempfile.TemporaryFile() as told:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=told) as running:  # noqa: S603  no shell
            try:
                unpack(cast("IO[bytes]", running.stdout), folder)
            except tarfile.TarError as error:
                running.kill()
                trouble = f" ({error})"
        told.seek(0)
        if running.returncode or trouble:
            raise BundleError("", wardens.why(command, told.read()) + trouble)


def unpack(stream: IO[bytes], folder: Path) -> None:
    """Unpack plain files that a copy has, and nothing else: a pod says what is in the tar.

    Raises:
        BundleError: Something else is in it.
        tarfile.TarError: It is no tar, or is cut short.
    """
    with tarfile.open(fileobj=stream, mode="r|") as tar:
        for member in tar:
            name = member.name
            known = name in _FILES or (name.startswith(_FOLDERS) and name.count("/") == 1)
            plain = member.isreg() and known
            if not plain or name.endswith(("/..", "/.", "/")):
                raise BundleError(name, "is nothing that a warden's copy has")
            tar.extract(member, folder, filter="data")
