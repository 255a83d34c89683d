"""What is sent twice is made once, even while it is being made; what failed is made anew."""

import asyncio

import pytest

from casemate.warden.repeats import Repeats


class Maker:
    def __init__(self, *failures: Exception) -> None:
        self.made, self.failures = 0, list(failures)
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self) -> str:
        await self.gate.wait()
        self.made += 1
        if self.failures:
            raise self.failures.pop(0)
        return f"answer {self.made}"


async def test_the_same_is_made_once() -> None:
    repeats, make = Repeats(), Maker()
    make.gate.clear()
    waiting = [asyncio.create_task(repeats.once("a", make)) for _ in range(3)]
    await asyncio.sleep(0)
    make.gate.set()
    assert set(await asyncio.gather(*waiting)) == {"answer 1"}
    assert await repeats.once("a", make) == "answer 1"
    assert await repeats.once("b", make) == "answer 2", "control: another one"


async def test_what_failed_is_made_anew() -> None:
    repeats, make = Repeats(), Maker(ValueError("full"))
    with pytest.raises(ValueError, match="full"):
        await repeats.once("a", make)
    await asyncio.sleep(0)
    assert await repeats.once("a", make) == "answer 2"


async def test_who_leaves_takes_nothing_along() -> None:
    repeats, make = Repeats(), Maker()
    make.gate.clear()
    first = asyncio.create_task(repeats.once("a", make))
    await asyncio.sleep(0)
    first.cancel()
    make.gate.set()
    assert await repeats.once("a", make) == "answer 1"
    assert make.made == 1


async def test_memory_is_bounded() -> None:
    repeats, make = Repeats(most=2), Maker()
    for what in ("a", "b", "c"):
        await repeats.once(what, make)
    assert await repeats.once("c", make) == "answer 3"
    assert await repeats.once("a", make) == "answer 4", "the oldest is forgotten"
