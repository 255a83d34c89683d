"""The kill switch: who has the right stops in their own name, and somebody else lets go."""

import pytest

from api.admission_approvals.people import LIFTERS, STOPPERS, SWITCHES, WARDEN, Place
from casemate.core.names import LIFT_ANNOTATION
from support.approvals import Json, switch
from support.policies import ADMIN, ENGINEER, OPERATOR, bind

EVE, IVY = STOPPERS
LOU = LIFTERS[1]
AS_EVE = ("--as=eve", "--as-group=writers", "--as-group=system:authenticated")


def note(user: str, reason: str = "it was a drill, all is well") -> Json:
    return {"metadata": {"annotations": {LIFT_ANNOTATION: f"{user}: {reason}"}}}


@pytest.fixture(scope="module")
def stopped(place: Place) -> str:
    place.world.make(EVE, SWITCHES, switch("by-eve", EVE))
    return f"{SWITCHES}/by-eve"


def test_who_has_the_right_stops_and_others_do_not(place: Place):
    for user in (*STOPPERS, ADMIN):
        assert place.world.call(user, "POST", SWITCHES, switch("new", user)) == ""
    for user in (ENGINEER, LOU):
        refused = place.world.call(user, "POST", SWITCHES, switch("new", user))
        assert f"killswitches: {user} has not the RBAC verb stop on killswitches" in refused


def test_nobody_stops_in_the_name_of_another(place: Place):
    assert place.world.call(EVE, "POST", SWITCHES, switch("new", EVE)) == "", "control"
    refused = place.world.call(EVE, "POST", SWITCHES, switch("new", IVY))
    assert "spec.stoppedBy: found ivy with uid ''; accepted: whoever stops, eve with" in refused
    with_uid = switch("new", EVE, stoppedBy={"username": EVE, "uid": "u-eve"})
    assert place.acting(ADMIN, with_uid, *AS_EVE, "--as-uid=u-eve") == "", "control"
    assert "found eve with uid 'u-eve'" in place.acting(ADMIN, with_uid, *AS_EVE)


@pytest.mark.parametrize("user", [OPERATOR, WARDEN])
def test_no_program_stops_or_lifts(place: Place, stopped: str, user: str):
    bind(place.world, "casemate-stopper", user)
    bind(place.world, "casemate-lifter", user)
    assert place.world.call(LOU, "PATCH", stopped, note(LOU)) == "", "control"
    says = "killswitches: accepted from people, not from programs"
    assert says in place.world.call(user, "POST", SWITCHES, switch("new", user))
    assert says in place.world.call(user, "PATCH", stopped, note(user))
    assert says in place.world.call(user, "DELETE", stopped)


def test_nobody_changes_what_is_stopped(place: Place, stopped: str):
    assert place.world.call(LOU, "PATCH", stopped, note(LOU)) == "", "control"
    change = {"spec": {"reason": "another reason than that"}} | note(LOU)
    assert "must stay as it was made" in place.world.call(LOU, "PATCH", stopped, change)


def test_another_person_lifts_with_a_note(place: Place):
    where = f"{SWITCHES}/lifted"
    place.world.make(EVE, SWITCHES, switch("lifted", EVE))
    says = f"metadata.annotations {LIFT_ANNOTATION}: who lifts it says so and why"
    assert says in place.world.call(LOU, "DELETE", where)
    media = "application/merge-patch+json"
    place.world.as_user(LOU).request("PATCH", where, note(LOU), media)
    assert says in place.world.call(IVY, "DELETE", where), "the note is another's"
    assert "accepted: 'ivy: REASON'" in place.world.call(IVY, "DELETE", where)
    assert place.world.call(LOU, "DELETE", where) == ""
    assert place.world.call(LOU, "DELETE", SWITCHES) != "", "others have no note"
    place.world.as_user(LOU).request("DELETE", where)


@pytest.mark.parametrize("reason", ["", "x" * 9, "   short   "])
def test_a_note_has_a_reason_and_its_writer_s_name(place: Place, stopped: str, reason: str):
    assert place.world.call(LOU, "PATCH", stopped, note(LOU, "x" * 10)) == "", "control"
    assert "accepted: 'lou: REASON'" in place.world.call(LOU, "PATCH", stopped, note(LOU, reason))
    assert "accepted: 'lou: REASON'" in place.world.call(LOU, "PATCH", stopped, note(IVY))
    label = {"metadata": {"labels": {"a": "b"}}}
    assert "accepted: 'lou: REASON'" in place.world.call(LOU, "PATCH", stopped, label)


def test_who_stopped_does_not_lift(place: Place):
    where = f"{SWITCHES}/by-ivy"
    place.world.make(IVY, SWITCHES, switch("by-ivy", IVY))
    says = "spec.stoppedBy: ivy stopped it; accepted to lift it: another person"
    assert says in place.world.call(IVY, "PATCH", where, note(IVY))
    media = "application/merge-patch+json"
    place.world.as_user(LOU).request("PATCH", where, note(LOU), media)
    assert says in place.world.call(IVY, "DELETE", where)
    assert place.world.call(LOU, "DELETE", where) == "", "control"


def test_who_has_no_right_to_lift_does_not(place: Place, stopped: str):
    assert place.world.call(LOU, "PATCH", stopped, note(LOU)) == "", "control"
    for user in (ENGINEER, EVE):
        for method, body in (("PATCH", note(user)), ("DELETE", None)):
            refused = place.world.call(user, method, stopped, body)
            assert f"killswitches: {user} has not the RBAC verb lift" in refused


def test_nobody_makes_a_switch_that_is_lifted_already(place: Place):
    assert place.world.call(EVE, "POST", SWITCHES, switch("new", EVE)) == "", "control"
    body = switch("new", EVE)
    body["metadata"] |= note(LOU)["metadata"]
    assert "accepted once it is stopped" in place.world.call(EVE, "POST", SWITCHES, body)
