"""What existed when an order about a supplier took effect, as the supplier's status records it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from casemate.api.supplier import INVENTORY
from casemate.api.terms import spelled
from casemate.core.standing import Order

Json = Mapping[str, Any]


class Behind(NamedTuple):
    """One deployment that a supplier is behind, as an inventory records it."""

    created: str
    uid: str
    replicas: int
    artifacts: str

    def entry(self) -> dict[str, Any]:
        """What is recorded of it."""
        return {"uid": self.uid, "replicas": self.replicas, "artifacts": self.artifacts}


def inventories(
    orders: Sequence[Order], before: Sequence[Json], behind: Sequence[Behind]
) -> list[Json]:
    """What existed when each order took effect: recorded once, and never again.

    What was recorded keeps its place; the room that is left goes to the oldest deployments.
    """
    known = {(one["reference"], one["effectiveSince"]): one for one in before}
    keys = [(order.directive.reference, spelled(order.since)) for order in orders]
    taken = sum(len(known[key]["deployments"]) for key in keys if key in known)
    room = max(0, INVENTORY - taken)
    found = []
    for key in keys:
        one = known.get(key) or _recorded(*key, sorted(behind), room)
        room -= 0 if key in known else len(one["deployments"])
        found.append(one)
    return found


def _recorded(reference: str, since: str, existing: Sequence[Behind], room: int) -> Json:
    left = existing[room:]
    omission = {"omitted": len(left), "omittedUntil": left[-1].created} if left else {}
    listed = [one.entry() for one in existing[:room]]
    return {"reference": reference, "effectiveSince": since, "deployments": listed, **omission}


def omissions(found: Sequence[Json]) -> list[str]:
    """A sentence for each inventory that was full."""
    return [
        f"the inventory of {one['reference']} is full: {one['omitted']} more deployments existed, "
        "which go on with the pods they have"
        for one in found
        if one.get("omitted")
    ]
