"""Replicas witness one another over TLS: what grew is signed, what was rolled back is found."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from casemate.audit.notes import SignatureError
from casemate.audit.receipts import Trust
from casemate.warden import metrics
from casemate.warden.log.errors import CannotStartError
from casemate.warden.log.keys import Role
from casemate.warden.pins import LOG, WITNESS
from casemate.warden.witnessing import ContradictedError
from support.attacks import Layer, attack
from unit.warden.log.place import filled, records
from unit.warden.two import Replica, replicas


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[list[Replica]]:
    async with replicas(tmp_path) as made:
        yield made


def refusals(reason: str) -> float:
    found = metrics.REGISTRY.get_sample_value(
        "casemate_warden_witness_refusals_total", {"reason": reason}
    )
    assert found is not None
    return found


def witnessed(peer: str) -> float:
    found = metrics.REGISTRY.get_sample_value("casemate_warden_witnessed_records", {"peer": peer})
    assert found is not None
    return found


async def grow(one: Replica, count: int = 3) -> None:
    """Let a log grow, under a checkpoint."""
    await one.log.proof((await filled(one.log, count))[-1])


async def roll_back(one: Replica, lost: int) -> bytes:
    """Put a closed log back to before some records; what was cosigned of them is returned."""
    await grow(one)
    await one.close()
    copy = one.keep("older")
    await one.open()
    await grow(one, lost)
    await one.among.witnessing.round()
    newest = (one.volume / "cosigned").read_bytes()
    await one.close()
    one.put_back(copy)
    return newest


def trust(one: Replica, other: Replica) -> Trust:
    return Trust(
        (one.log.keys.log.current.verifier,), (other.log.keys.witness.current.verifier,), quorum=1
    )


async def test_each_signs_what_the_other_grew_by(two: list[Replica]) -> None:
    for one, other in (two, two[::-1]):
        for _ in range(3):
            await grow(one)
            size = one.log.checkpoint().size
            await one.among.witnessing.round()
            assert one.log.cosigned.newest is not None
            assert one.log.cosigned.newest.size >= size
            assert witnessed(other.name) >= size
        (entry,) = one.log.read(1, 2)
        (await one.log.proof(1)).verify(entry.record, trust(one, other))


async def test_by_which_keys_another_is_known_is_on_record_once(two: list[Replica]) -> None:
    one, other = two
    for _ in range(2):
        await grow(one)
        await one.among.witnessing.round()
    for each, known in ((one, other), (other, one)):
        found = [record for record in records(each.log) if record["kind"] == "peer-keys"]
        assert [(record["peer"], record[LOG], record[WITNESS]) for record in found] == [
            (known.name, known.log.keys.names()["log"], known.log.keys.names()["witness"])
        ]


async def test_signatures_and_what_was_signed_outlive_a_restart(two: list[Replica]) -> None:
    one, other = two
    await grow(one)
    await one.among.witnessing.round()
    assert one.log.cosigned.newest is not None
    size = one.log.cosigned.newest.size
    for each in two:
        await each.close()
        await each.open()
    assert one.log.cosigned.newest is not None
    assert one.log.cosigned.newest.size == size
    (entry,) = one.log.read(1, 2)
    (await one.log.proof(1)).verify(entry.record, trust(one, other))
    await one.among.witnessing.round()
    assert one.log.cosigned.newest.size > size, "it goes on from what was seen"


async def test_one_that_is_away_is_shown_everything_when_it_is_back(two: list[Replica]) -> None:
    one, other = two
    await other.fall_silent()
    await grow(one)
    await one.among.witnessing.round()
    assert one.log.cosigned.newest is None
    (entry,) = one.log.read(1, 2)
    receipt = await one.log.proof(1)
    with pytest.raises(SignatureError):
        receipt.verify(entry.record, trust(one, other))
    await other.answer()
    await one.among.witnessing.round()
    assert one.log.cosigned.newest is not None


@attack("evidence", "a log's volume that was put back to an older state", Layer.WARDEN)
async def test_a_volume_that_was_rolled_back_is_refused_at_its_next_start(
    two: list[Replica],
) -> None:
    one, _ = two
    await roll_back(one, 20)
    await one.open()
    with pytest.raises(ContradictedError, match="does not begin with them"):
        await one.among.begin()


@attack("evidence", "a log that was rolled back and has grown again", Layer.WARDEN)
async def test_one_that_grew_past_what_was_seen_is_found_as_well(two: list[Replica]) -> None:
    one, _ = two
    await roll_back(one, 5)
    await one.open()
    await grow(one, 50)
    before = refusals("contradicted")
    with pytest.raises(ContradictedError):
        await one.among.witnessing.round()
    assert refusals("contradicted") == before + 1, "the witness tells as well"


async def test_a_volume_without_its_last_records_does_not_even_start(two: list[Replica]) -> None:
    one, _ = two
    newest = await roll_back(one, 20)
    (one.volume / "cosigned").write_bytes(newest)
    with pytest.raises(CannotStartError, match="records are missing"):
        await one.open()
    (one.volume / "cosigned").unlink()
    await one.open()


@attack("evidence", "another log key in a known replica's place", Layer.WARDEN)
async def test_other_keys_than_the_known_ones_are_refused_and_counted(two: list[Replica]) -> None:
    one, other = two
    await grow(one)
    await one.among.witnessing.round()
    await one.close()
    (one.volume).rename(one.volume.with_name("gone"))
    await one.open()
    await grow(one)
    before, signed = refusals("changed_keys"), refusals("bad_signature")
    await one.among.witnessing.round()
    assert one.log.cosigned.newest is None
    assert refusals("changed_keys") + refusals("bad_signature") > before + signed
    found = [record for record in records(other.log) if record["kind"] == "peer-keys"]
    assert len(found) == 1, "nothing else is believed"


@pytest.mark.parametrize("role", list(Role))
async def test_a_key_that_took_over_by_the_old_one_s_word_is_believed(
    two: list[Replica], role: Role
) -> None:
    one, other = two
    await grow(one)
    await one.among.witnessing.round()
    await one.log.rotate(role, 60.0)
    for each in two:
        each.clock.tick(61.0)
    await grow(one)
    await grow(other)
    await one.among.witnessing.round()
    await other.among.witnessing.round()
    for each in two:
        assert each.log.cosigned.newest is not None
        assert each.log.cosigned.newest.size >= each.log.checkpoint().size - 2


async def test_only_its_own_log_is_shown_and_only_by_a_replica(two: list[Replica]) -> None:
    one, other = two
    await grow(one)
    growth = str(await one.log.growth(0)).encode()
    token = one.folder / f"{one.name}.token"
    for name, status in (("casemate-warden-4", 404), ("somebody", 403)):
        token.write_text(name)
        heard = await one.peers.ask(other.name, "/v1/peers/add-checkpoint", growth, 5)
        assert heard.status == status
    token.write_text(one.name)
    heard = await one.peers.ask(other.name, "/v1/peers/add-checkpoint", b"junk", 5)
    assert heard.status == 400
    heard = await one.peers.ask(other.name, "/v1/peers/add-checkpoint", growth, 5)
    assert heard.status == 200, "control"


async def test_three_sign_for_one_another(tmp_path: Path) -> None:
    async with replicas(tmp_path, 3) as made:
        for one in (*made, *made):
            await grow(one)
            await one.among.witnessing.round()
        for one in made:
            newest = one.log.cosigned.newest
            assert newest is not None
            others = [each.log.keys.witness.current.verifier for each in one.others]
            assert len(newest.note.verify(others)) == 2
