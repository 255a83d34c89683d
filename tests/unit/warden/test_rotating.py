"""Changing a key of a replica on request: who, why and which is on record; the others follow."""

import asyncio
import json
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, UnixConnector

from casemate.audit.kinds import KeyRotated
from casemate.audit.notes import Note
from casemate.audit.records import parse
from casemate.audit.vkeys import ROLES, public
from casemate.warden import control
from casemate.warden.log.keys import Role, vkey
from casemate.warden.pins import LOG, WITNESS, Keys, PinError, Pins
from casemate.warden.rotating import RotateError, Rotating, asked, key_id
from support.attacks import Layer, attack
from unit.warden.log.place import filled, records, until
from unit.warden.log.test_crash import forked
from unit.warden.two import Replica, replicas

BY = {"username": "ada@example.org", "uid": "u-1"}
WHY = "the yearly change of keys"


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[list[Replica]]:
    async with replicas(tmp_path) as made:
        for one in made:
            await one.among.witnessing.round()
        yield made


def rotating(one: Replica) -> Rotating:
    return Rotating(one.log, one.name, one.among.following)


def wanted(one: Replica, role: str = LOG, **more: Any) -> dict[str, Any]:
    old = key_id(one.log.keys.of(Role(role)).current)
    return {"role": role, "old": old, "overlap": 60, "by": BY, "reason": WHY} | more


async def rotated(one: Replica, role: str = LOG, **more: Any) -> dict[str, Any]:
    return await rotating(one).rotate(asked(wanted(one, role, **more)))


@pytest.mark.parametrize("role", list(Role))
async def test_who_why_and_which_stand_in_the_log(two: list[Replica], role: Role) -> None:
    one = two[0]
    old = one.log.keys.of(role).current
    done = await rotated(one, role)
    (entry,) = one.log.read(one.log.size - 1, one.log.size)
    record = parse(entry.record)
    assert isinstance(record, KeyRotated)
    assert record.by is not None
    assert (record.by.model_dump(), record.reason) == (BY, WHY)
    assert (record.role, record.old) == (role, vkey(old))
    successor = one.log.keys.of(role).next
    assert successor is not None
    assert record.new == vkey(successor) == done["newKey"]
    assert done == {
        "replica": one.name, "role": role, "record": f"{one.name}/{entry.index}",
        "old": key_id(old), "new": key_id(successor), "newKey": record.new, "until": record.until,
    }  # fmt: skip
    shown = rotating(one).standing()["keys"][role]
    assert shown == {
        "id": key_id(old), "key": vkey(old), "successor": key_id(successor), "until": record.until,
    }  # fmt: skip


@attack("evidence", "a request to change a key, sent again once it is changed", Layer.WARDEN)
async def test_the_same_request_changes_no_second_key(two: list[Replica]) -> None:
    one = two[0]
    again = asked(wanted(one))
    await rotating(one).rotate(again)
    with pytest.raises(RotateError, match="is being changed already"):
        await rotating(one).rotate(again)
    one.clock.tick(61)
    await filled(one.log, 1)
    await until(lambda: not one.log.keys.log.left)
    with pytest.raises(RotateError, match=f"old: {again.old} was given; the log key in use is"):
        await rotating(one).rotate(again)
    assert len(one.log.rotations) == 1
    await rotated(one)
    assert len(one.log.rotations) == 2, "control: one that means the key in use"


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"role": "tls"}, "role"),
        ({"reason": "short"}, "reason"),
        ({"reason": "a reason\nof two lines"}, "reason"),
        ({"by": {"username": "", "uid": ""}}, "by.username"),
        ({"by": None}, "by"),
        ({"overlap": "long"}, "overlap"),
    ],
)
async def test_what_is_asked_for_in_another_form_is_refused(
    two: list[Replica], more: dict[str, Any], field: str
) -> None:
    with pytest.raises(RotateError, match=f"^{field}"):
        asked(wanted(two[0]) | more)
    assert asked(wanted(two[0])).role is Role.LOG, "control"


@pytest.mark.parametrize("seconds", [0, 59, 31 * 86400])
async def test_an_overlap_is_bounded(two: list[Replica], seconds: float) -> None:
    with pytest.raises(RotateError, match="overlap: "):
        await rotated(two[0], overlap=seconds)
    assert two[0].log.keys.log.next is None


async def settled(one: Replica, role: Role) -> None:
    """Return once all others go along."""
    async with asyncio.timeout(10):
        while (await rotating(one).change(role))["behind"]:
            for each in (one, *one.others):
                await each.log.proof(each.log.size - 1)
                await each.among.witnessing.round()


@pytest.mark.parametrize("role", list(Role))
async def test_the_others_go_along_at_once(two: list[Replica], role: Role) -> None:
    one, other = two
    await rotated(one, role)
    found = await rotating(one).change(role)
    assert list(found["behind"]) == [other.name], "nothing is signed yet"
    await settled(one, role)
    known = [record for record in records(other.log) if record["kind"] == "peer-keys"]
    assert len(known) == 2, "it is on record there that the keys have changed"
    if role is Role.WITNESS:
        note = (other.volume / "cosigned").read_text()
        signed = Note.parse(note).verify([public(found["newKey"], ROLES["witness"])])
        assert len(signed) == 1


async def test_one_that_is_away_is_behind(two: list[Replica]) -> None:
    one, other = two
    await other.fall_silent()
    await rotated(one)
    behind = (await rotating(one).change(Role.LOG))["behind"]
    assert "does not answer" in behind[other.name]
    await other.answer()
    await settled(one, Role.LOG)


async def test_a_key_that_was_never_changed_has_no_change(two: list[Replica]) -> None:
    with pytest.raises(RotateError, match="never changed"):
        await rotating(two[0]).change(Role.WITNESS)


def told(one: Replica, *rotations: bytes) -> Keys:
    names = one.log.keys.names()
    return Keys(names[LOG], names[WITNESS], rotations)


def said(record: bytes, *keep: int) -> bytes:
    """Return a change with some of its two signatures."""
    found = json.loads(record)
    note = Note.parse(found["note"])
    found["note"] = str(note._replace(lines=tuple(note.lines[one] for one in keep)))
    return json.dumps(found, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()


async def ended(one: Replica, role: Role) -> None:
    """Change a key, to the end of its overlap."""
    await rotated(one, role)
    one.clock.tick(61)
    await one.log.proof((await filled(one.log, 1))[0])
    await until(lambda: not one.log.keys.of(role).left)
    assert one.log.keys.of(role).next is None


@attack("evidence", "a change of a key that the old key did not sign, told to a peer", Layer.WARDEN)
@pytest.mark.parametrize("role", list(Role))
async def test_a_change_that_the_old_key_did_not_sign_is_not_followed(
    two: list[Replica], role: Role, tmp_path: Path
) -> None:
    one = two[0]
    pins = Pins(tmp_path / "pins", two[1].origin)
    assert pins.take(one.name, told(one))
    await ended(one, role)
    (record,) = one.log.rotations
    for forged in ((said(record, 1),), (said(record, 0),), ()):
        with pytest.raises(PinError):
            pins.take(one.name, told(one, *forged))
    assert said(record, 0, 1) == record
    assert pins.take(one.name, told(one, record)), "control"


@attack("evidence", "a change of a key replayed, to have an old key believed again", Layer.WARDEN)
@pytest.mark.parametrize("role", list(Role))
async def test_a_replayed_change_brings_no_old_key_back(
    two: list[Replica], role: Role, tmp_path: Path
) -> None:
    one = two[0]
    pins, first = Pins(tmp_path / "pins", two[1].origin), told(one)
    pins.take(one.name, first)
    for _ in range(2):
        await ended(one, role)
    changes = one.log.rotations
    assert pins.take(one.name, told(one, *changes)), "control: the changes in their order"
    now = "2027-06-01T00:00:00.000Z"
    known = pins.keys(one.name, role, now)
    assert [str(key) for key in known] == [one.log.keys.names()[role]]
    for replayed in ((changes[0],), (changes[1], changes[0]), (*changes, changes[0])):
        pins.take(one.name, first._replace(rotations=replayed))
        assert pins.keys(one.name, role, now) == known, "an old key is not believed again"


@pytest.fixture
def place() -> Iterator[Path]:
    """Where a socket may be, and every user gets to it."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder) / "warden.sock"
        path.write_text("left by an earlier process")
        yield path


@pytest.fixture
async def served(two: list[Replica], place: Path) -> AsyncIterator[Path]:
    """The socket of the first replica."""
    runner = await control.serve(control.app(rotating(two[0])), place)
    yield place
    await runner.cleanup()


def mode(path: Path, new: int | None = None) -> int:
    """Return who may use a file, and let others."""
    before = path.stat().st_mode & 0o777
    if new is not None:
        path.chmod(new)
    return before


async def test_the_warden_is_asked_on_its_socket(two: list[Replica], served: Path) -> None:
    assert mode(served) == 0o600
    keys = await control.ask(served, control.KEYS_PATH, {}, 5)
    assert keys["keys"] == rotating(two[0]).standing()["keys"]
    done = await control.ask(served, control.ROTATE_PATH, wanted(two[0]), 5)
    assert done["new"] != done["old"]
    change = await control.ask(served, control.CHANGE_PATH, {"role": "log"}, 5)
    assert change["behind"]
    for path, body, why in (
        (control.ROTATE_PATH, wanted(two[0]), "being changed already"),
        (control.ROTATE_PATH, {}, "role"),
        (control.CHANGE_PATH, {"role": "tls"}, "tls"),
        (control.CHANGE_PATH, [], "list"),
    ):
        with pytest.raises(control.UnansweredError, match=why):
            await control.ask(served, path, body, 5)
    with pytest.raises(control.UnansweredError, match="no answer"):
        await control.ask(served.with_name("none"), control.KEYS_PATH, {}, 5)


@attack("evidence", "another user of the node on a warden's socket", Layer.WARDEN)
@pytest.mark.skipif(os.getuid() != 0, reason="becomes another user")
async def test_another_user_is_not_heard(two: list[Replica], served: Path) -> None:
    body = wanted(two[0])

    async def asks() -> int:
        url = f"http://localhost{control.ROTATE_PATH}"
        async with (
            ClientSession(connector=UnixConnector(str(served))) as session,
            session.post(url, json=body) as answer,
        ):
            return answer.status

    def other() -> None:
        os.setuid(65534)
        os._exit(asyncio.run(asks()) % 256)

    mode(served, 0o666)
    pid = forked(other)
    _, status = await asyncio.to_thread(os.waitpid, pid, 0)
    assert os.WEXITSTATUS(status) == 403 % 256
    assert two[0].log.rotations == []
    assert await asks() == 200, "control"
