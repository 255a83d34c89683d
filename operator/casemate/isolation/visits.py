"""Visits of the canary by who may: they show that it lives, or else its silence proves nothing."""

import asyncio
import logging

from casemate.isolation.probes import probe
from casemate.isolation.targets import Protocol, Target

logger = logging.getLogger(__name__)

PERIOD_SECONDS = 10.0
"""How often; a third of what a proof accepts."""


async def visit_forever(address: str, port: int) -> None:
    """Visits the canary by its Service's address, for ever."""
    targets = [Target(one, address, port, "canary") for one in Protocol]
    before = ""
    while True:
        # One after the other: kopf ends by waiting for every task that was started after its own.
        readings = [await probe(target) for target in targets]
        problem = "; ".join(f"{one.target}: {one.how}" for one in readings if not one.answered)
        if problem and problem != before:
            logger.warning("the canary did not answer: %s", problem)
        before = problem
        await asyncio.sleep(PERIOD_SECONDS)
