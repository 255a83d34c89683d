"""Sealed contents beside a log: durable, bounded, deleted when their time is up and not before."""

import asyncio
import hashlib
from datetime import date, timedelta
from pathlib import Path

import pytest

from casemate.warden import archivefiles
from casemate.warden.archive import Archive
from casemate.warden.archivefiles import FOLDER, MOST_FILE, files, named, scan
from casemate.warden.callers import RefusedError
from casemate.warden.log.disk import OsDisk, Room

DAY = date(2026, 11, 24)


class Disk(OsDisk):
    """A disk that fails, or is full, as a test wants it; counts its syncs."""

    def __init__(self) -> None:
        self.syncs, self.torn, self.free = 0, False, 1 << 40

    def write(self, fd: int, data: bytes) -> None:
        if self.torn:
            super().write(fd, data[: len(data) // 2])
            raise OSError(28, "No space left on device")
        super().write(fd, data)

    def sync(self, fd: int) -> None:
        self.syncs += 1
        super().sync(fd)

    def room(self, _directory: Path) -> Room:
        return Room(self.free, 1 << 40)


class Desk:
    """An archive with a disk and a day to turn."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.disk, self.day, self.doubt = folder, Disk(), DAY, ""
        self.archive = self.opened()

    def opened(self) -> Archive:
        return Archive(self.folder, lambda: self.doubt, today=lambda: self.day, disk=self.disk)

    def kept(self) -> list[bytes]:
        """All contents, as an export finds them."""
        found = []
        for path in files(self.folder / FOLDER):
            for digest, where in scan(path):
                assert hashlib.sha256(where.read()).digest() == digest
                found.append(where.read())
        return found


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


async def test_what_is_kept_is_there_at_once_and_what_waits_shares_one_sync(desk: Desk) -> None:
    await desk.archive.keep(b"one", 7)
    assert desk.kept() == [b"one"]
    before = desk.disk.syncs
    many = [b"%d" % number for number in range(50)]
    await asyncio.gather(*(desk.archive.keep(one, 7) for one in many))
    assert sorted(desk.kept()) == sorted([b"one", *many])
    assert desk.disk.syncs - before <= 2
    await desk.archive.close()


async def test_a_process_begins_files_of_its_own(desk: Desk) -> None:
    await desk.archive.keep(b"before", 7)
    await desk.archive.close()
    again = desk.opened()
    await again.keep(b"behind", 7)
    await again.close()
    assert [named(path) for path in files(desk.folder / FOLDER)] == [
        (DAY + timedelta(days=7), 1),
        (DAY + timedelta(days=7), 2),
    ]
    assert desk.kept() == [b"before", b"behind"]


async def test_a_torn_write_is_refused_and_hides_nothing_that_was_kept(desk: Desk) -> None:
    await desk.archive.keep(b"before", 7)
    desk.disk.torn = True
    with pytest.raises(RefusedError) as refused:
        await desk.archive.keep(b"torn" * 100, 7)
    assert (refused.value.status, refused.value.reason) == (503, "log_unavailable")
    desk.disk.torn = False
    await desk.archive.keep(b"behind", 7)
    assert desk.kept() == [b"before", b"behind"]


async def test_a_full_volume_keeps_nothing_more(desk: Desk) -> None:
    desk.disk.free = 33 << 20
    await desk.archive.keep(b"x", 7)
    with pytest.raises(RefusedError, match="the log's volume is full"):
        await desk.archive.keep(b"x" * (2 << 20), 7)
    assert desk.kept() == [b"x"]


async def test_too_much_that_waits_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("casemate.warden.archive.MOST_WAITING", 10)
    results = await asyncio.gather(
        *(desk.archive.keep(b"1234", 7) for _ in range(3)), return_exceptions=True
    )
    assert [type(one) for one in results] == [type(None), type(None), RefusedError]
    await desk.archive.keep(b"1234", 7)


async def test_a_large_file_is_followed_by_another(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MOST_FILE > archivefiles.MOST_SEALED
    monkeypatch.setattr("casemate.warden.archive.MOST_FILE", 100)
    for number in range(4):
        await desk.archive.keep(b"%d" % number * 60, 7)
    assert len(files(desk.folder / FOLDER)) == 2
    assert len(desk.kept()) == 4


async def test_contents_go_when_their_own_time_is_up(desk: Desk) -> None:
    await desk.archive.keep(b"a week", 7)
    await desk.archive.keep(b"a day", 1)
    desk.day = DAY + timedelta(days=1)
    assert desk.archive.delete() == []
    desk.day = DAY + timedelta(days=2)
    desk.doubt = "the clock is wrong"
    assert desk.archive.delete() == [], "on a doubtful clock nothing is deleted"
    desk.doubt = ""
    assert desk.archive.delete() == ["2026-11-25.000001.sealed"]
    assert desk.kept() == [b"a week"]
    desk.day = DAY + timedelta(days=8)
    desk.archive.delete()
    assert desk.kept() == []
    await desk.archive.keep(b"later", 1)
    assert desk.kept() == [b"later"]


def test_where_no_contents_were_ever_kept_there_are_none(tmp_path: Path) -> None:
    assert files(tmp_path / FOLDER) == []
    with pytest.raises(ValueError, match="no file of contents"):
        named(tmp_path / "key.pem")
