"""The work queue, on a clock that jumps: exact times, no waiting."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casemate.controller.queue import WorkQueue
from unit.controller.clock import now, run
from unit.core.specs import few

FIRST, LAST = 0.2, 60.0


class Log:
    """Notes when each key is looked at, and what failed."""

    def __init__(self, answers: dict[str, list[float | Exception | None]] | None = None) -> None:
        self.answers = answers or {}
        self.lasts = 0.0
        self.runs: list[tuple[float, str]] = []
        self.failures: list[tuple[str, str]] = []
        self.least: float | None = None
        self.at_once: dict[str, int] = {}
        self.most = 0

    async def __call__(self, key: str) -> float | None:
        self.runs.append((now(), key))
        self.at_once[key] = self.at_once.get(key, 0) + 1
        assert self.at_once[key] == 1, f"{key} runs twice at a time"
        self.most = max(self.most, sum(self.at_once.values()))
        try:
            await asyncio.sleep(self.lasts)
        finally:
            self.at_once[key] -= 1
        queued = self.answers.get(key)
        answer = queued.pop(0) if queued else None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def failed(self, key: str, error: Exception) -> float | None:
        self.failures.append((key, str(error)))
        return self.least

    def times(self, key: str = "k") -> list[float]:
        return [time for time, one in self.runs if one == key]


@contextlib.asynccontextmanager
async def serving(log: Log, workers: int = 4) -> AsyncIterator[WorkQueue[str]]:
    queue = WorkQueue(log, workers, log.failed)
    task = asyncio.create_task(queue.run())
    try:
        yield queue
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def test_a_key_that_is_added_often_is_looked_at_once() -> None:
    async def main() -> None:
        log = Log()
        async with serving(log) as queue:
            for _ in range(5):
                queue.add("k")
            queue.add("other")
            assert queue.depth == 2
            await asyncio.sleep(1)
        assert sorted(log.runs) == [(0.0, "k"), (0.0, "other")]
        assert queue.depth == 0

    run(main())


def test_events_during_a_look_lead_to_one_more_after_it() -> None:
    async def main() -> None:
        log = Log()
        log.lasts = 10
        async with serving(log) as queue:
            queue.add("k")
            await asyncio.sleep(5)
            for _ in range(5):
                queue.add("k")
            await asyncio.sleep(30)
        assert log.times() == [0.0, 10.0]

    run(main())


def test_only_so_many_keys_are_looked_at_at_a_time() -> None:
    async def main() -> None:
        log = Log()
        log.lasts = 10
        async with serving(log, workers=3) as queue:
            for number in range(7):
                queue.add(str(number))
            await asyncio.sleep(5)
            assert queue.depth == 4
            await asyncio.sleep(30)
        assert log.most == 3
        assert [time for time, _ in log.runs] == [0.0] * 3 + [10.0] * 3 + [20.0]

    run(main())


def test_a_key_comes_back_when_its_work_asked_for_it() -> None:
    async def main() -> None:
        log = Log({"k": [30.0, 5.0, None]})
        async with serving(log) as queue:
            queue.add("k")
            await asyncio.sleep(1000)
        assert log.times() == [0.0, 30.0, 35.0]

    run(main())


def test_a_delayed_key_waits_and_a_second_delay_never_makes_it_later() -> None:
    async def main() -> None:
        log = Log()
        async with serving(log) as queue:
            queue.add("k", 10)
            queue.add("k", 3)
            queue.add("k", 20)
            assert queue.depth == 0
            await asyncio.sleep(100)
        assert log.times() == [3.0]

    run(main())


def test_waiting_for_a_later_look_starts_no_task_that_a_stop_would_wait_for() -> None:
    async def main() -> None:
        log = Log()
        async with serving(log) as queue:
            queue.add("k", 10)
            await asyncio.sleep(1)
            here = asyncio.current_task()
            assert len(asyncio.all_tasks() - {here}) == 1, "only the queue's own"
            await asyncio.sleep(10)
        assert log.times() == [10.0], "control: it was waiting for that look"

    run(main())


def test_looks_that_come_early_do_not_multiply_the_later_ones() -> None:
    async def main() -> None:
        log = Log({"k": [60.0] * 100})
        async with serving(log) as queue:
            for _ in range(10):
                queue.add("k")
                await asyncio.sleep(1)
            await asyncio.sleep(600)
        assert log.times()[:11] == [*map(float, range(10)), 69.0]
        assert {b - a for a, b in pairwise(log.times()[9:])} == {60.0}

    run(main())


def failing(times: int) -> Log:
    return Log({"k": [ValueError(str(number)) for number in range(times)]})


@few
@given(st.integers(0, 2**32))
def test_a_failing_key_is_tried_again_with_growing_bounded_waits(seed: int) -> None:
    async def main() -> None:
        random.seed(seed)
        log = failing(14)
        async with serving(log) as queue:
            queue.add("k")
            await asyncio.sleep(2000)
        waits = [b - a for a, b in pairwise(log.times())]
        assert len(waits) == 14
        for number, wait in enumerate(waits):
            most = min(LAST, FIRST * 2**number)
            assert most / 2 - 1e-6 <= wait <= most + 1e-6
        assert [text for _, text in log.failures] == list(map(str, range(14)))

    run(main())


def test_waits_differ_from_key_to_key() -> None:
    async def main() -> None:
        names = list(map(str, range(20)))
        log = Log({name: [ValueError()] for name in names})
        async with serving(log, workers=20) as queue:
            for name in names:
                queue.add(name)
            await asyncio.sleep(10)
        assert len({log.times(name)[1] for name in names}) > 10

    run(main())


def test_a_success_forgets_earlier_failures() -> None:
    async def main() -> None:
        log = Log({"k": [*[ValueError()] * 6, None, ValueError()]})
        async with serving(log) as queue:
            queue.add("k")
            await asyncio.sleep(100)
            queue.add("k")
            await asyncio.sleep(100)
        *_, before, last = log.times()
        assert before == 100.0
        assert last - before <= FIRST

    run(main())


def test_a_server_that_asks_for_more_time_gets_it() -> None:
    async def main() -> None:
        log = failing(1)
        log.least = 45.0
        async with serving(log) as queue:
            queue.add("k")
            await asyncio.sleep(100)
        assert log.times() == [0.0, 45.0]

    run(main())


@pytest.mark.parametrize("lasts", [0.0, 0.05], ids=["between the looks", "during them"])
def test_new_events_do_not_defeat_the_back_off(lasts: float) -> None:
    async def main() -> None:
        log = failing(1000)
        log.lasts = lasts
        async with serving(log) as queue:
            for _ in range(1000):
                queue.add("k")
                await asyncio.sleep(0.01)
        assert 3 <= len(log.times()) <= 8

    run(main())


def test_the_same_events_reach_a_key_that_does_not_fail() -> None:
    async def main() -> None:
        log = Log()
        async with serving(log) as queue:
            for _ in range(1000):
                queue.add("k")
                await asyncio.sleep(0.01)
        assert len(log.times()) == 1000

    run(main())


def test_a_failing_key_does_not_hold_up_others() -> None:
    async def main() -> None:
        log = failing(1000)
        async with serving(log, workers=1) as queue:
            queue.add("k")
            await asyncio.sleep(50)
            queue.add("other")
            await asyncio.sleep(1)
        assert log.times("other") == [50.0]

    run(main())


def test_age_tells_the_oldest_wait_or_look() -> None:
    async def main() -> None:
        log = Log()
        log.lasts = 10
        async with serving(log, workers=1) as queue:
            assert queue.age() == 0.0
            queue.add("k")
            await asyncio.sleep(4)
            queue.add("other")
            assert (queue.age(), queue.depth) == (4.0, 1)
            await asyncio.sleep(8)
            # `k` is done after 10 s; `other` has been running for 2 s since.
            assert (queue.age(), queue.depth) == (2.0, 0)
            await asyncio.sleep(10)
            assert queue.age() == 0.0

    run(main())


def test_age_grows_while_nobody_serves_the_queue() -> None:
    async def main() -> None:
        log = Log()
        queue = WorkQueue(log, 1, log.failed)
        queue.add("k")
        await asyncio.sleep(7)
        queue.add("other")
        assert (queue.age(), queue.depth) == (7.0, 2)

    run(main())


def test_a_queue_that_is_stopped_stops_its_work() -> None:
    async def main() -> None:
        log = Log()
        log.lasts = 1000
        async with serving(log) as queue:
            queue.add("k")
            await asyncio.sleep(1)
        assert log.at_once == {"k": 0}

    run(main())


STEPS = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from([0.0, 0.0, 1.0, 7.0]), st.integers(0, 3)),
    min_size=1,
    max_size=30,
)


@few
@given(STEPS, st.integers(0, 2**32))
def test_every_key_is_looked_at_after_its_last_event_whatever_fails(
    steps: list[tuple[str, float, int]], seed: int
) -> None:
    async def main() -> None:
        random.seed(seed)
        log = Log({key: [ValueError()] * 5 for key in "abc"})
        log.lasts = 0.5
        last: dict[str, float] = {}
        added = {key for key, *_ in steps}
        async with serving(log, workers=2) as queue:
            for key, delay, pause in steps:
                queue.add(key, delay)
                if not delay:
                    last[key] = now()
                await asyncio.sleep(pause)
            await asyncio.sleep(300)
            assert (queue.depth, queue.age()) == (0, 0.0)
        assert all(len(log.times(key)) > 5 for key in added)
        assert all(max(log.times(key)) >= time for key, time in last.items())

    run(main())
