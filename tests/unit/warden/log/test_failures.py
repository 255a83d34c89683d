"""A disk that fails ends the log: all who wait are told, and nothing is acknowledged any more."""

import asyncio
import json
import os
import resource
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from casemate.warden.log.errors import FatalLogError
from unit.warden.log.place import NEVER, BrokenDisk, filled, open_log, opened, options, records

REPOSITORY = Path(__file__).parents[4]


async def test_a_failed_sync_fails_all_who_wait_and_all_who_come(tmp_path: Path):
    disk = BrokenDisk()
    log = await open_log(tmp_path, options(checkpoint_seconds=NEVER), disk=disk)
    await filled(log, 3)
    before = log.checkpoint()
    disk.broken = True
    waiting = [log.append("intent", {"n": n}) for n in range(5)]
    proof = asyncio.create_task(log.proof(3))
    results = await asyncio.gather(*waiting, proof, return_exceptions=True)
    assert all(isinstance(one, FatalLogError) for one in results), results
    assert "cannot be written: [Errno 22]" in str(await log.failure)
    assert "cannot be written" in log.reason()
    disk.broken = False
    with pytest.raises(FatalLogError):
        await log.append("intent", {})
    with pytest.raises(FatalLogError):
        await log.proof(3)
    with pytest.raises(FatalLogError):
        await log.close()
    assert log.size == 4
    assert log.checkpoint() == before
    async with opened(tmp_path) as again:
        assert [one["n"] for one in records(again) if one["kind"] == "intent"][:3] == [0, 1, 2]


async def test_a_checkpoint_that_cannot_be_synced_is_never_shown(tmp_path: Path):
    disk = BrokenDisk()
    log = await open_log(tmp_path, options(checkpoint_seconds=NEVER), disk=disk)
    await filled(log, 3)
    disk.broken = True
    with pytest.raises(FatalLogError):
        await log.proof(2)
    assert log.checkpoint().size == 1
    with pytest.raises(FatalLogError):
        await log.close()


async def test_a_log_that_cannot_write_its_first_record_does_not_open(tmp_path: Path):
    disk = BrokenDisk()
    disk.broken = True
    with pytest.raises(FatalLogError):
        await open_log(tmp_path, disk=disk)
    async with opened(tmp_path) as log:
        assert records(log)[0]["kind"] == "started"


async def test_a_full_device_fails_the_log(tmp_path: Path):
    log = await open_log(tmp_path)
    await filled(log, 3)
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, log._segments._fd)
    os.close(full)
    with pytest.raises(FatalLogError, match=r"\[Errno 28\] No space left"):
        await log.append("intent", {})
    with pytest.raises(FatalLogError):
        await log.close()
    async with opened(tmp_path) as again:
        assert len(records(again)) >= 5


PROGRAM = """
    import asyncio, json, sys
    from pathlib import Path
    from casemate.warden.log.errors import FatalLogError, FullError
    from unit.warden.log.place import ORIGIN, options
    from casemate.warden.log.space import Limits
    from casemate.warden.log.stamp import SystemClock
    from casemate.warden.log.store import Log

    async def main(directory, limits):
        given = options()._replace(limits=Limits(*limits))
        log = await Log.open(Path(directory), ORIGIN, SystemClock(), given)
        kept, states, ended = log.size, [], ""
        while not ended:
            log._book._looked_at = 0
            try:
                kept = (await log.append("intent", {"text": "x" * 5000})).index + 1
            except (FatalLogError, FullError) as error:
                ended = type(error).__name__
            states += [log._space.state] if log._space.state not in states else []
        closed = ""
        try:
            await log.close()
        except FatalLogError as error:
            closed = str(error)
        print(json.dumps({"kept": kept, "ended": ended, "closed": closed, "states": states}))

    asyncio.run(main(sys.argv[1], json.loads(sys.argv[2])))
"""


class Ended(NamedTuple):
    """How a log in another process ended."""

    kept: int
    ended: str
    closed: str
    states: list[str]


def ended(directory: Path, limits: Sequence[int], most: int = -1) -> Ended:
    """Append in another process until the log refuses."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    command = [sys.executable, "-c", textwrap.dedent(PROGRAM), str(directory)]
    paths = {"PYTHONPATH": f"{REPOSITORY}/operator:{REPOSITORY}/tests"}
    done = subprocess.run(
        [*command, json.dumps(limits)],
        env=os.environ | paths, capture_output=True, text=True, timeout=120, check=False,
        preexec_fn=limit,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return Ended(**json.loads(done.stdout))


NOTHING_WATCHED = [0, 0, 0, 4096]


async def test_a_file_that_may_not_grow_fails_the_log_and_keeps_what_was_acknowledged(
    tmp_path: Path,
):
    most = 300_000
    found = ended(tmp_path / "log", NOTHING_WATCHED, most)
    assert found.ended == "FatalLogError"
    assert "[Errno 27]" in found.closed
    async with opened(tmp_path) as log:
        assert log.size >= found.kept > 50
        assert records(log)[-1]["recovered"]["torn"] > 0


def mount(folder: Path, how: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", how, "tmpfs", folder], check=True)


def fill(path: Path) -> None:
    """Take all the room that a volume has left."""
    with path.open("wb", buffering=0) as filler, suppress(OSError):
        while filler.write(bytes(4096)):
            pass


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A volume of 4 MiB."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    folder = tmp_path / "small"
    folder.mkdir()
    mount(folder, "size=4m")
    yield folder
    subprocess.run(["umount", folder], check=True)


async def test_a_full_volume_fails_the_log_and_keeps_what_was_acknowledged(small: Path):
    found = ended(small / "log", NOTHING_WATCHED)
    assert found.ended == "FatalLogError"
    assert "[Errno 28]" in found.closed
    mount(small, "remount,size=5m")
    async with opened(small) as log:
        assert log.size >= found.kept > 500
        assert records(log)[-1]["recovered"]["torn"] > 0


async def test_a_volume_that_fills_drains_first_then_refuses_and_still_closes(small: Path):
    found = ended(small / "log", [50, 0, 1 << 20, 64 << 10])
    assert found[1:] == ("FullError", "", ["open", "draining", "full"])
    async with opened(small) as log:
        kinds = [one["kind"] for one in records(log)]
        assert kinds[-2:] == ["stopped", "started"]
        assert len(kinds) == found.kept + 2
        assert records(log)[-1]["recovered"]["torn"] == 0


async def test_a_log_opens_on_a_volume_that_is_full_but_for_its_reserve(small: Path):
    ended(small / "log", [50, 0, 1 << 20, 64 << 10])
    reserve = small / "log" / "reserve"
    reserve.write_bytes(bytes(64 << 10))
    fill(small / "filler")
    found = ended(small / "log", [50, 0, 1 << 20, 64 << 10])
    assert found[1:] == ("FullError", "", ["full"])
    (small / "filler").unlink()
    async with opened(small) as log:
        assert [one["kind"] for one in records(log)][-3:] == ["started", "stopped", "started"]
