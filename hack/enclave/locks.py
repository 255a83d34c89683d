"""File locks: two runs never build, start or remove the same thing at once."""

import fcntl
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from enclave.errors import EnclaveError


@contextmanager
def held(path: Path, *, what: str) -> Iterator[None]:
    """Hold an exclusive lock on a file; the kernel drops it when the process ends, however.

    Args:
        path: Lock file, created with its folders when missing.
        what: What the lock guards, in words for a user who has to wait.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting: another process is {what}", flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextmanager
def enclave(name: str) -> Iterator[None]:
    """Be the only process that brings this enclave up or down.

    The lock is a name in the abstract socket space: it leaves no file and ends with the process.

    Raises:
        EnclaveError: Another process is at it.
    """
    with socket.socket(socket.AF_UNIX) as lock:
        try:
            lock.bind(f"\0casemate-enclave/{name}")
        except OSError as error:
            raise EnclaveError(
                f"another process is bringing enclave {name} up or down: wait for it, or end it"
            ) from error
        yield
