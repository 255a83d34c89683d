"""The memory of repairs, by which contests over children are known."""

import time
from collections.abc import Callable, Iterable

from casemate.cluster.keys import Key
from casemate.core import contest
from casemate.core.contest import Bout
from casemate.core.observed import Contest, Ref, Repair


class Contests:
    """All bouts that are not over."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._bouts: dict[Key, dict[Ref, Bout]] = {}

    def of(self, key: Key) -> dict[Ref, Contest]:
        """What there is about the children of one deployment now; forgets what is over."""
        now = self._clock()
        bouts = self._bouts.pop(key, {})
        going_on = {ref: bout for ref, bout in bouts.items() if not contest.is_over(bout, now)}
        if going_on:
            self._bouts[key] = going_on
        return {ref: contest.contest(bout, now) for ref, bout in going_on.items()}

    def repaired(self, key: Key, ref: Ref) -> None:
        """Counts a repair that was made."""
        bouts = self._bouts.setdefault(key, {})
        now = self._clock()
        bouts[ref] = contest.repaired(bouts.get(ref, Bout(last=now)), now)

    def put_off(self, key: Key, repairs: Iterable[Repair]) -> list[Repair]:
        """Takes in repairs that have to wait; returns those that are the first of their contest."""
        bouts = self._bouts.get(key, {})
        found = [repair for repair in repairs if not bouts[repair.ref].text]
        for repair in found:
            bouts[repair.ref] = contest.put_off(bouts[repair.ref], repair)
        return found

    def forget(self, key: Key) -> None:
        """Forgets a deployment that is gone."""
        self._bouts.pop(key, None)
