"""What callers see of a log: order, stamps, proofs, and what is refused."""

import asyncio
import itertools
from pathlib import Path
from uuid import UUID

import orjson
import pytest

from casemate.audit.merkle import ProofError, verify_consistency
from casemate.audit.receipts import Trust
from casemate.warden.log.book import Entry
from casemate.warden.log.errors import (
    BackPressureError,
    CannotStartError,
    ClosedError,
    FatalLogError,
)
from casemate.warden.log.store import Log
from unit.warden.log.place import (
    NEVER,
    ORIGIN,
    GatedDisk,
    SetClock,
    filled,
    open_log,
    opened,
    options,
    records,
    root_of,
    segment,
    until,
)


async def test_records_are_stamped_by_the_log(tmp_path: Path):
    async with opened(tmp_path, clock=SetClock(1_800_000_000.5)) as log:
        entry = await log.append("intent", {"route": "/v1/models", "b": {"z": 1, "a": None}})
        found = orjson.loads(entry.record)
    assert entry.index == found["seq"] == 1
    assert str(UUID(found["boot"])) == found.pop("boot")
    assert found == {
        "v": 1,
        "seq": 1,
        "time": "2027-01-15T08:00:00.500Z",
        "kind": "intent",
        "route": "/v1/models",
        "b": {"z": 1, "a": None},
    }
    assert entry.record.startswith(b'{"b":{"a":null,"z":1},"boot":')


async def test_many_callers_get_a_sequence_without_gaps_in_their_order(tmp_path: Path):
    async def caller(log: Log, number: int) -> list[int]:
        return [(await log.append("intent", {"caller": number, "n": n})).index for n in range(50)]

    async with opened(tmp_path, options(segment_bytes=64 << 10)) as log:
        given = await asyncio.gather(*(caller(log, number) for number in range(64)))
        found = records(log)
    assert sorted(index for own in given for index in own) == list(range(1, 64 * 50 + 1))
    assert all(own == sorted(own) for own in given)
    assert [one["seq"] for one in found] == list(range(len(found)))
    for number, own in enumerate(given):
        assert [(found[index]["caller"], found[index]["n"]) for index in own] == [
            (number, n) for n in range(50)
        ]


async def test_it_starts_and_stops_with_a_record(tmp_path: Path):
    for _ in range(2):
        async with opened(tmp_path) as log:
            await filled(log, 3)
            keys = log.keys.names()
    async with opened(tmp_path) as log:
        found = records(log)
    kinds = ["started", "intent", "intent", "intent", "stopped"]
    assert [one["kind"] for one in found] == [*kinds, *kinds, "started"]
    assert len({one["boot"] for one in found}) == 3
    assert [one["recovered"] for one in found if one["kind"] == "started"] == [
        {"size": 0, "torn": 0},
        {"size": 5, "torn": 0},
        {"size": 10, "torn": 0},
    ]
    assert found[-1]["version"] == "1.2.3"
    assert found[-1]["keys"] == keys


async def test_nothing_is_acknowledged_before_it_is_synced(tmp_path: Path):
    disk = GatedDisk()
    async with opened(tmp_path, options(checkpoint_seconds=NEVER), disk=disk) as log:
        disk.gate.clear()
        disk.reached.clear()
        waiting = [asyncio.create_task(log.append("intent", {"n": n})) for n in range(3)]
        await asyncio.to_thread(disk.reached.wait, 10)
        done, _ = await asyncio.wait(waiting, timeout=0.2)
        assert not done
        assert log.size == 1
        disk.gate.set()
        assert [entry.index for entry in await asyncio.gather(*waiting)] == [1, 2, 3]


async def test_too_many_waiting_are_told_to_come_back(tmp_path: Path):
    disk = GatedDisk()
    async with opened(tmp_path, options(checkpoint_seconds=NEVER, waiting=8), disk=disk) as log:
        disk.gate.clear()
        waiting = [asyncio.create_task(log.append("intent", {"n": n})) for n in range(8)]
        await asyncio.sleep(0)
        with pytest.raises(BackPressureError, match="8 records wait") as refused:
            await log.append("intent", {"n": 8})
        assert refused.value.retry_seconds >= 1
        disk.gate.set()
        assert len(await asyncio.gather(*waiting)) == 8
        assert (await log.append("intent", {"n": 9})).index == 9


async def test_a_caller_that_went_away_leaves_its_record(tmp_path: Path):
    disk = GatedDisk()
    async with opened(tmp_path, options(checkpoint_seconds=NEVER), disk=disk) as log:
        disk.gate.clear()
        gone = asyncio.create_task(log.append("intent", {"n": 1}))
        await asyncio.to_thread(disk.reached.wait, 10)
        gone.cancel()
        disk.gate.set()
        assert (await log.append("intent", {"n": 2})).index == 2
        assert [one.get("n") for one in records(log)] == [None, 1, 2]


@pytest.mark.parametrize("kind", ["started", "stopped", "clock-jump", "key-rotated", ""])
async def test_kinds_of_the_log_itself_are_refused(tmp_path: Path, kind: str):
    async with opened(tmp_path) as log:
        with pytest.raises(ValueError, match="kind"):
            await log.append(kind, {})


@pytest.mark.parametrize("field", ["v", "seq", "time", "boot", "kind"])
async def test_stamps_of_a_caller_are_refused(tmp_path: Path, field: str):
    async with opened(tmp_path) as log:
        with pytest.raises(ValueError, match=field):
            await log.append("intent", {field: "mine"})


async def test_what_is_no_json_leaves_no_gap_and_harms_nobody_else(tmp_path: Path):
    async with opened(tmp_path) as log:
        good = [log.append("intent", {"n": n}) for n in range(2)]
        bad = [log.append("intent", {"n": b"raw"}), log.append("intent", {"n": "x" * (1 << 18)})]
        results = await asyncio.gather(good[0], *bad, good[1], return_exceptions=True)
        assert [type(one) for one in results] == [Entry, ValueError, ValueError, Entry]
        assert [record["seq"] for record in records(log)] == [0, 1, 2]


async def test_checkpoints_follow_and_cover_what_is_there(tmp_path: Path):
    async with opened(tmp_path) as log:
        assert log.checkpoint().size == 1
        await filled(log, 700)
        receipt = await log.proof(700)
        assert log.checkpoint().size == log.size == 701
        assert log.checkpoint().root == root_of(log, 701)
        assert receipt.checkpoint == log.checkpoint().note
        assert str(receipt.checkpoint).startswith(f"{ORIGIN}\n701\n")


async def test_a_checkpoint_comes_without_being_asked_for(tmp_path: Path):
    async with opened(tmp_path, options(checkpoint_seconds=0.05)) as log:
        (index,) = await filled(log, 1)
        await until(lambda: log.checkpoint().size > index)


async def test_proofs_hold_whenever_they_are_asked_for(tmp_path: Path):
    async with opened(tmp_path, options(checkpoint_seconds=NEVER)) as log:
        trust = Trust((log.keys.log.current.verifier,))
        for turn in range(4):
            await filled(log, 90 + turn)
            for index in (0, log.size // 2, log.size - 1):
                receipt = await log.proof(index)
                (entry,) = log.read(index, index + 1)
                receipt.verify(entry.record, trust)
                with pytest.raises(ProofError):
                    receipt.verify(entry.record + b" ", trust)


async def test_checkpoints_grow_consistently(tmp_path: Path):
    async with opened(tmp_path, options(checkpoint_seconds=NEVER)) as log:
        seen = [log.checkpoint()]
        for turn in range(5):
            last = (await filled(log, 70 * turn + 1))[-1]
            await log.proof(last)
            seen.append(log.checkpoint())
        for old, new in itertools.combinations(seen, 2):
            proof = await log.consistency(old.size, new.size)
            verify_consistency(old.size, old.root, new.size, new.root, proof)


async def test_a_record_that_changes_on_the_disk_ends_the_log(tmp_path: Path):
    log = await open_log(tmp_path)
    for _ in range(70):
        await filled(log, 256)
    assert (await log.proof(600)).index == 600
    path = segment(tmp_path)
    path.write_bytes(path.read_bytes().replace(b'"n":99,', b'"n":98,'))
    with pytest.raises(FatalLogError, match="records from 256 on changed"):
        await log.proof(301)
    assert "changed" in str(await log.failure)
    with pytest.raises(FatalLogError):
        await log.append("intent", {})
    with pytest.raises(FatalLogError):
        await log.close()


async def test_there_is_no_proof_of_what_is_not_there(tmp_path: Path):
    async with opened(tmp_path) as log:
        for index in (-1, log.size):
            with pytest.raises(ValueError, match="index"):
                await log.proof(index)


async def test_records_are_read_across_segments_and_tiles(tmp_path: Path):
    async with opened(tmp_path, options(segment_bytes=10_000)) as log:
        for _ in range(10):
            await filled(log, 100)
        assert len(list((tmp_path / "log" / "segments").iterdir())) > 5
        for start, end in ((0, 0), (0, 1), (255, 257), (256, 512), (999, 1001), (300, 1001)):
            found = list(log.read(start, end))
            assert [one.index for one in found] == list(range(start, end))
            assert [orjson.loads(one.record)["seq"] for one in found] == list(range(start, end))
        with pytest.raises(ValueError, match="the log has 1001 records"):
            list(log.read(0, 1002))


async def test_two_processes_cannot_write_one_log(tmp_path: Path):
    async with opened(tmp_path):
        with pytest.raises(CannotStartError, match="another process writes this log"):
            await open_log(tmp_path)
    async with opened(tmp_path) as log:
        assert log.size == 3


async def test_a_closed_log_takes_nothing(tmp_path: Path):
    log = await open_log(tmp_path)
    last = asyncio.gather(*(log.append("intent", {"n": n}) for n in range(20)))
    await asyncio.sleep(0)
    await log.close()
    assert len(await last) == 20
    with pytest.raises(ClosedError):
        await log.append("intent", {})
    await log.close()
    async with opened(tmp_path) as again:
        assert [one["kind"] for one in records(again)][-2:] == ["stopped", "started"]


async def test_a_clock_that_is_set_is_recorded(tmp_path: Path):
    clock = SetClock()
    async with opened(tmp_path, clock=clock) as log:
        await filled(log, 1)
        clock.tick(3600)
        await filled(log, 1)
        clock.now -= 0.001
        await filled(log, 1)
        clock.now += 5
        await filled(log, 1)
        found = records(log)
    assert [one["kind"] for one in found[1:]] == [
        "intent",
        "intent",
        "clock-jump",
        "intent",
        "clock-jump",
        "intent",
    ]
    assert [one["milliseconds"] for one in found if one["kind"] == "clock-jump"] == [-1, 5000]
    assert found[3]["before"] == "2027-01-15T09:00:00.000Z"
    assert found[3]["after"] == found[3]["time"] == "2027-01-15T08:59:59.999Z"


async def test_a_clock_that_was_set_back_while_nothing_ran_is_recorded(tmp_path: Path):
    clock = SetClock()
    async with opened(tmp_path, clock=clock):
        pass
    clock.now -= 60
    async with opened(tmp_path, clock=clock) as log:
        assert [one["kind"] for one in records(log)][2:] == ["started", "clock-jump"]
    clock.now += 600
    async with opened(tmp_path, clock=clock) as log:
        assert [one["kind"] for one in records(log)][5:] == ["started"]
