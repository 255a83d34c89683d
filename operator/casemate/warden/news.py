"""Lets questions stay open until there is news."""

import asyncio


class News:
    """Counts what is new, for those who wait for more than they know."""

    def __init__(self, serial: int = 0) -> None:
        """Begin; nothing is new yet.

        Args:
            serial: Number of the present state.
        """
        self.serial = serial
        self._event = asyncio.Event()

    def tell(self) -> None:
        """Say that there is something new."""
        self.serial += 1
        self._event.set()
        self._event = asyncio.Event()

    async def after(self, serial: int, seconds: float) -> None:
        """Wait until there is news since `serial`, or for a while."""
        if serial != self.serial:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            pass
