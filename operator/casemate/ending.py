"""How programs are asked to end: a kubelet sends SIGTERM, a person at a terminal SIGINT."""

import asyncio
import signal
from collections.abc import Callable


def when_asked_to_end(act: Callable[[], object]) -> None:
    """Have the running loop call something on either signal, in place of what did so before."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, act)
