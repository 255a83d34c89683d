"""What is sent twice is kept once: a connection may break after its record was written."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable

_MOST = 20_000
"""Answers that are remembered; a record is sent again within seconds, or never."""


class Repeats:
    """Remembers what was answered to what, for a while, in memory: a restart forgets it."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._answers: OrderedDict[object, asyncio.Task[str]] = OrderedDict()

    async def once(self, what: object, make: Callable[[], Awaitable[str]]) -> str:
        """Return the answer to something, which is made but once, even while it is being made.

        What failed is forgotten. Whoever waits may leave: what was begun goes on.

        Args:
            what: Tells it from others; only the very same thing is one.
            make: Makes the answer.
        """
        task = self._answers.get(what)
        if task is None:
            task = self._answers[what] = asyncio.ensure_future(_made(make))
            task.add_done_callback(lambda done: self._forget(what, done))
            while len(self._answers) > self._most:
                self._answers.popitem(last=False)
        return await asyncio.shield(task)

    def _forget(self, what: object, task: asyncio.Task[str]) -> None:
        if (task.cancelled() or task.exception() is not None) and self._answers.get(what) is task:
            del self._answers[what]


async def _made(make: Callable[[], Awaitable[str]]) -> str:
    return await make()
