"""What a log says of approvals: asked, said, spent; over restarts, while it matters."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from casemate.audit.canonical import canonical_record
from casemate.warden.register import Register

POD = "casemate-warden-0"
Json = dict[str, Any]
APPROVAL = {"namespace": "models", "name": "held-1", "uid": "a-1"}
ASKED: Json = {"approval": APPROVAL, "digest": "b" * 64, "expires": "2026-11-27T12:00:00.000Z"}
INTENT: Json = {"approval": APPROVAL, "caller": {"username": 'x "approval":{', "uid": ""}}


def leaf(seq: int, kind: str, fields: Json) -> bytes:
    return canonical_record({**fields, "kind": kind, "seq": seq})


def read(*records: tuple[str, Json]) -> Register:
    """Begin over a log."""
    made = Register(POD)
    for seq, (kind, fields) in enumerate(records):
        made.read(leaf(seq, kind, fields))
    return made


def noted(*records: tuple[str, Json]) -> Register:
    """Take in records as they are made."""
    made = Register(POD)
    for seq, (kind, fields) in enumerate(records):
        made.note(kind, fields, f"{POD}/{seq}")
    return made


BOTH = pytest.mark.parametrize("made", [read, noted])
REQUESTED = ("approval-requested", ASKED)
TRIED = ("intent", INTENT)
SPENT = ("approval-consumed", {"approval": APPROVAL, "intent": f"{POD}/1"})


@BOTH
def test_what_was_asked_is_known_and_nothing_else(made: Any) -> None:
    register = made(("intent", {"caller": {}}), REQUESTED)
    known = register.of("a-1")
    assert known.asked["digest"] == "b" * 64
    assert (known.spent, known.ended, known.denied) == ("", "", False)
    assert register.of("a-2") is None
    assert register.named("models", "held-1") is known
    assert register.named("plans", "held-1") is None


@BOTH
def test_what_is_spent_stays_spent(made: Any) -> None:
    register = made(REQUESTED, TRIED, SPENT, ("outcome", {"intent": f"{POD}/1"}))
    assert register.of("a-1").spent == f"{POD}/1"


@BOTH
def test_what_was_about_to_be_spent_counts_as_spent(made: Any) -> None:
    assert made(REQUESTED, TRIED).of("a-1").spent == f"{POD}/1"


@BOTH
def test_what_the_warden_gave_up_is_not_spent(made: Any) -> None:
    other = ("outcome", {"intent": f"{POD}/9"})
    assert made(REQUESTED, TRIED, other).of("a-1").spent, "control: another intent's end"
    register = made(REQUESTED, TRIED, ("outcome", {"intent": f"{POD}/1"}))
    assert register.of("a-1").spent == ""


@BOTH
@pytest.mark.parametrize("kind", ["approval-expired", "approval-revoked"])
def test_what_has_ended_stays_so(made: Any, kind: str) -> None:
    assert made(REQUESTED, (kind, {"approval": APPROVAL})).of("a-1").ended == kind


@BOTH
def test_who_said_what_is_known(made: Any) -> None:
    def said(name: str, verdict: str) -> tuple[str, Json]:
        who = {"username": name, "uid": ""}
        return "approval-decided", {"approval": APPROVAL, "approver": who, "verdict": verdict}

    known = made(REQUESTED, said("ada", "approve"), said("bob", "deny")).of("a-1")
    assert known.said == {"ada": "approve", "bob": "deny"}
    assert known.denied


def test_what_expired_long_ago_is_forgotten_and_so_unknown() -> None:
    def asked(uid: str, days: float) -> tuple[str, Json]:
        expires = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=days)
        text = expires.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        return "approval-requested", {"approval": APPROVAL | {"uid": uid}, "expires": text}

    register = read(asked("old", 0), asked("late", 7), asked("new", 8.5))
    assert register.of("old") is None
    assert register.of("late") is not None
    assert register.of("new") is not None
