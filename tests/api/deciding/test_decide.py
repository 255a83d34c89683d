"""`approve`, `deny`, `revoke`: who may, what it makes of a request, and how a refusal reads."""

import json
from typing import Any

import pytest

from api.admission_approvals.people import REQUESTER, WARDEN
from api.deciding.conftest import NOBODY, Kubectl
from api.deciding.warden import Warden
from casemate.api.names import decision_name
from enclave.waiting import until
from support.policies import ENGINEER

BODY = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
WHY = ("--reason", "checked against the order of the day")
MERGE = "application/merge-patch+json"


def digest(held: dict[str, Any]) -> tuple[str, str]:
    return "--digest", held["spec"]["requestDigest"]


def test_two_people_approve(warden: Warden, casemate: Kubectl):
    held = warden.hold("two", BODY)
    done = casemate("ann", "approve", "two", *digest(held), *WHY)
    assert done.status == 0, done.err
    assert done.out == "approved two as ann; 1 of 2 approvals: 1 more is needed\n"
    done = casemate("ben", "approve", "approvalrequest.casemate.dev/two", *digest(held), *WHY)
    until_when = held["spec"]["expiresAt"]
    assert (
        done.out == f"approved two as ben; 2/2 approvals: it may be sent once until {until_when}\n"
    )


def test_one_person_counts_once(warden: Warden, casemate: Kubectl):
    held = warden.hold("once", BODY)
    assert casemate("ann", "approve", "once", *digest(held), *WHY).status == 0
    for command in (("approve", *digest(held)), ("deny",)):
        done = casemate("ann", command[0], "once", *command[1:], *WHY)
        assert done.status == 1
        assert "ann approved this request at " in done.err
        assert "one person decides once" in done.err
    assert "1 of 2" in casemate("ben", "approve", "once", *digest(held), *WHY).out.replace(
        "2/2", "1 of 2"
    )


def test_a_deny_ends_it_for_all(warden: Warden, casemate: Kubectl):
    held = warden.hold("never", BODY)
    done = casemate("ann", "deny", "never", "--reason", "this is not what we agreed to")
    assert done.status == 0, done.err
    assert done.out == (
        "denied never as ann; never is Denied: denied by ann: this is not what we agreed to\n"
    )
    for command in (("approve", *digest(held)), ("deny",), ("revoke",)):
        done = casemate("ben", command[0], "never", *command[1:], *WHY)
        assert (done.status, "never is Denied: denied by ann" in done.err) == (4, True), done


def test_what_was_approved_is_taken_back_by_who_approved(warden: Warden, casemate: Kubectl):
    held = warden.hold("back", BODY)
    for person in ("ann", "ben"):
        assert casemate(person, "approve", "back", *digest(held), *WHY).status == 0
    done = casemate("ann", "revoke", "back", "--reason", "the order was withdrawn")
    assert done.status == 0, done.err
    assert done.out == (
        "revoked back as ann; back is Revoked: revoked by ann: the order was withdrawn\n"
    )


def test_who_asked_does_not_approve(warden: Warden, casemate: Kubectl):
    held = warden.hold("own", BODY)
    done = casemate(REQUESTER, "approve", "own", *digest(held), *WHY)
    assert (done.status, done.out) == (1, "")
    assert done.err == (
        "kubectl casemate approve: spec.approver: caller made ApprovalRequest own; accepted:"
        " another person\n"
    )
    assert casemate("ann", "approve", "own", *digest(held), *WHY).status == 0, "control"


def test_who_has_no_right_does_not_decide(warden: Warden, casemate: Kubectl):
    held = warden.hold("no-right", BODY)
    done = casemate(ENGINEER, "approve", "no-right", *digest(held), *WHY)
    assert done.status == 1
    assert "engineer has not the RBAC verb approve on usageagreements harbour" in done.err
    assert casemate(NOBODY, "deny", "no-right", *WHY).status == 1
    assert casemate("ann", "approve", "no-right", *digest(held), *WHY).status == 0, "control"


def test_whose_word_does_not_count_is_told_so(warden: Warden, casemate: Kubectl):
    held = warden.hold("lost", BODY)
    warden.lost["ann"] = "the right is gone"
    try:
        done = casemate("ann", "approve", "lost", *digest(held), *WHY)
    finally:
        del warden.lost["ann"]
    assert done.status == 1
    assert "what you said does not count" in done.err
    assert "the right is gone" in done.err


def test_nobody_approves_what_they_have_not_seen(warden: Warden, casemate: Kubectl):
    held = warden.hold("unseen", BODY)
    for given, status, says in (
        ((), 2, "there is no terminal to show the request on"),
        (("--digest", "00" * 32), 1, "unseen is not what you have reviewed"),
        (("--digest", held["spec"]["requestDigest"][:8]), 2, "64 hex digits"),
    ):
        done = casemate("ann", "approve", "unseen", *given, *WHY)
        assert (done.status, says in done.err) == (status, True), done
    assert casemate("ann", "approve", "unseen", *digest(held), *WHY).status == 0, "control"


@pytest.mark.parametrize(
    "reason", [(), ("--reason", ""), ("--reason", "short"), ("--reason", "a line\x1b[2J, and more")]
)
def test_nobody_decides_without_a_reason(
    warden: Warden, casemate: Kubectl, reason: tuple[str, ...]
):
    done = casemate("ann", "deny", "first", *reason)
    assert (done.status, "--reason" in done.err) == (2, True), done
    assert "\x1b" not in done.err


def test_nobody_decides_about_nothing(warden: Warden, casemate: Kubectl):
    for command in (("approve", "--digest", "00" * 32, *WHY), ("deny", *WHY), ("review",)):
        done = casemate("ann", command[0], "not-there", *command[1:])
        assert (done.status, done.out) == (3, "")
        assert "there is no ApprovalRequest not-there in namespace enclave" in done.err


def test_nobody_decides_too_late(warden: Warden, casemate: Kubectl):
    held = warden.hold("late", BODY, expiresAt="2026-01-01T00:00:00Z")
    until(lambda: "Expired" in casemate("ann", "approvals", "--all").out, 20, "never expired")
    for command in (("approve", *digest(held)), ("deny",)):
        done = casemate("ann", command[0], "late", *command[1:], *WHY)
        assert (done.status, "late is Expired" in done.err) == (4, True), done


def test_programs_read_what_was_said(warden: Warden, casemate: Kubectl):
    held = warden.hold("for-programs", BODY)
    done = casemate("ann", "approve", "for-programs", *digest(held), *WHY, "-o", "json")
    spec = json.loads(done.out)["spec"]
    assert spec["request"] == {"name": "for-programs", "uid": held["metadata"]["uid"]}
    assert (spec["verdict"], spec["justification"]) == ("Approve", WHY[1])
    assert spec["approver"]["username"] == "ann"
    name = decision_name("for-programs", "Deny", "ben")
    out = casemate("ben", "deny", "for-programs", *WHY, "-o", "name").out
    assert out == f"approvaldecision.casemate.dev/{name}\n"
    assert WARDEN not in done.out
