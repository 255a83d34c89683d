"""What of a new status is worth an Event."""

from typing import Any

import pytest

from casemate.core.notices import notices

Json = dict[str, Any]


def status(reason: str, message: str = "", kind: str = "SupplierPermitted") -> Json:
    return {"conditions": [{"type": kind, "reason": reason, "message": message}]}


def stops(reason: str) -> Json:
    return status(reason, kind="NotStopped")


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({}, status("Approved"), []),
        ({}, status("SupplierBlocked", "why"), ["SupplierBlocked"]),
        (status("Approved"), status("PhasingOut", "2 days left"), ["PhasingOut"]),
        (status("PhasingOut", "2 days left"), status("PhasingOut", "1 day left"), ["PhasingOut"]),
        (status("PhasingOut", "1 day left"), status("PhasingOut", "1 day left"), []),
        (status("PhasingOut", "1 day left"), status("SupplierBlocked", "x"), ["SupplierBlocked"]),
        (status("SupplierBlocked", "x"), status("Approved", "y"), ["Approved"]),
        (status("Approved", "a"), status("InventoryPending", "b"), []),
        (status("Approved"), status("Progressing", kind="Ready"), []),
        ({}, stops("NotStopped"), []),
        (stops("NotStopped"), stops("StopsUnknown"), []),
        (stops("NotStopped"), stops("Stopped"), ["Stopped"]),
        (stops("Stopped"), stops("NotStopped"), ["NotStopped"]),
    ],
)
def test_a_change_of_the_terms_is_told_once(before: Json, after: Json, told: list[str]) -> None:
    assert [one.reason for one in notices(before, after)] == told
