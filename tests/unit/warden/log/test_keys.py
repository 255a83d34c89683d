"""Keys: made once, kept private, never made anew beside a log, changed in the open."""

import shutil
from pathlib import Path

import pytest

from casemate.audit.notes import Kind, Note, SignatureError, Verifier
from casemate.warden.log.errors import CannotStartError, LogError
from casemate.warden.log.keys import STATEMENT, Key, Keys, Role, rotation
from unit.warden.log.place import (
    NEVER,
    ORIGIN,
    SetClock,
    crashed,
    filled,
    open_log,
    opened,
    options,
    records,
)


def lines(text: str) -> int:
    """How many signed a note."""
    return len(text.partition("\n\n")[2].splitlines())


async def test_keys_are_private_and_stay_the_same(tmp_path: Path):
    async with opened(tmp_path) as log:
        names = log.keys.names()
    keys = tmp_path / "log" / "keys"
    assert {one.name: one.stat().st_mode & 0o777 for one in keys.iterdir()} == {
        "log.pem": 0o600,
        "witness.pem": 0o600,
    }
    assert keys.stat().st_mode & 0o777 == 0o700
    assert names["log"].startswith(f"{ORIGIN}+")
    assert names["witness"].startswith(f"{ORIGIN}/witness+")
    assert Verifier.parse(names["log"]).kind is Kind.NOTE
    assert Verifier.parse(names["witness"]).kind is Kind.COSIGNATURE
    assert names["log"].rpartition("+")[2] != names["witness"].rpartition("+")[2]
    async with opened(tmp_path) as log:
        assert log.keys.names() == names


async def test_a_key_that_others_may_read_is_closed_to_them(tmp_path: Path):
    async with opened(tmp_path):
        pass
    path = tmp_path / "log" / "keys" / "log.pem"
    path.chmod(0o664)
    async with opened(tmp_path):
        assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("role", list(Role))
async def test_a_key_that_is_missing_beside_a_log_is_refused(tmp_path: Path, role: Role):
    async with opened(tmp_path) as log:
        await filled(log, 2)
    path = tmp_path / "log" / "keys" / f"{role}.pem"
    kept = path.read_bytes()
    path.unlink()
    with pytest.raises(CannotStartError, match=f"{role}.pem is missing beside a log"):
        await open_log(tmp_path)
    assert not path.exists()
    path.write_bytes(kept)
    async with opened(tmp_path) as log:
        assert log.size == 5


async def test_a_missing_key_is_refused_even_where_only_the_checkpoint_is_left(tmp_path: Path):
    async with opened(tmp_path):
        pass
    shutil.rmtree(tmp_path / "log" / "segments")
    (tmp_path / "log" / "keys" / "log.pem").unlink()
    with pytest.raises(CannotStartError, match="is missing beside a log"):
        await open_log(tmp_path)


@pytest.mark.parametrize("content", [b"", b"junk", b"-----BEGIN PRIVATE KEY-----\n"])
async def test_a_key_that_is_none_is_refused(tmp_path: Path, content: bytes):
    async with opened(tmp_path):
        pass
    (tmp_path / "log" / "keys" / "log.pem").write_bytes(content)
    with pytest.raises(CannotStartError, match="no private key"):
        await open_log(tmp_path)


async def test_a_key_behind_a_link_is_refused(tmp_path: Path):
    async with opened(tmp_path):
        pass
    path = tmp_path / "log" / "keys" / "log.pem"
    path.rename(tmp_path / "elsewhere.pem")
    path.symlink_to(tmp_path / "elsewhere.pem")
    with pytest.raises(CannotStartError, match="symbolic links"):
        await open_log(tmp_path)


async def test_a_change_of_keys_overlaps_and_ends(tmp_path: Path):
    clock = SetClock()
    async with opened(tmp_path, clock=clock) as log:
        old = log.keys.names()["log"]
        entry = await log.rotate(Role.LOG, 3600)
        change = rotation(entry.record)
        assert change.old == old != change.new
        assert change.until == int((clock.wall() + 3600) * 1000)
        assert lines(str(log.checkpoint().note)) == 2
        assert lines(records(log)[entry.index]["note"]) == 2
        with pytest.raises(LogError, match="is being changed"):
            await log.rotate(Role.LOG, 3600)
    async with opened(tmp_path, clock=clock) as log:
        assert log.keys.names()["log"] == old
        assert lines(str(log.checkpoint().note)) == 2
        clock.tick(3601)
        await log.proof((await filled(log, 1))[0])
        assert lines(str(log.checkpoint().note)) == 1
        assert log.keys.names()["log"] == change.new
    async with opened(tmp_path, clock=clock) as log:
        assert log.keys.names()["log"] == change.new
        assert (await log.rotate(Role.LOG, 60)).index == log.size - 1


@pytest.mark.parametrize("role", list(Role))
async def test_both_keys_sign_the_change(tmp_path: Path, role: Role):
    async with opened(tmp_path, clock=SetClock()) as log:
        entry = await log.rotate(role, 3600)
        change, fields = rotation(entry.record), records(log)[entry.index]
    note, keys = (
        Note.parse(fields["note"]),
        [Verifier.parse(change.old), Verifier.parse(change.new)],
    )
    assert note.verify(keys) == keys
    assert note.text.splitlines() == [
        STATEMENT, ORIGIN, role, change.old, change.new, "2027-01-15T09:00:00.000Z",
    ]  # fmt: skip
    changed = note._replace(text=note.text.replace("09:00", "09:01"))
    with pytest.raises(SignatureError):
        changed.verify(keys)


async def test_a_change_that_ended_while_nothing_ran_is_taken_up(tmp_path: Path):
    clock = SetClock()
    async with opened(tmp_path, clock=clock) as log:
        change = rotation((await log.rotate(Role.WITNESS, 60)).record)
        assert log.keys.names()["witness"] == change.old
    clock.tick(61)
    async with opened(tmp_path, clock=clock) as log:
        assert log.keys.names()["witness"] == change.new
    assert len(list((tmp_path / "log" / "keys").iterdir())) == 2


async def test_a_new_key_that_the_log_does_not_name_is_dropped(tmp_path: Path):
    async with opened(tmp_path) as log:
        names = log.keys.names()
        log.keys.rotate(Role.LOG, 0, 0)
        assert (tmp_path / "log" / "keys" / "log-next.pem").exists()
    async with opened(tmp_path) as log:
        assert log.keys.names() == names
        assert lines(str(log.checkpoint().note)) == 1
    assert not (tmp_path / "log" / "keys" / "log-next.pem").exists()


async def test_a_new_key_that_the_log_names_must_be_there(tmp_path: Path):
    log = await open_log(tmp_path, options(checkpoint_seconds=NEVER))
    await log.rotate(Role.LOG, 3600)
    await crashed(log)
    path = tmp_path / "log" / "keys" / "log-next.pem"
    kept = path.read_bytes()
    path.unlink()
    with pytest.raises(CannotStartError, match="is missing"):
        await open_log(tmp_path)
    path.write_bytes(kept)
    async with opened(tmp_path) as log:
        assert lines(str(log.checkpoint().note)) == 2


@pytest.mark.parametrize("changed", [False, True])
async def test_a_key_that_the_log_does_not_name_is_refused(tmp_path: Path, changed: bool):  # noqa: FBT001  a case of a test
    clock = SetClock()
    async with opened(tmp_path, clock=clock) as log:
        if changed:
            await log.rotate(Role.WITNESS, 60)
    clock.tick(61)
    async with opened(tmp_path, clock=clock):
        pass
    path = tmp_path / "log" / "keys" / "witness.pem"
    kept = path.read_bytes()
    (tmp_path / "else").mkdir()
    Key(tmp_path / "else", Role.WITNESS, "w", existing=False)
    path.write_bytes((tmp_path / "else" / "witness.pem").read_bytes())
    with pytest.raises(CannotStartError, match=r"witness\.pem is not"):
        await open_log(tmp_path, clock=clock)
    path.write_bytes(kept)
    async with opened(tmp_path, clock=clock) as log:
        assert records(log)[-1]["kind"] == "started"


async def test_an_overlap_has_a_least_length(tmp_path: Path):
    async with opened(tmp_path) as log:
        with pytest.raises(ValueError, match=r"overlap: 59 s was given"):
            await log.rotate(Role.LOG, 59)


def test_keys_can_be_made_again_where_the_first_start_was_cut_short(tmp_path: Path):
    Keys(tmp_path / "keys", ORIGIN, "w", existing=False)
    (tmp_path / "keys" / "witness.pem").unlink()
    keys = Keys(tmp_path / "keys", ORIGIN, "w", existing=False)
    assert set(keys.names()) == {"log", "witness"}
