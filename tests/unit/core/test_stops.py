"""Which deployments a kill switch stops."""

import pytest

from casemate.core.stops import finding, stopped
from support.approvals import Json, switch

_ONE = {"scope": "Deployment", "deployment": {"namespace": "models", "name": "m"}}
_UNDER = {"scope": "Agreement", "agreementRef": {"name": "harbour"}}


@pytest.mark.parametrize(
    ("spec", "stops", "spares"),
    [
        (_ONE, ("models", "m", "harbour"), ("models", "n", "harbour")),
        (_ONE, ("models", "m", "other"), ("others", "m", "harbour")),
        (_UNDER, ("others", "n", "harbour"), ("models", "m", "other")),
    ],
)
def test_a_switch_stops_what_it_names(spec: Json, stops: tuple[str, str, str], spares: Json):
    switches = [switch("s", "eve", **spec)]
    assert stopped(switches, *stops) == "stopped by eve (KillSwitch s): an answer went astray"
    assert stopped(switches, *spares) == ""


def test_a_switch_for_all_stops_all_and_none_stops_nothing() -> None:
    assert stopped([switch("s", "eve")], "any", "one", "terms") != ""
    assert stopped([], "any", "one", "terms") == ""


def test_the_second_of_two_switches_counts_too() -> None:
    switches = [switch("a", "eve", **_ONE), switch("b", "eve", **_UNDER)]
    assert "KillSwitch b" in stopped(switches, "models", "n", "harbour")


@pytest.mark.parametrize(
    "broken",
    [{"scope": "Some"}, {"scope": "Deployment"}, {"scope": "All", "deployment": None, "x": 1}],
    ids=str,
)
def test_a_switch_that_nobody_can_read_stops_everything(broken: Json) -> None:
    assert "which breaks a rule" in stopped([switch("s", "eve", **broken)], "any", "one", "terms")


def test_a_status_says_who_stopped_it_and_why_and_that_others_did_too() -> None:
    switches = [switch("a", "eve", **_ONE), switch("b", "ivy"), switch("c", "eve", **_UNDER)]
    found = finding(switches, "models", "m", "other")
    assert (found.type, found.status, found.reason) == ("NotStopped", "False", "Stopped")
    told = "stopped by eve (KillSwitch a): an answer went astray"
    assert found.message == f"{told}; 1 more stop it too"
    assert finding(switches[:1], "models", "m", "other").message == told
    spared = finding(switches[:1], "models", "n", "other")
    assert (spared.status, spared.reason) == ("True", "NotStopped"), "control: a neighbour"


def test_what_nobody_can_tell_of_is_not_said_to_be_free() -> None:
    found = finding(None, "models", "m", "harbour")
    assert (found.status, found.reason) == ("Unknown", "StopsUnknown")
    assert finding([], "models", "m", "harbour").status == "True", "control"


def test_however_much_somebody_wrote_an_event_takes_it() -> None:
    longest = switch("s" * 253, "e" * 256, reason="why " * 250)
    found = finding([longest, switch("t", "ivy")], "models", "m", "harbour")
    assert found.message.endswith("…; 1 more stop it too")
    assert len(found.message) <= 1024
    assert all(part in found.message for part in ("e" * 256, "s" * 253))
