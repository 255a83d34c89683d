"""Run the short-lived tools of the machine: ip, nft, skopeo, apt-get."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from enclave.errors import EnclaveError


def run(command: Sequence[str | Path], *, text: str | None = None, visible: bool = False) -> str:
    """Run a tool to its end and return what it printed.

    Args:
        command: Program and arguments. It is killed if we are, so that nothing is left behind.
        text: What it reads from standard input; nothing when None.
        visible: Whether its output goes to the user instead of being returned.

    Raises:
        EnclaveError: The tool failed; the message has its own words.
    """
    output = None if visible else subprocess.PIPE
    done = subprocess.run(
        ["setpriv", "--pdeathsig", "KILL", "--", *command],
        input=text or "",
        stdout=output,
        stderr=None if visible else subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        words = " ".join(str(word) for word in command)
        raise EnclaveError(f"`{words}` failed: {(done.stdout or '').strip()}")
    return done.stdout or ""


def succeeds(command: Sequence[str | Path]) -> bool:
    """Tell whether a tool succeeds, and drop what it prints."""
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
