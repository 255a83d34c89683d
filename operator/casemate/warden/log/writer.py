"""Group commit: callers wait in a bounded queue, one thread writes and syncs for all of them."""

import asyncio
import math
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import NamedTuple, Protocol

from casemate.warden.log.book import Entry, Request, Result
from casemate.warden.log.errors import BackPressureError, ClosedError, FatalLogError


class Committer(Protocol):
    """Makes requests durable; only the writer's thread calls it."""

    def commit(self, requests: Sequence[Request]) -> Sequence[Result]:
        """Return once all are on the disk, or raise FatalLogError."""

    def settle(self) -> None:
        """Do what is due when no request waits."""

    def finish(self) -> None:
        """Do what is due at the end, or raise FatalLogError."""

    def patience(self) -> float:
        """Seconds until `settle` is due."""


class Bounds(NamedTuple):
    """How much is taken on at once."""

    batch: int = 256
    waiting: int = 4096
    linger_seconds: float = 0.0
    """How long a batch waits for company; at most 2 ms."""


class _Waiter(NamedTuple):
    request: Request
    future: asyncio.Future[Entry]


class Writer:
    """The queue and its thread."""

    def __init__(
        self, committer: Committer, bounds: Bounds, progressed: Callable[[], None]
    ) -> None:
        """Start the thread.

        Args:
            committer: What it calls.
            bounds: How much is taken on at once.
            progressed: Called in the loop after each batch and each settling.
        """
        self._committer, self._bounds, self._progressed = committer, bounds, progressed
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[_Waiter | None] = SimpleQueue()
        self._waiting: dict[asyncio.Future[Entry], None] = {}
        self._rate = 1000.0
        self._closing = False
        self.failure: asyncio.Future[FatalLogError] = self._loop.create_future()
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    def submit(self, request: Request, *, last: bool = False) -> asyncio.Future[Entry]:
        """Queue a request; the future is done once it is on the disk.

        The last one is taken on whatever waits, and nothing is after it.

        Raises:
            BackPressureError: Too many wait.
            ClosedError: The log is closing.
            FatalLogError: The log has failed.
        """
        if self.failure.done():
            raise self.failure.result()
        if self._closing:
            raise ClosedError("the log is closed")
        self._closing = last
        if len(self._waiting) >= self._bounds.waiting and not last:
            seconds = max(1, math.ceil(len(self._waiting) / self._rate))
            raise BackPressureError(len(self._waiting), seconds)
        future: asyncio.Future[Entry] = self._loop.create_future()
        self._waiting[future] = None
        self._queue.put(_Waiter(request, future))
        return future

    def wake(self) -> None:
        """Let the thread look what is due."""
        self._queue.put(None)

    async def close(self) -> None:
        """Write what waits, and end the thread."""
        self._closing = True
        self._queue.put(None)
        await asyncio.shield(asyncio.to_thread(self._thread.join))

    def _run(self) -> None:
        try:
            while True:
                batch = self._take()
                if batch:
                    began = time.monotonic()
                    results = self._committer.commit([one.request for one in batch])
                    self._tell(self._deliver, batch, results, time.monotonic() - began)
                elif self._closing and self._queue.empty():
                    break
                else:
                    self._committer.settle()
                    self._tell(self._progressed)
            self._committer.finish()
            self._tell(self._progressed)
        except Exception as error:  # noqa: BLE001  whatever it is, nothing is written after it
            failure = error if isinstance(error, FatalLogError) else FatalLogError(repr(error))
            if failure is not error:
                failure.__cause__ = error
            self._tell(self.fail, failure)

    def _take(self) -> list[_Waiter]:
        """Return what waits; empty when something else is due."""
        batch: list[_Waiter] = []
        with suppress(Empty):
            first = self._queue.get(timeout=self._committer.patience())
            if first is None:
                return batch
            batch.append(first)
            until = time.monotonic() + self._bounds.linger_seconds
            while len(batch) < self._bounds.batch:
                left = until - time.monotonic()
                one = self._queue.get(timeout=left) if left > 0 else self._queue.get_nowait()
                if one is None:
                    self._queue.put(None)
                    break
                batch.append(one)
        return batch

    def _tell(self, call: Callable[..., object], *given: object) -> None:
        """Call something in the loop; a loop that is closed has nobody left who waits."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(call, *given)

    def _deliver(self, batch: Sequence[_Waiter], results: Sequence[Result], seconds: float) -> None:
        self._rate += (len(batch) / max(seconds, 1e-6) - self._rate) / 8
        for waiter, result in zip(batch, results, strict=True):
            self._waiting.pop(waiter.future, None)
            if waiter.future.done():
                continue  # Whoever waited went away; the record stays.
            if isinstance(result, ValueError):
                waiter.future.set_exception(result)
            else:
                waiter.future.set_result(result)
        self._progressed()

    def fail(self, failure: FatalLogError) -> None:
        """Take nothing any more, and tell everybody who waits that nothing is known to be kept."""
        if self.failure.done():
            return
        self.failure.set_result(failure)
        for future in self._waiting:
            if not future.done():
                future.set_exception(failure)
        self._waiting.clear()
        self._progressed()
