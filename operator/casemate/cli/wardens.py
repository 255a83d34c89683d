"""The wardens of a cluster, by kubectl: which there are, and how a program runs in one of them."""

import json
import subprocess
from collections.abc import Sequence
from typing import Any

from casemate.audit.bundle import BundleError

_SELECTOR = "app.kubernetes.io/name=casemate-warden"
_PYTHON = ("python3.11", "-m", "casemate")
LOG = "/var/lib/casemate/log"
"""Folder of the log in the container."""
CONTROL = "/var/run/casemate/control/warden.sock"
"""Socket of the warden there."""


def pods(kubectl: Sequence[str], namespace: str) -> list[str]:
    """Return the names of the wardens' pods.

    Raises:
        BundleError: kubectl failed, or there is none.
    """
    named = ("get", "pods", "-n", namespace, "-l", _SELECTOR, "-o", "json")
    found: dict[str, Any] = json.loads(said([*kubectl, *named]))
    names = sorted(one["metadata"]["name"] for one in found["items"])
    if not names:
        raise BundleError("", f"no warden runs in namespace {namespace}")
    return names


def within(
    kubectl: Sequence[str], namespace: str, pod: str, program: str, *given: str
) -> list[str]:
    """Return the command that runs one of Casemate's programs in a warden's container.

    Args:
        kubectl: The program, and options that say which cluster.
        namespace: Where the wardens run.
        pod: Which.
        program: As `casemate` names it.
        given: Its options, in this order: the API server looks at the first ones.
    """
    into = ("exec", "-n", namespace, pod, "-c", "warden", "--")
    return [*kubectl, *into, *_PYTHON, program, *given]


def done(command: Sequence[str]) -> "subprocess.CompletedProcess[bytes]":
    """Run a command to its end, whatever its exit status.

    Raises:
        BundleError: There is no such program.
    """
    try:
        return subprocess.run(command, capture_output=True, check=False)  # noqa: S603  no shell
    except OSError as error:
        raise BundleError("", f"{command[0]}: {error.strerror}") from error


def said(command: Sequence[str]) -> bytes:
    """Return what a command prints.

    Raises:
        BundleError: It failed.
    """
    ran = done(command)
    if ran.returncode:
        raise BundleError("", why(command, ran.stderr))
    return ran.stdout


def why(command: Sequence[str], told: bytes) -> str:
    """Return why a command failed, as it said itself."""
    lines = told.decode(errors="replace").strip().splitlines() or ["it did not say why"]
    return f"{' '.join(command[:1])} failed: {lines[-1]}"
