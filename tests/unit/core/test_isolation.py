"""From the warden's word to gates and to what a status says."""

from datetime import timedelta

import pytest

from casemate.api.terms import spelled
from casemate.core.isolation import (
    FRESH_SECONDS,
    REFRESH_SECONDS,
    Gate,
    Mark,
    Pod,
    Word,
    Words,
    finding,
    marks,
    report,
    troubles,
)
from casemate.core.status import condition
from unit.core.health_states import isolated
from unit.core.world import NOW, conditions

EARLIER = spelled(NOW - timedelta(hours=1))
OPEN = Gate("True", "Enforced", "isolation is proven", spelled(NOW), EARLIER)
SHUT = Gate("False", "NotEnforced", "reached the canary", spelled(NOW), EARLIER)


def pod(gate: Gate | None = None, name: str = "p") -> Pod:
    return Pod(name, f"uid-of-{name}", gate)


def words(verdict: str = "Enforced", age: float = 0, *, complete: bool = True) -> Words:
    message = "reached the canary" if verdict == "NotEnforced" else "fine"
    word = Word("models", "p", verdict, message, NOW - timedelta(seconds=age))
    return Words("", {"uid-of-p": word}, complete=complete)


def written(gate: Gate | None, said: Words) -> list[tuple[str, str]]:
    return [(one.gate.status, one.gate.reason) for one in marks([pod(gate)], said, NOW)]


def test_a_proof_opens_the_gate_once() -> None:
    (mark,) = marks([pod()], words(), NOW)
    gate = Gate("True", "Enforced", "isolation is proven", spelled(NOW), spelled(NOW))
    assert mark == Mark(pod(), gate)
    assert written(gate, words()) == [], "and it is not written again"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (words("NotEnforced"), "NotEnforced"),
        (words("Inconclusive"), "Inconclusive"),
        (words(age=FRESH_SECONDS + 1), "Inconclusive"),
        (Words("", {}, complete=True), "Inconclusive"),
    ],
    ids=["disproved", "doubted", "too old", "no longer reported"],
)
def test_whatever_is_no_fresh_proof_shuts_it(said: Words, reason: str) -> None:
    assert written(OPEN, said) == [("False", reason)]
    assert written(OPEN, words(age=FRESH_SECONDS - 1)) == [], "control: it was fresh"


@pytest.mark.parametrize("gate", [None, OPEN, SHUT])
def test_while_the_warden_is_silent_every_gate_stays(gate: Gate | None) -> None:
    silent = Words("not heard", words("NotEnforced").pods, complete=True)
    assert written(gate, silent) == []


def test_a_warden_that_just_began_shuts_no_gate_of_a_pod_that_it_has_not_heard_of() -> None:
    assert written(OPEN, Words("", {}, complete=False)) == []
    assert written(OPEN, words("NotEnforced", complete=False)) == [("False", "NotEnforced")]


def test_no_gate_is_written_on_a_pod_of_which_nothing_was_heard() -> None:
    assert written(None, Words("", {}, complete=True)) == []


@pytest.mark.parametrize(("lag", "writes"), [(REFRESH_SECONDS / 2 - 1, 0), (REFRESH_SECONDS, 1)])
def test_the_time_moves_on_in_steps(lag: float, writes: int) -> None:
    gate = OPEN._replace(proven=spelled(NOW - timedelta(seconds=lag)))
    found = list(marks([pod(gate)], words(), NOW))
    assert len(found) == writes
    assert all(one.gate.since == EARLIER for one in found), "its status has not changed"


def test_one_pod_that_is_not_isolated_decides() -> None:
    found = finding([pod(OPEN), pod(SHUT, "q")], words())
    assert (found.status, found.reason) == ("False", "NotEnforced")
    assert found.message == "pod q: reached the canary"


def test_all_pods_must_have_proven_it() -> None:
    older = OPEN._replace(proven=EARLIER)
    both = [pod(OPEN), pod(older, "q")]
    assert finding(both, words()).status == "True"
    assert EARLIER in finding(both, words()).message
    assert report(both)["oldestProofTime"] == EARLIER
    some = finding([pod(OPEN), pod(None, "q")], words())
    assert (some.status, some.reason) == ("Unknown", "Inconclusive")
    assert some.message.startswith("1 of 2 pods have proven their isolation; pod q: ")
    assert report([pod(OPEN), pod(None, "q")])["proven"] == 1


def test_what_is_not_known_is_not_claimed() -> None:
    assert finding([], words()).reason == "NoPods"
    silent = finding([pod(OPEN)], Words("not heard"))
    assert (silent.status, silent.reason) == ("Unknown", "WardenSilent")
    assert "1 of 1" in silent.message


def test_a_pod_that_never_reported_is_no_trouble_yet() -> None:
    shut = "pod p: isolation is not proven: reached the canary"
    assert troubles([pod(SHUT), pod(OPEN), pod(None)]) == [shut]


def test_the_status_says_it_and_ready_says_why() -> None:
    lost = isolated("NotEnforced", "reached the canary", availableReplicas=0)["status"]
    found = conditions(lost)
    assert found["NetworkIsolated"]["status"] == "False"
    assert "m-1: isolation is not proven: reached the canary" in found["Ready"]["message"]
    kept = conditions(isolated()["status"])["NetworkIsolated"]
    assert condition("NetworkIsolated", "True", "Enforced", kept["message"]).items() <= kept.items()
