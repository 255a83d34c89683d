"""What follows from the room on a volume."""

from pathlib import Path

import pytest

from casemate.warden.log.disk import OsDisk, Room
from casemate.warden.log.errors import FullError
from casemate.warden.log.space import MIB, Limits, Space, State, judge
from casemate.warden.log.store import Log
from unit.warden.log.place import DEFAULT, opened, records, until

LIMITS = Limits(drain_percent=10, drain_bytes=100, refuse_bytes=20, reserve_bytes=8)


@pytest.mark.parametrize(
    ("free", "total", "state"),
    [
        (100, 1000, State.OPEN),
        (99, 1000, State.DRAINING),
        (100, 500, State.OPEN),
        (199, 2000, State.DRAINING),
        (200, 2000, State.OPEN),
        (20, 1000, State.DRAINING),
        (19, 1000, State.FULL),
        (0, 0, State.FULL),
    ],
)
def test_room_is_judged_by_percent_and_by_bytes(free: int, total: int, state: State):
    assert judge(Room(free, total), LIMITS) is state


class Narrow(OsDisk):
    """A volume as full as a test says."""

    def __init__(self) -> None:
        self.left = 1 << 40

    def room(self, directory: Path) -> Room:
        return Room(self.left, super().room(directory).total)


def test_the_reserve_is_laid_in_given_up_and_laid_in_again(tmp_path: Path):
    disk = Narrow()
    space = Space(tmp_path, disk, Limits(0, 256 * MIB, 32 * MIB, 1 * MIB))
    reserve = tmp_path / "reserve"
    assert (reserve.stat().st_size, reserve.stat().st_mode & 0o777) == (1 * MIB, 0o600)
    assert reserve.stat().st_blocks * 512 >= 1 * MIB
    space.release()
    assert not reserve.exists()
    disk.left = 32 * MIB
    assert space.look() is State.DRAINING
    assert not reserve.exists()
    disk.left = 33 * MIB
    space.look()
    assert reserve.exists()


async def test_a_log_drains_refuses_and_comes_back_by_itself(tmp_path: Path):
    disk = Narrow()
    given = DEFAULT._replace(limits=Limits(0, 256 * MIB, 32 * MIB, 4096))

    async def told(log: Log, left: int) -> None:
        disk.left = left
        log._book._looked_at = 0
        log._writer.wake()
        state = judge(disk.room(tmp_path), given.limits)
        await until(lambda: log._space.state is state)

    async with opened(tmp_path, given, disk=disk) as log:
        assert log.reason() == ""
        await told(log, 200 * MIB)
        assert "draining: 200 MiB are free" in log.reason()
        assert (await log.append("intent", {})).index == 1
        await told(log, 31 * MIB)
        with pytest.raises(FullError, match="full: 31 MiB are free"):
            await log.append("intent", {})
        await told(log, 1 << 40)
        assert log.reason() == ""
        assert (await log.append("intent", {})).index == 2
        await told(log, 0)
    assert [one["kind"] for one in (await reread(tmp_path))][-2:] == ["stopped", "started"]


async def reread(tmp_path: Path):
    async with opened(tmp_path) as log:
        return records(log)
