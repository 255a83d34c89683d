"""Who changes a child again and again is answered more slowly, and a person is told.

Two writers that each undo the other would otherwise go on as fast as the API server lets them, and
the other one's value would stand half of the time all the same.
"""

from typing import NamedTuple

from casemate.core.observed import Contest, Repair

AT_ONCE = 10
"""Repairs of one child that are made at once; each comes back after `EVERY_SECONDS`."""
EVERY_SECONDS = 10.0
"""Between two repairs of a child once those are used up: longer, and an open policy stays open."""
OVER_SECONDS = 30.0
"""How long nothing must have been repaired until a contest is over."""


class Bout(NamedTuple):
    """The repairs of one child so far."""

    left: float = AT_ONCE
    """Repairs that might be made at once, just after the last one."""
    last: float = 0.0
    """When the last one was made."""
    text: str = ""
    """What is contested and by whom, from when a repair was first put off."""


def repaired(bout: Bout, now: float) -> Bout:
    """The bout after one more repair."""
    return bout._replace(left=_left(bout, now) - 1, last=now)


def put_off(bout: Bout, repair: Repair) -> Bout:
    """The bout after a repair had to wait."""
    return bout if bout.text else bout._replace(text=words(repair))


def is_over(bout: Bout, now: float) -> bool:
    """Whether nobody has touched the child for so long that it may be forgotten."""
    return now - bout.last >= OVER_SECONDS


def contest(bout: Bout, now: float) -> Contest:
    """What a decision must know of a bout."""
    wait = max(1 - _left(bout, now), 0.0) * EVERY_SECONDS
    return Contest(wait, bout.text, OVER_SECONDS - (now - bout.last))


def words(repair: Repair) -> str:
    """Says what a repair is about that has to wait."""
    who = f" by {', '.join(repair.managers)}" if repair.managers else ""
    what = f" ({', '.join(repair.fields)})" if repair.fields else ""
    return (
        f"{repair.ref} is {repair.action} again and again{who}{what}: it is restored every "
        f"{EVERY_SECONDS:.0f} s; stop who does that"
    )


def _left(bout: Bout, now: float) -> float:
    return min(bout.left + (now - bout.last) / EVERY_SECONDS, AT_ONCE)
