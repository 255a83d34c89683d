"""What people are told of a request beside its content, and what of it is a warning."""

from datetime import UTC, datetime
from typing import Any

import pytest

from casemate.deciding.facts import counted, facts, ignored
from casemate.deciding.seen import unseen
from support.approvals import TERMS, decision, request
from support.terms import agreement

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
MADE = {"namespace": "enclave", "creationTimestamp": "2026-03-01T11:58:00Z", "uid": "u-1"}


def held(**changed: Any) -> dict[str, Any]:
    body = request("held-1", **{"expiresAt": "2026-03-01T12:05:30Z", **changed})
    body["metadata"] |= MADE
    return body


def said(of: dict[str, Any], who: str) -> dict[str, Any]:
    body = decision(of, who)
    body["metadata"] |= MADE
    return body


def terms(digest: str = TERMS, **spec: Any) -> dict[str, Any]:
    body = agreement()
    return {**body, "spec": body["spec"] | spec, "status": {"termsDigest": digest}}


def warnings(of: dict[str, Any], under: dict[str, Any]) -> list[str]:
    return [one.text for one in facts(of, under, [], NOW) if one.warns]


def test_it_tells_who_asks_whom_for_what_under_which_terms():
    found = facts(held(), terms(), [], NOW)
    told = {one.name: one.text for one in found if one.name}
    assert told == {
        "Request": "held-1 in namespace enclave, uid u-1",
        "Phase": "Pending, 0/2 approvals",
        "Time left": "5m30s; it expires at 2026-03-01T12:05:30Z",
        "Caller": "caller, uid u-caller",
        "Model": "smollm2, its weights are on a volume",
        "Deployment": "m, uid 00000000-0000-4000-8000-00000000000d",
        "Red line": "use-of-force",
        "Rule": "use-of-force/tasking",
        "Guard": f"bundle sha256:{'b0' * 32}, policy sha256:{'b1' * 32}",
        "Record": "casemate-warden-0/1842",
        "Agreement": f"harbour, terms {TERMS}",
    }
    assert not [one for one in found if one.warns]


def test_what_is_a_reason_to_look_twice_is_marked():
    changed = f"sha256:{'00' * 32}"
    assert warnings(held(), terms(changed)) == [f"its terms have changed since: {changed}"]
    assert warnings(held(expiresAt="2026-03-01T12:00:00Z"), terms()) == [
        "none; it expires at 2026-03-01T12:00:00Z"
    ]
    assert [one.text for one in facts(held(), None, [], NOW) if "cannot be read" in one.text]


def test_what_others_said_is_told_with_what_does_not_count():
    of = held()
    ada, bob = said(of, "ada"), said(of, "bob")
    name = bob["metadata"]["name"]
    of["status"] = {"phase": "Pending", "ignored": [{"decision": name, "why": "no right now"}]}
    found = [one for one in facts(of, terms(), [ada, bob], NOW) if one.name == "Said"]
    assert [one.text.partition(" at ")[0] for one in found] == ["ada approved", "bob approved"]
    assert [one.warns for one in found] == [False, True]
    assert found[1].text.endswith("it does not count: no right now")
    assert ignored(of, name) == "no right now"


def test_a_line_of_the_agreement_tells_what_it_forbids():
    lines = [{"id": "harbour-works", "verdict": "Hold", "description": "no cranes"}]
    found = facts(held(line="harbour-works"), terms(redLines=lines), [], NOW)
    assert "harbour-works: no cranes" in [one.text for one in found]


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ({}, False),
        ({"phase": "Pending", "approvals": [{"decision": "other"}]}, False),
        ({"phase": "Pending", "approvals": [{"decision": "one"}]}, True),
        ({"phase": "Pending", "ignored": [{"decision": "one", "why": "no"}]}, True),
        ({"phase": "Denied"}, True),
    ],
)
def test_a_status_tells_what_became_of_a_decision(status: dict[str, Any], told: bool):  # noqa: FBT001
    assert counted(held() | {"status": status}, "one") is told


def test_no_fact_hides_anything():
    of = held(requester={"username": "a\u3164\x1b[2Jb", "uid": "\u202e"}, rule="x\u200by")
    of["status"] = {"phase": "Pending", "message": "m\rn"}
    found = facts(of, terms(reference="r\u2028s"), [], NOW)
    assert not [one for fact in found for one in fact.text if unseen(one)]
