"""The kill switches that are in force."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from casemate.console.html import Child, element
from casemate.console.pages import frame
from casemate.console.pages.frame import Signed
from casemate.console.times import ago

Json = dict[str, Any]
_HEADS = ["Switch", "Stops", "By", "Since", "Why"]


def stops(switches: Sequence[Json], now: datetime, signed: Signed, problem: str = "") -> str:
    """Return the page.

    Args:
        switches: All KillSwitches.
        now: The moment.
        signed: Who looks.
        problem: Why there is nothing to show.
    """
    rows = [_row(one, now) for one in switches]
    nothing = element("p", "No kill switch is in force." if not problem else None)
    return frame.page(
        "Kill switches",
        frame.alert(problem) if problem else None,
        frame.table("Kill switches in force", _HEADS, rows) if rows else nothing,
        element(
            "p",
            "To stop, and to lift what somebody else has stopped, use: kubectl casemate stop,"
            " kubectl casemate lift.",
        ),
        signed=signed,
        at=frame.STOPS,
    )


def _row(one: Json, now: datetime) -> list[Child]:
    meta, spec = one["metadata"], one["spec"]
    return [
        meta["name"],
        _scope(spec),
        spec["stoppedBy"]["username"],
        ago(meta["creationTimestamp"], now),
        spec["reason"],
    ]


def _scope(spec: Json) -> str:
    if one := spec.get("deployment"):
        return f"deployment {one['namespace']}/{one['name']}"
    if one := spec.get("agreementRef"):
        return f"all under agreement {one['name']}"
    return "all deployments"
