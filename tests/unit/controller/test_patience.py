"""Who waits for an API server, and for how long it believes no refusal."""

from collections.abc import Iterator

import pytest

from casemate.api.conditions import Reason
from casemate.cluster.errors import Error, Stalled, Transient
from casemate.controller.patience import answered
from unit.controller.clock import now, run

AWAY = Transient("no answer")
REFUSED = Stalled(Reason.APPLY_REFUSED, "403")


def _asked(found: Iterator[Error | str]) -> tuple[str, float]:
    """What is answered at last, and after how many seconds."""

    async def ask() -> str:
        one = next(found)
        if isinstance(one, Error):
            raise one
        return one

    async def main() -> tuple[str, float]:
        began = now()
        return await answered(ask, now), now() - began

    return run(main())


def test_an_api_server_that_is_away_is_waited_for() -> None:
    text, seconds = _asked(iter([*[AWAY] * 600, "here"]))
    assert text == "here"
    assert 600 <= seconds <= 1200


def test_one_that_has_just_come_up_may_refuse_for_some_seconds() -> None:
    assert _asked(iter([AWAY, REFUSED, REFUSED, AWAY, *[REFUSED] * 5, "here"]))[0] == "here"


def test_who_goes_on_refusing_is_believed() -> None:
    with pytest.raises(Stalled, match="403"):
        _asked(iter([*[REFUSED] * 30, "here"]))


def test_another_error_is_believed_at_once() -> None:
    with pytest.raises(Error, match="no Service"):
        _asked(iter([Error("no Service"), "here"]))
