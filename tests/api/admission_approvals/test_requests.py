"""Held requests: the warden writes them, nobody changes what is held, and what ended stays so."""

import pytest

from api.admission_approvals.people import APPROVERS, REQUESTER, WARDEN, Place
from support.approvals import request
from support.policies import ADMIN, ENGINEER, NAMESPACES, OPERATOR

OTHERS = [ENGINEER, ADMIN, OPERATOR, REQUESTER, APPROVERS[0]]
SAYS = f"approvalrequests: accepted from {WARDEN} only; found "
THEN = "2026-03-01T12:00:00Z"
APPROVED = {"phase": "Approved", "decidedAt": THEN}
DENIED = {"phase": "Denied", "decidedAt": THEN}
CONSUMED = {"phase": "Consumed", "decidedAt": THEN, "consumedAt": THEN}


@pytest.mark.parametrize("user", [*OTHERS, NAMESPACES])
def test_only_the_warden_makes_a_request(place: Place, user: str):
    assert place.world.call(WARDEN, "POST", place.requests, request("new")) == ""
    assert SAYS + user in place.world.call(user, "POST", place.requests, request("new"))


@pytest.mark.parametrize("user", OTHERS)
def test_only_the_warden_writes_the_status(place: Place, user: str):
    where = f"{place.requests}/seen"
    assert place.world.call(WARDEN, "PATCH", f"{where}/status", {"status": APPROVED}) == ""
    for forged in (APPROVED, CONSUMED, DENIED):
        assert SAYS + user in place.world.call(user, "PATCH", f"{where}/status", {"status": forged})


def test_a_status_in_the_object_itself_is_no_status(place: Place):
    body = request("claimed") | {"status": APPROVED}
    made = place.world.make(WARDEN, place.requests, body)
    assert made["status"] == {"phase": "Pending"}


@pytest.mark.parametrize("user", [WARDEN, *OTHERS])
@pytest.mark.parametrize(
    "change",
    [
        {"requestDigest": "0" * 64},
        {"requester": {"username": "somebody"}},
        {"approvers": 3},
        {"expiresAt": "2098-01-01T00:00:00Z"},
        {"deployment": {"uid": "00000000-0000-4000-8000-0000000000ff"}},
    ],
    ids=lambda one: next(iter(one)),
)
def test_nobody_changes_what_is_held(place: Place, user: str, change: dict[str, object]):
    where = f"{place.requests}/seen"
    label = {"metadata": {"labels": {"a": "b"}}}
    assert place.world.call(WARDEN, "PATCH", where, label) == "", "control"
    refused = place.world.call(user, "PATCH", where, {"spec": change})
    assert "must stay as it was made" in refused or SAYS + user in refused
    assert "must stay as it was made" in place.world.call(WARDEN, "PATCH", where, {"spec": change})


@pytest.mark.parametrize("end", [DENIED, CONSUMED], ids=lambda one: one["phase"])
def test_what_has_ended_stays_so_even_for_the_warden(place: Place, end: dict[str, str]):
    name = f"ended-{end['phase'].lower()}"
    place.hold(name)
    assert place.judge(name, **APPROVED) == "", "control: what is open changes"
    assert place.judge(name, phase="Pending", decidedAt=None) == ""
    assert place.judge(name, **end) == ""
    for later in (APPROVED, {"message": "after all"}, {"phase": "Pending"}):
        assert "must stay as it is once the request has ended" in place.judge(name, **later)


@pytest.mark.parametrize(
    ("status", "says"),
    [
        ({"phase": "Denied"}, "needs decidedAt once it is decided"),
        (CONSUMED | {"consumedAt": None}, "needs consumedAt with phase Consumed"),
        (APPROVED | {"consumedAt": THEN}, "needs consumedAt with phase Consumed, and with no othe"),
    ],
)
def test_a_status_says_when(place: Place, status: dict[str, str], says: str):
    where = f"{place.requests}/seen/status"
    assert place.world.call(WARDEN, "PATCH", where, {"status": CONSUMED}) == ""
    assert says in place.world.call(WARDEN, "PATCH", where, {"status": status})


@pytest.mark.parametrize("user", OTHERS)
def test_only_the_warden_takes_a_request_away_and_not_before_its_end(place: Place, user: str):
    name = f"gone-{OTHERS.index(user)}"
    where = f"{place.requests}/{name}"
    place.hold(name)
    open_ = "status.phase: Pending is no end; accepted: deletion once the request has ended"
    assert open_ in place.world.call(WARDEN, "DELETE", where)
    assert place.world.call(NAMESPACES, "DELETE", where) == "", "its namespace ends"
    assert place.judge(name, **DENIED) == ""
    assert place.world.call(WARDEN, "DELETE", where) == ""
    assert SAYS + user in place.world.call(user, "DELETE", where)
    assert SAYS + user in place.world.call(user, "DELETE", place.requests)
