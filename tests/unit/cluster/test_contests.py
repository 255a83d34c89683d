"""The memory of repairs: what is contested, for how long, and that nothing is kept for ever."""

from casemate.cluster.contests import Contests
from casemate.cluster.keys import Key
from casemate.core.contest import AT_ONCE, OVER_SECONDS
from casemate.core.observed import Ref, Repair

KEY, SERVICE = Key("n", "m"), Ref("Service", "m")
EDIT = Repair(SERVICE, "edited", (), ())


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def _contested() -> tuple[Contests, Clock]:
    clock = Clock()
    contests = Contests(clock)
    for _ in range(int(AT_ONCE)):
        assert contests.of(KEY).get(SERVICE, (0,))[0] == 0
        contests.repaired(KEY, SERVICE)
    return contests, clock


def test_a_contest_begins_when_a_repair_has_to_wait_and_is_told_once() -> None:
    contests, _ = _contested()
    assert contests.of(KEY)[SERVICE].wait > 0
    assert contests.of(KEY)[SERVICE].text == ""
    assert contests.put_off(KEY, [EDIT]) == [EDIT]
    assert contests.put_off(KEY, [EDIT]) == []
    assert "again and again" in contests.of(KEY)[SERVICE].text


def test_it_is_forgotten_when_it_is_over_and_may_begin_anew() -> None:
    contests, clock = _contested()
    contests.put_off(KEY, [EDIT])
    clock.now += OVER_SECONDS - 1
    assert contests.of(KEY)[SERVICE].text
    clock.now += 1
    assert contests.of(KEY) == {}
    assert contests._bouts == {}


def test_deployments_do_not_share_what_they_may() -> None:
    contests, _ = _contested()
    other = Key("n", "other")
    assert contests.of(other) == {}
    contests.forget(KEY)
    assert contests.of(KEY) == {}
