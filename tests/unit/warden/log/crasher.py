"""A process that appends until it is killed, and says what was acknowledged."""

import asyncio
import os
from pathlib import Path

from unit.warden.log.place import open_log, options

CALLERS = 8


def run(directory: str, pipe: int) -> None:
    """Append from several callers; a line of the pipe for each acknowledged record."""
    asyncio.run(_run(Path(directory), pipe))


async def _run(directory: Path, pipe: int) -> None:
    log = await open_log(directory, options(checkpoint_seconds=0.002, segment_bytes=40_000))

    async def caller(number: int) -> None:
        n = 0
        while True:
            entry = await log.append("intent", {"pid": os.getpid(), "caller": number, "n": n})
            os.write(pipe, b"%d %d %d %d\n" % (entry.index, os.getpid(), number, n))
            n += 1

    await asyncio.gather(*(caller(number) for number in range(CALLERS)))
