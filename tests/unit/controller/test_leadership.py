"""The gate that keeps followers from working."""

import asyncio

from casemate.controller.leadership import Gate
from casemate.controller.queue import WorkQueue
from unit.controller.clock import run


def test_before_the_gate_opens_keys_pass_without_work_and_do_not_pile_up() -> None:
    async def main() -> None:
        done: list[str] = []

        async def work(key: str) -> float | None:
            done.append(key)
            return 5.0

        gate = Gate()
        queue: WorkQueue[str] = WorkQueue(gate.only(work), 1, lambda _, __: None)
        task = asyncio.create_task(queue.run())
        queue.add("a")
        await asyncio.sleep(1000)
        assert (done, queue.depth, queue.age()) == ([], 0, 0.0)
        gate.opened.set()
        queue.add("b")
        await asyncio.sleep(1)
        assert done == ["b"]
        await asyncio.sleep(5)
        assert done == ["b", "b"], "what the work asks for is heeded"
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run(main())
