"""Notices when the kill switches are not known any more, or are again: no event says so."""

import asyncio
import logging
from collections.abc import Callable

from casemate.cluster.keys import Key
from casemate.cluster.store import Store

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0


async def tell_of_doubt(store: Store, changed: Callable[[Key], None]) -> None:
    """Looks for ever, and marks all deployments where it is another answer than before."""
    before = True
    while True:
        known = store.switches.known() is not None
        if known != before:
            before = known
            log = logger.info if known else logger.warning
            log("the kill switches are %s", "known" if known else "not known")
            everything = store.keys()
            for key in everything:
                changed(key)
        await asyncio.sleep(_LOOK_SECONDS)
