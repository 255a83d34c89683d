"""What a new status says of terms, isolation and stops that the one before did not: Events."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from casemate.api.conditions import ConditionType, Reason

TERMS = (
    ConditionType.AGREEMENT_IN_FORCE,
    ConditionType.SUPPLIER_PERMITTED,
    ConditionType.CAPACITY_GRANTED,
)
"""The conditions that say what the terms permit."""

WATCHED = (*TERMS, ConditionType.NETWORK_ISOLATED, ConditionType.NOT_STOPPED)
"""Those of which changes are told."""

_ORDINARY = {
    Reason.IN_FORCE,
    Reason.APPROVED,
    Reason.WITHIN_CAPACITY,
    Reason.INVENTORY_PENDING,
    Reason.ENFORCED,
    Reason.INCONCLUSIVE,
    Reason.WARDEN_SILENT,
    Reason.NO_PODS,
    Reason.NOT_STOPPED,
    Reason.STOPS_UNKNOWN,
}
"""Reasons that are no news where nothing stood before, nor where the same stood before."""


class Notice(NamedTuple):
    """One thing to be told."""

    reason: str
    message: str


def notices(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Notice]:
    """The watched conditions that changed: a countdown's message does so once a day."""
    old = {one["type"]: one for one in before.get("conditions", [])}
    found = []
    for one in after.get("conditions", []):
        if one["type"] not in WATCHED:
            continue
        last = old.get(one["type"], {"reason": Reason.APPROVED, "message": ""})
        ordinary = one["reason"] in _ORDINARY
        changed = one["reason"] != last["reason"] or one["message"] != last["message"]
        if changed and not (ordinary and last["reason"] in _ORDINARY):
            found.append(Notice(one["reason"], one["message"]))
    return found
