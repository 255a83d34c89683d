"""Which intents have ended, read from a log again, in a bounded memory."""

from typing import Any

import pytest

from casemate.audit.canonical import canonical_record
from casemate.audit.records import RecordId
from casemate.warden import ended as module
from casemate.warden.ended import Ended

POD, OTHER = "casemate-warden-0", "casemate-warden-1"


def read(*intents: str, first: int = 1000, **more: Any) -> Ended:
    """Begin over a log that holds an outcome of each."""
    made = Ended(POD)
    for seq, intent in enumerate(intents, first):
        made.read(canonical_record({"intent": intent, "kind": "outcome", "seq": seq, **more}))
    return made


def test_what_a_log_says_ended_has_and_its_neighbours_have_not() -> None:
    made = read(f"{POD}/0", f"{POD}/9", f"{POD}/999", f"{OTHER}/5")
    found = {index for index in range(2000) if RecordId(POD, index) in made}
    assert found == {0, 9, 999}
    assert RecordId(OTHER, 5) in made
    assert RecordId(OTHER, 9) not in made
    assert [made.outcome(RecordId(POD, one)) for one in (0, 9, 10)] == [1000, 1001, None]


def test_only_an_outcome_ends_anything_and_no_word_of_a_caller_does() -> None:
    made = Ended(POD)
    said = '"kind":"outcome","intent":"casemate-warden-0/3"'
    intent = {"kind": "intent", "seq": 4, "intent": f"{POD}/3", "caller": {"username": said}}
    made.read(canonical_record(intent))
    made.read(canonical_record({"kind": "approval-consumed", "seq": 5, "intent": f"{POD}/3"}))
    assert RecordId(POD, 3) not in made
    made.read(canonical_record({"kind": "outcome", "seq": 6, "intent": f"{POD}/3"}))
    assert RecordId(POD, 3) in made, "control"


def test_an_intent_ends_behind_itself() -> None:
    made = read(f"{POD}/{10**15}", f"{POD}/1000", first=1000)
    assert RecordId(POD, 10**15) not in made, "and takes no memory for it"
    assert RecordId(POD, 1000) in made, "control"


def test_memory_is_bounded_and_what_ended_here_is_never_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_MOST_REPEATED", 2)
    monkeypatch.setattr(module, "_MOST_OTHERS", 1)
    made = read(*(f"{POD}/{n}" for n in range(5)), f"{OTHER}/1", f"{OTHER}/2")
    assert all(RecordId(POD, n) in made for n in range(5))
    assert made.outcome(RecordId(POD, 4)) is None, "too long ago to be sent again"
    assert made.outcome(RecordId(OTHER, 2)) == 1006
    assert RecordId(OTHER, 2) in made
    assert RecordId(OTHER, 1) not in made
