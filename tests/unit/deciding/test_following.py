"""What is known of a collection: told again while nothing changes, and never of the past."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from casemate.deciding.following import Seen, _changed, repeated

Json = dict[str, object]


def event(kind: str, uid: str, version: str = "1") -> Json:
    return {"type": kind, "object": {"metadata": {"uid": uid, "resourceVersion": version}}}


def test_events_add_change_and_take_away_and_bookmarks_do_nothing() -> None:
    known: dict[str, Json] = {}
    for one, told, left in (
        (event("ADDED", "a"), True, {"a"}),
        (event("MODIFIED", "b"), True, {"a", "b"}),
        (event("BOOKMARK", ""), False, {"a", "b"}),
        (event("DELETED", "a"), True, {"b"}),
    ):
        assert _changed(known, one) is told
        assert known.keys() == left


async def test_the_last_is_told_again_while_nothing_changes_and_a_change_at_once() -> None:
    first, second, gate = Seen([]), Seen([], "away"), asyncio.Event()

    async def changes() -> AsyncGenerator[Seen]:
        yield first
        await gate.wait()
        yield second
        await asyncio.Event().wait()

    moments = repeated(changes(), 0.01)
    assert [await anext(moments) for _ in range(3)] == [first] * 3
    gate.set()
    async with asyncio.timeout(5):
        while await anext(moments) is not second:
            pass
    await moments.aclose()


async def test_what_ends_the_changes_ends_it() -> None:
    async def changes() -> AsyncGenerator[Seen]:
        yield Seen([])
        raise ValueError("refused")

    moments = repeated(changes(), None)
    assert await anext(moments) == Seen([])
    with pytest.raises(ValueError, match="refused"):
        await anext(moments)
