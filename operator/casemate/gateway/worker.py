"""Threads in which the guard judges, so that connections are served meanwhile.

Why threads, and never the event loop itself: what hangs in the loop hangs the whole gateway, and
no timeout can end it. A hop to a thread and back takes about 0.1 ms, less than any judgement.

Why these and not the library's pool: a pool joins its threads when the process ends, so one that
hangs would keep the gateway from ending; and it keeps what was cancelled, with its text.
"""

import asyncio
import logging
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, TypeVar

from casemate.gateway.errors import Cause, CheckUnavailableError

log = logging.getLogger(__name__)
T = TypeVar("T")

MAX_WAITING = 256
LARGE_CHARS = 16 << 10
"""A text that is larger is judged in a lane of its own: it must not delay the many small ones."""


@dataclass(slots=True)
class _Job:
    work: Callable[[], object] | None
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[_Outcome]"


@dataclass(frozen=True, slots=True)
class _Outcome:
    value: Any = None
    cause: Cause | None = None


class Lane:
    """One thread that does one job after the other."""

    def __init__(self, name: str, patience: float, most: int = MAX_WAITING) -> None:
        """Prepare; the thread starts with the first job.

        Args:
            name: Of the thread.
            patience: Seconds after which a running job counts as one that hangs.
            most: Jobs that may wait or run at the same time.
        """
        self._name = name
        self._patience = patience
        self._most = most
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        self._waiting = 0
        self._since: float | None = None
        self._thread: threading.Thread | None = None

    @property
    def hangs(self) -> bool:
        """Whether a job runs for longer than anybody waits for it."""
        since = self._since
        return since is not None and time.monotonic() - since > self._patience

    async def run(self, work: Callable[[], T]) -> T:
        """Do ``work`` in the thread; whoever stops waiting takes its text out of the queue.

        Raises:
            CheckUnavailableError: It raised, too many wait, or the thread hangs.
        """
        if self.hangs:
            raise CheckUnavailableError(Cause.HANGS)
        if self._waiting >= self._most:
            raise CheckUnavailableError(Cause.BUSY)
        loop = asyncio.get_running_loop()
        job = _Job(work, loop, loop.create_future())
        self._waiting += 1
        self._jobs.put(job)
        self._start()
        try:
            outcome = await job.future
        finally:
            job.work = None
        if outcome.cause is not None:
            raise CheckUnavailableError(outcome.cause)
        value: T = outcome.value
        return value

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name=self._name, daemon=True)
            self._thread.start()

    def _serve(self) -> None:
        while True:
            job = self._jobs.get()
            work = job.work
            outcome: _Outcome = _Outcome()
            if work is not None:
                self._since = time.monotonic()
                outcome = _attempt(work)
                self._since = None
            try:
                job.loop.call_soon_threadsafe(self._done, job, outcome)
            except RuntimeError:
                return  # the loop has ended, and nobody waits any more
            # Nothing of a request may be kept until the next one comes.
            del job, work, outcome

    def _done(self, job: _Job, outcome: _Outcome) -> None:
        self._waiting -= 1
        if not job.future.done():
            job.future.set_result(outcome)


class Lanes:
    """A lane for small texts and one for large ones."""

    def __init__(self, patience: float, most: int = MAX_WAITING) -> None:
        self._small = Lane("guard-small", patience, most)
        self._large = Lane("guard-large", patience, most)

    @property
    def hangs(self) -> bool:
        """Whether either lane does."""
        return self._small.hangs or self._large.hangs

    async def run(self, chars: int, work: Callable[[], T]) -> T:
        """Do ``work``, which reads about ``chars`` characters; raises as a lane does."""
        lane = self._large if chars > LARGE_CHARS else self._small
        return await lane.run(work)


def _attempt(work: Callable[[], object]) -> _Outcome:
    try:
        return _Outcome(work())
    except CheckUnavailableError as error:
        return _Outcome(cause=error.cause)
    except BaseException as error:  # noqa: BLE001  whatever it is, the answer is no
        if isinstance(error, MemoryError) or isinstance(error.__cause__, MemoryError):
            log.error("the guard ran out of memory")  # noqa: TRY400  a trace would need some
            return _Outcome(cause=Cause.MEMORY)
        # Where it happened, and not what it says: that may quote the text.
        where = "".join(traceback.format_tb(error.__traceback__))
        log.error("the guard failed: %s\n%s", type(error).__name__, where)  # noqa: TRY400  same
        return _Outcome(cause=Cause.ERROR)
