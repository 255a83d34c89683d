"""What a start makes of the disk: torn ends are cut off, all that is signed for must be there."""

import os
import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from casemate.audit.notes import Signer
from casemate.warden.log.checkpoints import Notary
from casemate.warden.log.errors import CannotStartError, FatalLogError
from casemate.warden.log.frames import Kind, encode
from casemate.warden.log.keys import Key, Role
from casemate.warden.log.recovery import Recovery
from casemate.warden.log.segments import Segments, scan
from casemate.warden.log.tree import Tree
from unit.warden.log.place import (
    NEVER,
    ORIGIN,
    crashed,
    filled,
    open_log,
    opened,
    options,
    records,
    root_of,
    segment,
)

QUIET = options(checkpoint_seconds=NEVER)


async def after_crash(directory: Path, signed: int, unsigned: int) -> bytes:
    """Leave a log with records that a checkpoint covers, and some that none does, behind it."""
    log = await open_log(directory, QUIET)
    await filled(log, signed)
    await log.proof(log.size - 1)
    for n in range(unsigned):
        await log.append("outcome", {"n": n})
    await crashed(log)
    return segment(directory).read_bytes()


async def test_all_that_was_acknowledged_is_there_after_a_crash(tmp_path: Path):
    await after_crash(tmp_path, 300, 3)
    async with opened(tmp_path) as log:
        found = records(log)
        assert [one["kind"] for one in found] == [
            "started", *["intent"] * 300, *["outcome"] * 3, "started",
        ]  # fmt: skip
        assert found[-1]["recovered"] == {"size": 304, "torn": 0}
        assert log.checkpoint().root == root_of(log, log.checkpoint().size)


async def test_an_end_that_is_torn_anywhere_is_cut_off_and_said(tmp_path: Path):
    whole = await after_crash(tmp_path, 3, 2)
    *_, before, last = [frame for frame in scan(segment(tmp_path)) if frame.kind is Kind.RECORD]
    for cut in range(last.start, last.end + 1):
        shutil.rmtree(tmp_path / "again", ignore_errors=True)
        shutil.copytree(tmp_path, tmp_path / "again")
        segment(tmp_path / "again").write_bytes(whole[:cut])
        async with opened(tmp_path / "again") as log:
            found = records(log)
            kept = cut == last.end
            assert len(found) == 6 + kept, cut
            torn = 0 if kept else cut - last.start
            assert found[-1]["recovered"] == {"size": 5 + kept, "torn": torn}
            assert found[4]["n"] == 0
            assert [one["seq"] for one in found] == list(range(len(found)))
            assert log.checkpoint().root == root_of(log, log.checkpoint().size)
    assert before.end == last.start


@pytest.mark.parametrize("junk", [bytes(4096), b"\xff" * 100, b"{}", b"\x05"], ids=len)
async def test_junk_behind_the_end_is_cut_off(tmp_path: Path, junk: bytes):
    whole = await after_crash(tmp_path, 3, 2)
    segment(tmp_path).write_bytes(whole + junk)
    async with opened(tmp_path) as log:
        assert records(log)[-1]["recovered"] == {"size": 6, "torn": len(junk)}
    async with opened(tmp_path) as log:
        assert records(log)[-1]["recovered"] == {"size": 8, "torn": 0}


async def test_every_flipped_bit_in_what_is_signed_for_is_refused(tmp_path: Path):
    whole = await after_crash(tmp_path, 2, 1)
    path = segment(tmp_path)
    *_, note = [frame for frame in scan(path) if frame.kind is Kind.CHECKPOINT]
    for bit in range(note.start * 8):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        with pytest.raises(CannotStartError) as refused:
            await open_log(tmp_path)
        assert str(path) in str(refused.value)
    path.write_bytes(whole)
    async with opened(tmp_path) as log:
        assert log.size == 5


async def test_bits_flipped_behind_the_last_checkpoint_harm_nothing_that_is_signed_for(
    tmp_path: Path,
):
    whole = await after_crash(tmp_path, 2, 1)
    *_, note = [frame for frame in scan(segment(tmp_path)) if frame.kind is Kind.CHECKPOINT]
    for byte in range(note.start, len(whole), 5):
        flipped = bytearray(whole)
        flipped[byte] ^= 0x10
        shutil.rmtree(tmp_path / "again", ignore_errors=True)
        shutil.copytree(tmp_path, tmp_path / "again")
        segment(tmp_path / "again").write_bytes(flipped)
        async with opened(tmp_path / "again") as log:
            said = records(log)[-1]["recovered"]
            assert said["size"] == 3
            assert said["torn"] > 0


async def test_a_record_that_was_replaced_whole_is_refused(tmp_path: Path):
    whole = await after_crash(tmp_path, 3, 0)
    path = segment(tmp_path)
    frame = [one for one in scan(path) if one.kind is Kind.RECORD][2]
    changed = frame.payload.replace(b'"n":1', b'"n":7')
    forged = whole[: frame.start] + encode(Kind.RECORD, changed) + whole[frame.end :]
    assert len(forged) == len(whole)
    path.write_bytes(forged)
    with pytest.raises(CannotStartError, match="does not match the 4 records before it"):
        await open_log(tmp_path)


async def test_records_that_were_swapped_or_taken_out_are_refused(tmp_path: Path):
    whole = await after_crash(tmp_path, 3, 0)
    path = segment(tmp_path)
    one, two = [frame for frame in scan(path) if frame.kind is Kind.RECORD][1:3]
    first, second = whole[one.start : one.end], whole[two.start : two.end]
    for forged in (second + first, first, first + first):
        path.write_bytes(whole[: one.start] + forged + whole[two.end :])
        with pytest.raises(CannotStartError, match="missing or changed"):
            await open_log(tmp_path)
    path.write_bytes(whole[: one.start] + first + second + whole[two.end :])
    async with opened(tmp_path) as log:
        assert log.size == 5


async def rolled(directory: Path) -> None:
    async with opened(directory, options(segment_bytes=2000)) as log:
        for _ in range(40):
            await filled(log, 5)


async def test_the_newest_segment_may_not_be_missing_after_a_crash_either(tmp_path: Path):
    log = await open_log(tmp_path, options(segment_bytes=2000, checkpoint_seconds=NEVER))
    while log._segments.bytes < 2000:
        await filled(log, 1)
    size = log.size
    await filled(log, 1)
    await crashed(log)
    last = segment(tmp_path)
    assert last.name == f"{size:020d}.log"
    kept, path = last.read_bytes(), segment(tmp_path, 0)
    last.unlink()
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(CannotStartError, match=f"size {size} was signed"):
        await open_log(tmp_path)
    path.write_bytes(whole)
    last.write_bytes(kept)
    async with opened(tmp_path) as again:
        assert again.size == size + 2


async def test_a_segment_of_another_name_is_refused(tmp_path: Path):
    await rolled(tmp_path)
    path = segment(tmp_path)
    path.rename(path.with_name("00000000000000000999.log"))
    with pytest.raises(CannotStartError, match="whose file is missing"):
        await open_log(tmp_path)


async def test_a_segment_that_is_missing_is_refused(tmp_path: Path):
    await rolled(tmp_path)
    paths = sorted((tmp_path / "log" / "segments").iterdir())
    assert len(paths) > 4
    for path in paths:
        kept = path.read_bytes()
        path.unlink()
        with pytest.raises(CannotStartError, match="missing"):
            await open_log(tmp_path)
        path.write_bytes(kept)
    async with opened(tmp_path) as log:
        assert log.size == 203


async def test_an_end_that_is_torn_in_an_earlier_segment_is_refused(tmp_path: Path):
    await rolled(tmp_path)
    for number in (0, 2, -2):
        path = segment(tmp_path, number)
        kept = path.read_bytes()
        path.write_bytes(kept[:-1])
        with pytest.raises(CannotStartError, match="later segment exists"):
            await open_log(tmp_path)
        path.write_bytes(kept)
    async with opened(tmp_path) as log:
        assert log.size == 203


async def test_segments_that_changed_places_are_refused(tmp_path: Path):
    await rolled(tmp_path)
    one, two = segment(tmp_path, 1), segment(tmp_path, 2)
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
    with pytest.raises(CannotStartError, match="must follow"):
        await open_log(tmp_path)


async def test_a_new_segment_that_was_not_finished_is_forgotten(tmp_path: Path):
    await rolled(tmp_path)
    draft = segment(tmp_path).with_name("00000000000000000999.log.new")
    draft.write_bytes(b"half")
    async with opened(tmp_path) as log:
        assert log.size == 203
    assert not draft.exists()


async def test_a_log_that_was_cut_back_to_an_older_end_is_refused(tmp_path: Path):
    async with opened(tmp_path, QUIET) as log:
        await filled(log, 5)
        await log.proof(5)
        early = segment(tmp_path).read_bytes()
        await filled(log, 5)
    segment(tmp_path).write_bytes(early)
    with pytest.raises(CannotStartError, match=r"holds 6 records.* size 12 was signed"):
        await open_log(tmp_path)


async def test_a_log_whose_segments_are_gone_is_not_begun_anew(tmp_path: Path):
    async with opened(tmp_path) as log:
        await filled(log, 5)
    shutil.rmtree(tmp_path / "log" / "segments")
    with pytest.raises(CannotStartError, match="records are missing"):
        await open_log(tmp_path)


async def test_a_kept_checkpoint_must_be_about_these_records_and_of_this_key(tmp_path: Path):
    await after_crash(tmp_path, 2, 3)
    kept = tmp_path / "log" / "checkpoint"
    own = Key(tmp_path / "log" / "keys", Role.LOG, ORIGIN, existing=True).current
    other = Signer(ORIGIN, Ed25519PrivateKey.generate())
    tree = Tree(lambda _: [])
    for frame in scan(segment(tmp_path)):
        if frame.kind is Kind.RECORD:
            tree.append(frame.payload)

    def keep(root: bytes, signer: Signer) -> None:
        kept.write_text(str(Notary(ORIGIN).sign(tree.size, root, [signer]).note))

    keep(bytes(32), own)
    with pytest.raises(CannotStartError, match="first 6 records are not those"):
        await open_log(tmp_path)
    keep(tree.root(), other)
    with pytest.raises(CannotStartError, match="no key of this log signed"):
        await open_log(tmp_path)
    keep(tree.root(), own)
    async with opened(tmp_path) as log:
        assert log.size == 7


async def test_what_no_checkpoint_covers_is_written_anew(tmp_path: Path):
    whole = await after_crash(tmp_path, 2, 3)
    path, folder = segment(tmp_path), tmp_path / "log"
    own = Key(folder / "keys", Role.LOG, ORIGIN, existing=True).current.verifier
    os.utime(path, (0, 0))
    segments = Segments(folder / "segments", ORIGIN)
    Recovery(segments, Tree(lambda _: []), ORIGIN, lambda _: None).run([], [own])
    assert path.stat().st_mtime > 0
    assert path.read_bytes() == whole


async def test_records_out_of_sequence_are_refused(tmp_path: Path):
    whole = await after_crash(tmp_path, 2, 1)
    *_, last = scan(segment(tmp_path))
    for payload in (last.payload.replace(b'"seq":3', b'"seq":4'), b"junk", b"{}"):
        segment(tmp_path).write_bytes(whole[: last.start] + encode(Kind.RECORD, payload))
        with pytest.raises(CannotStartError, match="record"):
            await open_log(tmp_path)
    segment(tmp_path).write_bytes(whole)
    async with opened(tmp_path) as log:
        assert log.size == 5


def test_nothing_that_contradicts_what_was_signed_is_signed():
    signers = [Signer(ORIGIN, Ed25519PrivateKey.generate())]
    notary = Notary(ORIGIN)
    notary.sign(5, bytes(32), signers)
    for size, root in ((4, bytes(32)), (5, b"\1" * 32)):
        with pytest.raises(FatalLogError, match="contradicts"):
            notary.sign(size, root, signers)
    assert notary.sign(5, bytes(32), signers).size == 5
    assert notary.sign(6, b"\1" * 32, signers).size == 6


async def test_a_checkpoint_of_another_key_is_refused(tmp_path: Path):
    async with opened(tmp_path) as log:
        await filled(log, 5)
    async with opened(tmp_path / "log") as log:
        await filled(log, 5)
    other = tmp_path / "log" / "log"
    shutil.copy(other / "keys" / "log.pem", tmp_path / "log" / "keys" / "log.pem")
    with pytest.raises(CannotStartError, match="no key of this log signed"):
        await open_log(tmp_path)
    (tmp_path / "log" / "checkpoint").unlink()
    with pytest.raises(CannotStartError, match="no key of this log signed"):
        await open_log(tmp_path)


@pytest.mark.parametrize("text", ["", "junk", "junk\n\nmore\n", "\xff"])
async def test_a_kept_checkpoint_that_is_none_is_refused(tmp_path: Path, text: str):
    async with opened(tmp_path) as log:
        await filled(log, 5)
    (tmp_path / "log" / "checkpoint").write_bytes(text.encode("latin-1"))
    with pytest.raises(CannotStartError, match="checkpoint"):
        await open_log(tmp_path)


async def test_a_log_of_another_origin_is_refused(tmp_path: Path):
    async with opened(tmp_path) as log:
        await filled(log, 5)
    path = segment(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"casemate-warden-0", b"casemate-warden-1"))
    with pytest.raises(CannotStartError):
        await open_log(tmp_path)


async def test_a_record_that_holds_a_checkpoint_is_not_taken_for_one(tmp_path: Path):
    log = await open_log(tmp_path, QUIET)
    await filled(log, 2)
    await log.proof(1)
    frame = [one for one in scan(segment(tmp_path)) if one.kind is Kind.CHECKPOINT][-1]
    text = encode(Kind.CHECKPOINT, frame.payload).decode("latin-1")
    await log.append("intent", {"route": text + frame.payload.decode()})
    await crashed(log)
    path = segment(tmp_path)
    path.write_bytes(path.read_bytes()[:-1])
    async with opened(tmp_path) as again:
        assert records(again)[3]["recovered"]["torn"] > 0
