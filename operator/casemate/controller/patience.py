"""Waiting for an API server: processes that end instead are started again later and later."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from casemate.cluster.errors import Stalled, Transient

logger = logging.getLogger(__name__)

T = TypeVar("T")

_RETRY_SECONDS = 1.0
_REFUSED_SECONDS = 10.0
"""How long refusals are not believed: an API server that has just come up answers 403 and 404 until
it has read the roles and the CustomResourceDefinitions."""


async def answered(
    ask: Callable[[], Awaitable[T]], clock: Callable[[], float] = time.monotonic
) -> T:
    """Asks until there is an answer.

    Raises:
        Error: Trying again does not help.
    """
    refused_since: float | None = None
    while True:
        try:
            return await ask()
        except Transient as error:
            refused_since = None
            logger.warning("nothing can begin yet, tried again: %s", error)
        except Stalled as error:
            refused_since = clock() if refused_since is None else refused_since
            if clock() - refused_since >= _REFUSED_SECONDS:
                raise
            logger.warning("nothing may begin yet, tried again: %s", error)
        await asyncio.sleep(_RETRY_SECONDS)
