"""The memory of kill switches, and for how long it is to be believed."""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from casemate.cluster.records import version_of

Body = Mapping[str, Any]

KNOWN_SECONDS = 60.0
"""How long after the last answer about them they are known; a watch is renewed every 20 s."""
_TOMBSTONES = 1000
"""How many that ended are remembered, so that a late list revives none."""


class Switches:
    """All KillSwitches that the API server showed."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._bodies: dict[str, Body] = {}
        self._ended: OrderedDict[str, None] = OrderedDict()
        self._heard: float | None = None

    def heard(self) -> None:
        """Takes in that the API server answered: what is remembered is what there is."""
        self._heard = self._clock()

    def known(self) -> tuple[Body, ...] | None:
        """All that there are, the oldest first; None: nobody has told, or not lately."""
        if self._heard is None or self._clock() - self._heard > KNOWN_SECONDS:
            return None
        return tuple(sorted(self._bodies.values(), key=_age))

    def put(self, body: Body) -> bool:
        """Takes in a switch; whether it was news."""
        uid = body["metadata"]["uid"]
        known = self._bodies.get(uid)
        if uid in self._ended or (known is not None and version_of(known) >= version_of(body)):
            return False
        self._bodies[uid] = body
        return known is None or known.get("spec") != body.get("spec")

    def drop(self, body: Body) -> bool:
        """Takes in the end of a switch; whether it was known."""
        uid = body["metadata"]["uid"]
        self._ended[uid] = None
        if len(self._ended) > _TOMBSTONES:
            self._ended.popitem(last=False)
        return self._bodies.pop(uid, None) is not None

    def keep_only(self, uids: set[str], version: int) -> list[Body]:
        """Forgets every switch that a complete list at `version` did not show; returns those."""
        gone = [
            one
            for uid, one in self._bodies.items()
            if uid not in uids and version_of(one) <= version
        ]
        for one in gone:
            self.drop(one)
        return gone


def _age(body: Body) -> tuple[str, str]:
    return body["metadata"]["creationTimestamp"], body["metadata"]["name"]
