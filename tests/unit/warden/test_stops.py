"""Kill switches at the warden, in moments that no API server can be asked to make."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from casemate.audit.records import check
from casemate.cluster.errors import Transient
from casemate.core.names import LIFT_ANNOTATION
from casemate.core.stops import stop_of
from casemate.warden import stoprecorder, stops
from casemate.warden.callers import RefusedError
from casemate.warden.log.errors import FullError
from casemate.warden.log.stamp import SystemClock
from casemate.warden.log.store import Log
from casemate.warden.stoprecords import in_force, killed, lifted
from casemate.warden.stops import Stops
from casemate.warden.switches import Listed
from support.approvals import switch

Json = dict[str, Any]
MODEL = ("models", "m", "harbour")
NOTE = "lou: it was looked into"


def made(name: str, uid: str = "", **changed: Any) -> Json:
    body = switch(name, "eve", **changed)
    body["metadata"]["uid"] = uid or f"uid-of-{name}"
    return body


def noted(body: Json, note: str) -> Json:
    return {**body, "metadata": {**body["metadata"], "annotations": {LIFT_ANNOTATION: note}}}


class Source:
    """Says what a test has put there."""

    def __init__(self) -> None:
        self.there: dict[str, Json] = {}
        self.words: dict[str, Json] = {}
        self.away = False
        self.asked = 0

    def put(self, *bodies: Json) -> None:
        self.there = {one["metadata"]["uid"]: one for one in bodies}

    async def all(self) -> Listed:
        self.asked += 1
        if self.away:
            raise Transient("away")
        return Listed(dict(self.there), str(self.asked))

    async def last(self, uid: str, since: str) -> Mapping[str, Any] | None:
        assert since
        if self.away:
            raise Transient("away")
        return self.words.get(uid)


class Place:
    def __init__(self, log: Log, source: Source) -> None:
        self.log, self.source = log, source
        self.stops = Stops(source, log)
        self.task = asyncio.create_task(self.stops.run())

    def reason(self) -> str:
        return self.stops.reason(*MODEL)

    def records(self) -> list[tuple[str, str]]:
        found = (json.loads(one.record) for one in self.log.read(0, self.log.size))
        return [(one["kind"], one["switch"]["name"]) for one in found if "switch" in one]


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110  what is waited for has no event
            await asyncio.sleep(0.005)


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[Log]:
    kept = await Log.open(tmp_path / "log", "log/of/test", SystemClock())
    yield kept
    await kept.close()


@pytest.fixture
async def place(log: Log, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    monkeypatch.setattr(stops, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(stoprecorder, "WORDS_SECONDS", 0.3)
    found = Place(log, Source())
    await until(lambda: found.stops.known)
    yield found
    found.task.cancel()
    await asyncio.gather(found.task, return_exceptions=True)


async def test_what_cannot_be_recorded_is_stopped_and_stays_so(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = place.log.append

    async def full(*_: Any) -> Any:
        raise FullError("the volume is full")

    monkeypatch.setattr(place.log, "append", full)
    one = made("full")
    place.source.put(one)
    await until(place.reason)
    place.source.words = {"uid-of-full": noted(one, NOTE)}
    place.source.put()
    seen = place.source.asked
    await until(lambda: place.source.asked > seen + 20)
    assert "KillSwitch full" in place.reason(), "gone, but its lift is not on record"
    monkeypatch.setattr(place.log, "append", append)
    await until(lambda: not place.reason())
    assert place.records() == [("kill", "full"), ("lift", "full")]


async def test_it_stays_in_force_until_somebody_tells_who_lifted_it_or_nobody_does(
    place: Place,
) -> None:
    one = made("quiet")
    place.source.put(one)
    await until(place.records)
    place.source.put()
    seen = place.source.asked
    await until(lambda: place.source.asked > seen + 3)
    assert place.reason()
    await until(lambda: not place.reason())
    last = json.loads(list(place.log.read(0, place.log.size))[-1].record)
    assert (last["kind"], last["by"]) == ("lift", None)


async def test_a_switch_that_is_back_is_in_force_and_on_record_again(place: Place) -> None:
    one = made("back")
    place.source.put(one)
    await until(place.reason)
    place.source.words = {"uid-of-back": noted(one, NOTE)}
    place.source.put()
    await until(lambda: not place.reason())
    # A cluster that was set back to a backup has it again.
    place.source.put(one)
    await until(place.reason)
    await until(lambda: len(place.records()) == 3)
    assert place.records()[-1] == ("kill", "back")


async def test_a_switch_that_is_back_before_its_lift_is_on_record_was_never_lifted(
    place: Place,
) -> None:
    one = made("flash")
    place.source.put(one)
    await until(place.records)
    place.source.put()
    seen = place.source.asked
    await until(lambda: place.source.asked > seen + 1)
    place.source.put(one)
    await asyncio.sleep(0)
    seen = place.source.asked
    await until(lambda: place.source.asked > seen + 60)
    assert place.reason()
    assert place.records() == [("kill", "flash")]


async def test_who_waits_hears_of_a_change_and_of_nothing_else(place: Place) -> None:
    await place.stops.after(place.stops.serial + 1, 60)
    serial = place.stops.serial
    await place.stops.after(serial, 0.1)
    assert place.stops.serial == serial, "nothing is new"
    waiting = asyncio.create_task(place.stops.after(serial, 60))
    place.source.put(made("news"))
    async with asyncio.timeout(5):
        await waiting
    assert place.stops.serial != serial
    assert place.reason()


async def test_without_a_good_look_everything_is_stopped_and_who_waits_is_told(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.stops.require_none(*MODEL)
    serial = place.stops.serial
    monkeypatch.setattr(stops, "KNOWN_SECONDS", 0.1)
    place.source.away = True
    async with asyncio.timeout(5):
        await place.stops.after(serial, 60)
    assert place.reason() == stops.NOT_KNOWN
    with pytest.raises(RefusedError) as refused:
        place.stops.require_none(*MODEL)
    assert (refused.value.status, refused.value.reason) == (503, "stops_unknown")
    place.source.away = False
    place.source.put(made("found"))
    await until(lambda: "KillSwitch found" in place.reason())
    with pytest.raises(RefusedError) as refused:
        place.stops.require_none(*MODEL)
    assert (refused.value.status, refused.value.reason) == (403, "stopped")


async def test_serials_of_two_processes_differ(place: Place) -> None:
    other = Stops(place.source, place.log)
    assert abs(other.serial - place.stops.serial) > 1000


ONE: Json = {"scope": "Deployment", "deployment": {"namespace": "models", "name": "m"}}
UNDER: Json = {"scope": "Agreement", "agreementRef": {"name": "harbour"}}


@pytest.mark.parametrize(
    "spec", [{}, ONE, UNDER, {"scope": "Some"}, {"reason": None}, {"stoppedBy": {}}], ids=str
)
def test_what_a_log_remembers_stops_the_same(spec: Json) -> None:
    body = made("kept", **spec)
    fields = killed(body)
    check("kill", fields)
    raw = json.dumps({**fields, "kind": "kill"}, separators=(",", ":")).encode()
    other = b'{"kind":"intent","model":"\\"kind\\":\\"kill\\""}'
    (remembered,) = in_force([other, raw]).values()
    for which in (MODEL, ("models", "n", "harbour"), ("elsewhere", "m", "other")):
        now = bool(stop_of([body], *which))
        assert bool(stop_of([remembered], *which)) == now
    lift = json.dumps({**lifted(body), "kind": "lift"}, separators=(",", ":")).encode()
    assert in_force([raw, lift]) == {}
    assert len(in_force([raw, lift, raw])) == 1


@pytest.mark.parametrize(
    ("note", "by", "reason"),
    [
        (NOTE, "lou", "it was looked into"),
        ("https://id.example#lou: well: go on", "https://id.example#lou", "well: go on"),
        ("", None, None),
        ("no colon at all", None, None),
        (": nobody said this", None, None),
        (f"{'x' * 1025}: too long a name", None, None),
        (f"lou: {'x' * 5000}", "lou", "x" * 4096),
    ],
    ids=["plain", "colons", "none", "no colon", "no name", "long name", "long reason"],
)  # fmt: skip
def test_a_note_tells_who_and_why_or_nobody_knows(
    note: str, by: str | None, reason: str | None
) -> None:
    fields = lifted(noted(made("noted"), note))
    check("lift", fields)
    assert fields["by"] == (by and {"username": by, "uid": ""})
    assert fields["reason"] == reason
    assert lifted(made("bare"))["by"] is None
