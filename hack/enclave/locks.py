"""File locks: two runs never build, start or remove the same thing at once."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from enclave.errors import EnclaveError


@contextmanager
def held(path: Path, *, what: str, wait: bool = True) -> Iterator[None]:
    """Hold an exclusive lock on a file; the kernel drops it when the process ends, however.

    Args:
        path: Lock file, created with its folders when missing.
        what: What the lock guards, in words for the user.
        wait: Whether to wait for another holder or to refuse.

    Raises:
        EnclaveError: Another process holds the lock and `wait` is false.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not wait:
                raise EnclaveError(
                    f"another process is busy with {what}: wait for it to end, or end it, and retry"
                ) from None
            print(f"waiting: another process is busy with {what}", flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
