"""Numbered steps that say what they do and how long they took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class DemoError(Exception):
    """The demonstration cannot go on; the message says what was expected and what happened."""


class Steps:
    """Counts steps and times them."""

    def __init__(self, total: int) -> None:
        self._total, self._number, self._begin = total, 0, time.monotonic()

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Announce a step, and its duration once it is done."""
        self._number += 1
        print(f"\n[{self._number}/{self._total}] {title}", flush=True)
        begin = time.monotonic()
        yield
        print(f"      done in {time.monotonic() - begin:.1f} s", flush=True)

    def total(self) -> float:
        """Seconds since the first step."""
        return time.monotonic() - self._begin


def say(text: str) -> None:
    """Print lines below the present step."""
    for line in text.splitlines():
        print(f"      {line}", flush=True)
