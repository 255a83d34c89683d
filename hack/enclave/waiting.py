"""Wait for a state with a deadline and a message that says what did not happen."""

import time
from collections.abc import Callable

from enclave.errors import EnclaveError

_POLL_SECONDS = 0.2


def until(
    condition: Callable[[], bool],
    seconds: float,
    message: str | Callable[[], str],
    every: float = _POLL_SECONDS,
) -> None:
    """Wait until a condition holds.

    Args:
        condition: Looked at again and again; what it raises ends the waiting.
        seconds: How long to wait.
        message: What to say when it never held; a function is asked then, not before.
        every: Seconds between two looks.

    Raises:
        EnclaveError: The condition did not hold in time.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            text = message if isinstance(message, str) else message()
            raise EnclaveError(f"after {seconds:.0f} s: {text}")
        time.sleep(every)
