"""`stop`, `lift`, `stops`: who stops and who lifts, and how each reads."""

import json
from collections.abc import Iterator

import pytest

from api.admission_approvals.people import SWITCHES, Place
from api.deciding.conftest import NOBODY, Kubectl
from casemate.core.names import LIFT_ANNOTATION
from support.policies import ENCLAVE, bind

WHY = ("--reason", "an answer went astray")
LIFT = ("--reason", "it was looked into, all is well")


@pytest.fixture(scope="module")
def stoppers(place: Place) -> Place:
    """Of the two approvers, one may stop and lift, the other may lift."""
    bind(place.world, "casemate-stopper", "ann")
    for person in ("ann", "ben"):
        bind(place.world, "casemate-lifter", person)
    return place


@pytest.fixture
def place_without(stoppers: Place) -> Iterator[Place]:
    """Nothing is stopped afterwards."""
    yield stoppers
    for one in switches(stoppers):
        name = one["metadata"]["name"]
        note = {"metadata": {"annotations": {LIFT_ANNOTATION: "ben: the test has ended"}}}
        ben = stoppers.world.as_user("ben")
        ben.request("PATCH", f"{SWITCHES}/{name}", note, "application/merge-patch+json")
        ben.request("DELETE", f"{SWITCHES}/{name}")


def switches(place: Place) -> list[dict[str, dict[str, object]]]:
    found: list[dict[str, dict[str, object]]] = place.world.as_user("ben").request("GET", SWITCHES)[
        "items"
    ]
    return found


def name_of(out: str) -> str:
    return out.partition("KillSwitch ")[2].partition("\n")[0]


def test_one_stops_and_another_lifts(place_without: Place, casemate: Kubectl) -> None:
    done = casemate("ann", "stop", "all", *WHY, namespace="")
    assert done.status == 0, done.err
    name = name_of(done.out)
    assert done.out == (
        f"stopped everything: KillSwitch {name}\n"
        f"another person lifts it: kubectl casemate lift {name} --reason TEXT\n"
    )
    (made,) = switches(place_without)
    assert made["spec"] == {
        "scope": "All",
        "reason": "an answer went astray",
        "stoppedBy": {"username": "ann", "uid": ""},
    }
    listed = casemate("ben", "stops", namespace="").out.splitlines()
    assert listed[0].split() == ["NAME", "SCOPE", "STOPS", "AGE", "BY", "REASON"]
    assert (name in listed[1], "everything" in listed[1], "ann" in listed[1]) == (True, True, True)

    own = casemate("ann", "lift", name, *LIFT, namespace="")
    assert own.status == 1
    assert own.err == (
        "kubectl casemate lift: ann stopped it, and that is you: another person lifts it\n"
    )
    assert len(switches(place_without)) == 1
    done = casemate("ben", "lift", name, *LIFT, namespace="")
    assert (done.status, done.out) == (0, f"lifted KillSwitch {name}\n")
    assert switches(place_without) == []
    assert casemate("ben", "lift", name, *LIFT, namespace="").status == 3
    nothing = casemate("ben", "stops", namespace="")
    assert (nothing.status, nothing.out, nothing.err) == (0, "", "nothing is stopped\n")


def test_what_is_not_there_is_stopped_with_a_warning(
    place_without: Place, casemate: Kubectl
) -> None:
    done = casemate("ann", "stop", "deployment", "none", *WHY)
    assert done.status == 0
    assert f"there is no deployment {ENCLAVE}/none; it is stopped all the same" in done.err
    done = casemate("ann", "stop", "agreement", "none", *WHY, namespace="")
    assert "there is no agreement none" in done.err
    there = casemate("ann", "stop", "agreement", "harbour", "-o", "json", *WHY, namespace="")
    assert (there.status, there.err) == (0, ""), "control"
    assert json.loads(there.out)["spec"]["agreementRef"] == {"name": "harbour"}
    listed = json.loads(casemate("ann", "stops", "-o", "json", namespace="").out)
    assert {one["spec"]["scope"] for one in listed["items"]} == {"Deployment", "Agreement"}
    assert len(switches(place_without)) == 3


def test_who_has_no_right_neither_stops_nor_lifts(place_without: Place, casemate: Kubectl) -> None:
    done = casemate("ann", "stop", "all", "-o", "name", *WHY, namespace="")
    assert done.status == 0, "control"
    name = done.out.strip().removeprefix("killswitch.casemate.dev/")
    for user, command in (
        (NOBODY, ("stop", "all", *WHY)),
        ("ben", ("stop", "all", *WHY)),
        (NOBODY, ("lift", name, *LIFT)),
    ):
        refused = casemate(user, *command, namespace="")
        assert (refused.status, refused.out) == (1, ""), refused
    assert len(switches(place_without)) == 1


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (("stop", "all", "--reason", "short"), "one line of 10 to 1000 characters"),
        (("stop", "all", "m", *WHY), "`all`, without a name"),
        (("stop", "deployment", *WHY), "`deployment NAME`"),
        (("stop", "some", *WHY), "invalid choice"),
        (("stop", "all"), "--reason"),
        (("lift", "one"), "--reason"),
    ],
)
def test_what_is_not_complete_stops_nothing(
    place_without: Place, casemate: Kubectl, command: tuple[str, ...], says: str
) -> None:
    done = casemate("ann", *command, namespace="")
    assert (done.status, says in done.err) == (2, True), done
    assert switches(place_without) == []
