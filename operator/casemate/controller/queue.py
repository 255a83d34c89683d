"""One work queue: a key waits at most once, never runs twice at a time, and fails with back-off."""

import asyncio
import heapq
import itertools
import math
import random
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

K = TypeVar("K")

_FIRST_RETRY_SECONDS = 0.2
_LAST_RETRY_SECONDS = 60.0


class WorkQueue(Generic[K]):
    """Keys to look at. `work` returns seconds until the next look, or None.

    Args:
        work: Looks at one key. A raised exception counts as a failure: tried again with
            exponential back-off and full jitter.
        workers: How many keys are looked at at a time.
        failed: Told about every exception that `work` raised; returns the least wait, or None.
    """

    def __init__(
        self,
        work: Callable[[K], Awaitable[float | None]],
        workers: int,
        failed: Callable[[K, Exception], float | None],
    ) -> None:
        self._work, self._failed, self._workers = work, failed, workers
        self._ready: deque[K] = deque()
        self._since: dict[K, float] = {}
        self._running: dict[K, float] = {}
        self._again: set[K] = set()
        self._failures: dict[K, int] = {}
        self._later: list[tuple[float, int, K]] = []
        self._due: dict[K, float] = {}
        self._numbers = itertools.count()
        self._wake = asyncio.Event()
        self._free = asyncio.Semaphore(workers)
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, key: K, delay: float = 0.0) -> None:
        """Asks for a look at `key`, now or after `delay` seconds, whichever is asked for first.

        A key that failed waits for its back-off whatever is asked: events must not defeat it.
        """
        if delay > 0:
            self._put_off(key, self._now() + delay)
        elif key in self._running:
            self._again.add(key)
        elif key not in self._since and not (key in self._failures and key in self._due):
            self._since[key] = self._now()
            self._ready.append(key)
        self._wake.set()

    def _put_off(self, key: K, due: float) -> None:
        """Remembers one moment for each key: the next look answers all that was asked before."""
        if due < self._due.get(key, math.inf):
            self._due[key] = due
            heapq.heappush(self._later, (due, next(self._numbers), key))

    @property
    def depth(self) -> int:
        """Keys that wait for a worker."""
        return len(self._ready)

    def age(self) -> float:
        """Seconds that the oldest key has been waiting or running; 0 when there is none."""
        oldest = [self._since[self._ready[0]]] if self._ready else []
        return max((self._now() - t for t in (*oldest, *self._running.values())), default=0.0)

    async def run(self) -> None:
        """Serves the queue until cancelled."""
        try:
            while True:
                await self._next()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _next(self) -> None:
        self._promote()
        if not self._ready:
            self._wake.clear()
            await self._sleep()
            return
        await self._free.acquire()
        key = self._ready.popleft()
        del self._since[key]
        self._due.pop(key, None)
        self._running[key] = self._now()
        task = asyncio.create_task(self._run(key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _sleep(self) -> None:
        """Waits until something is added or due."""
        # A timer and not wait_for(): that starts a task, and kopf ends by waiting for every task
        # that was started after its own.
        loop = asyncio.get_running_loop()
        timer = loop.call_at(self._later[0][0], self._wake.set) if self._later else None
        try:
            await self._wake.wait()
        finally:
            if timer:
                timer.cancel()

    def _promote(self) -> None:
        now = self._now()
        while self._later and self._later[0][0] <= now:
            due, _, key = heapq.heappop(self._later)
            if self._due.get(key) == due:
                del self._due[key]
                self.add(key)

    async def _run(self, key: K) -> None:
        try:
            delay = await self._work(key)
            self._failures.pop(key, None)
        except Exception as error:  # noqa: BLE001 - whatever it was, the key must not be lost
            delay = max(self._back_off(key), self._failed(key, error) or 0.0)
        finally:
            del self._running[key]
            self._free.release()
        if key in self._again:
            self._again.discard(key)
            self.add(key, delay or 0.0 if key in self._failures else 0.0)
        elif delay is not None:
            self.add(key, delay)

    def _back_off(self, key: K) -> float:
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        most = min(_LAST_RETRY_SECONDS, _FIRST_RETRY_SECONDS * 2 ** min(failures, 20))
        return random.uniform(most / 2, most)  # noqa: S311 - jitter, no secret

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
