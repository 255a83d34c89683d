"""Show a person that something happens, and how long it took."""

import time

_STARTED = time.monotonic()


def say(message: str) -> None:
    """Print what was reached, with the seconds since the program started."""
    print(f"  {time.monotonic() - _STARTED:5.1f} s  {message}", flush=True)
