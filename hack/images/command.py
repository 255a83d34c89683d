"""Start programs, and turn what goes wrong into one message that can be acted on."""

import os
import shutil
import subprocess
from pathlib import Path

_PACKAGE_OF = {"chroot": "coreutils", "cp": "coreutils", "apt-get": "apt"}


class ImageError(Exception):
    """An image could not be built or pushed; the message says why and what to do."""


def run(
    program: str,
    *arguments: str,
    env: dict[str, str] | None = None,
    cwd: Path | None = None,
) -> str:
    """Run a program to its end and return what it printed.

    Args:
        program: Name on PATH.
        arguments: As they are; no shell is involved.
        env: Added to this process's environment.
        cwd: Working directory; default this process's.

    Raises:
        ImageError: It is not installed, or it failed; carries the end of its output.
    """
    if shutil.which(program) is None:
        package = _PACKAGE_OF.get(program, program)
        raise ImageError(f"{program} is not installed: apt-get install {package}, then retry")
    done = subprocess.run(
        [program, *arguments],
        env={**os.environ, **(env or {})},
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        tail = "\n".join((done.stderr or done.stdout).strip().splitlines()[-15:])
        raise ImageError(f"{Path(program).name} failed with exit code {done.returncode}:\n{tail}")
    return done.stdout
