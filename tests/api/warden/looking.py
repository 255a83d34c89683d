"""Waits until a warden knows what is stopped, and ends what it does by itself."""

import asyncio

from casemate.warden.stops import Stops


async def looked(stops: Stops) -> None:
    """Wait until it knows what is stopped."""
    async with asyncio.timeout(30):
        while not stops.known:  # noqa: ASYNC110  what is waited for has no event
            await asyncio.sleep(0.01)


async def ended(task: asyncio.Task[None]) -> None:
    """End a task, and wait until what it held is given back: a watch holds a connection."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
