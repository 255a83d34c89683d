"""Liveness that means progress: of the queue, and of the watches."""

import asyncio

import pytest

from casemate.cluster.keys import Key
from casemate.cluster.store import Store
from casemate.controller.health import Progress
from casemate.controller.queue import WorkQueue
from unit.cluster.test_store import child
from unit.controller.clock import now, run


async def _work(_: Key) -> None:
    await asyncio.sleep(10_000)


def _parts() -> tuple[Store, WorkQueue[Key], Progress]:
    store = Store()
    queue: WorkQueue[Key] = WorkQueue(_work, 1, lambda _, __: None)
    progress = Progress(now)
    progress.follow(store, queue)
    return store, queue, progress


@pytest.mark.parametrize("served", [True, False], ids=["running", "waiting"])
def test_a_key_that_stands_still_for_five_minutes_is_trouble(*, served: bool) -> None:
    async def main() -> None:
        _, queue, progress = _parts()
        task = asyncio.create_task(queue.run()) if served else None
        queue.add(Key("n", "a"))
        await asyncio.sleep(299)
        assert progress.trouble() is None
        await asyncio.sleep(2)
        assert progress.trouble() == "a key has been waiting or running for 301 s"
        if task:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    run(main())


def test_a_change_that_no_watch_shows_for_90_seconds_is_trouble() -> None:
    async def main() -> None:
        store, _, progress = _parts()
        store.put("Service", child(5))
        assert progress.trouble() is None
        await asyncio.sleep(90)
        assert progress.trouble() is None
        await asyncio.sleep(1)
        assert progress.trouble() == "the watches have not shown a known change for 91 s"
        store.put("Service", child(5), watched=True)
        assert progress.trouble() is None

    run(main())


def test_a_newer_change_of_the_same_object_starts_its_own_time() -> None:
    async def main() -> None:
        store, _, progress = _parts()
        for version in range(5, 10):
            store.put("Service", child(version))
            assert progress.trouble() is None
            await asyncio.sleep(60)

    run(main())


def test_an_object_that_a_list_shows_gone_keeps_nobody_waiting() -> None:
    async def main() -> None:
        store, _, progress = _parts()
        store.put("Service", child(5))
        assert progress.trouble() is None
        store.keep_only("Service", set(), 6)
        await asyncio.sleep(1000)
        assert progress.trouble() is None

    run(main())


def test_an_idle_operator_is_alive_for_ever() -> None:
    async def main() -> None:
        _, queue, progress = _parts()
        await asyncio.sleep(100_000)
        assert progress.trouble() is None
        assert queue.age() == 0.0

    run(main())
