"""A witness signs what grew from what it saw, and nothing else, across restarts too."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from casemate.audit.checkpoint import Checkpoint
from casemate.audit.notes import Kind, Note, SignatureError, Signer, Verifier
from casemate.audit.receipts import Trust
from casemate.warden.log.keys import Key, Role
from casemate.warden.log.store import Log
from casemate.warden.log.witness import Growth, NotWitnessedError, Witness
from unit.warden.log.place import NEVER, ORIGIN, SetClock, filled, opened, options

NAME = "casemate.dev/warden/0b6c/casemate-warden-1/witness"


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[Log]:
    async with opened(tmp_path, options(checkpoint_seconds=NEVER)) as one:
        yield one


def key(tmp_path: Path) -> Key:
    (tmp_path / "other").mkdir(exist_ok=True)
    return Key(tmp_path / "other", Role.WITNESS, NAME, existing=False)


def witness(tmp_path: Path, log: Log) -> Witness:
    own = [log.keys.log.current.verifier]

    def known(origin: str) -> list[Verifier]:
        return own if origin == ORIGIN else []

    return Witness(tmp_path / "witnessed", key(tmp_path), SetClock(), known)


async def grown(log: Log, count: int, old: int) -> Growth:
    """Let a log grow, and ask what a witness needs."""
    await log.proof((await filled(log, count))[-1])
    return await log.growth(old)


async def refused(one: Witness, growth: Growth) -> tuple[int, int | None]:
    with pytest.raises(NotWitnessedError) as error:
        await one.cosign(growth)
    return error.value.status, error.value.size


async def test_growth_is_signed_step_by_step_and_across_restarts(tmp_path: Path, log: Log):
    old, verifier = 0, key(tmp_path).current.verifier
    for count in (1, 30, 300):
        growth = await grown(log, count, old)
        lines = await witness(tmp_path, log).cosign(Growth.parse(str(growth)))
        assert verifier.verify(growth.note.text, lines) == 1_800_000_000
        old = Checkpoint.parse(growth.note.text).size
    assert old == log.size


async def test_the_same_checkpoint_is_signed_again(tmp_path: Path, log: Log):
    one = witness(tmp_path, log)
    await one.cosign(await grown(log, 5, 0))
    again = await log.growth(6)
    assert again.proof == ()
    assert await one.cosign(again)


async def test_whoever_begins_elsewhere_is_told_where(tmp_path: Path, log: Log):
    one = witness(tmp_path, log)
    await one.cosign(await grown(log, 5, 0))
    for old in (0, 3):
        assert await refused(one, await grown(log, 5, old)) == (409, 6)
    assert await one.cosign(await log.growth(6))


async def test_a_log_that_was_rewritten_is_not_signed(tmp_path: Path, log: Log):
    one = witness(tmp_path, log)
    await one.cosign(await grown(log, 5, 0))
    signer = log.keys.log.current

    def forged(size: int, proof: tuple[bytes, ...] = ()) -> Growth:
        text = Checkpoint(ORIGIN, size, bytes(32)).text()
        return Growth(6, proof, Note(text, (signer.sign(text),)))

    assert await refused(one, forged(6)) == (409, 6)
    assert await refused(one, forged(9)) == (422, None)
    assert await refused(one, forged(9, (bytes(32),) * 4)) == (422, None)
    assert await refused(one, forged(5)) == (400, None)
    honest = await grown(log, 5, 6)
    assert await refused(one, honest._replace(proof=honest.proof[:-1])) == (422, None)
    assert await one.cosign(honest)


async def test_a_log_that_is_unknown_or_did_not_sign_is_refused(tmp_path: Path, log: Log):
    one, growth = witness(tmp_path, log), await grown(log, 5, 0)
    foreign = Signer("casemate.dev/warden/else", Ed25519PrivateKey.generate())
    text = growth.note.text.replace(ORIGIN, "casemate.dev/warden/else")
    assert await refused(one, Growth(0, (), Note(text, (foreign.sign(text),)))) == (404, None)
    other = Signer(ORIGIN, Ed25519PrivateKey.generate())
    unsigned = Note(growth.note.text, (other.sign(growth.note.text),))
    assert await refused(one, Growth(0, (), unsigned)) == (403, None)
    changed = growth.note._replace(text=growth.note.text.replace("\n6\n", "\n7\n"))
    assert await refused(one, Growth(0, (), changed)) == (403, None)
    junk = Note("junk\n", growth.note.lines)
    assert await refused(one, Growth(0, (), junk)) == (400, None)
    assert await one.cosign(growth)


async def test_what_was_seen_and_cannot_be_read_is_refused(tmp_path: Path, log: Log):
    one = witness(tmp_path, log)
    growth = await grown(log, 5, 0)
    await one.cosign(growth)
    (path,) = (tmp_path / "witnessed").iterdir()
    kept = path.read_text()
    for text in ("", "junk", kept.replace(ORIGIN, "another")):
        path.write_text(text)
        assert await refused(one, await log.growth(6)) == (500, None)
    path.write_text(kept)
    assert await one.cosign(await log.growth(6))


async def test_what_cannot_be_kept_is_not_signed(tmp_path: Path, log: Log):
    one, growth = witness(tmp_path, log), await grown(log, 5, 0)
    (tmp_path / "witnessed").rmdir()
    with pytest.raises(OSError, match="No such file"):
        await one.cosign(growth)


async def test_receipts_carry_what_was_witnessed(tmp_path: Path, log: Log):
    one, verifier = witness(tmp_path, log), key(tmp_path).current.verifier
    trust = Trust((log.keys.log.current.verifier,), (verifier,), quorum=1)
    growth = await grown(log, 5, 0)
    (entry,) = log.read(3, 4)
    with pytest.raises(SignatureError):
        (await log.proof(3)).verify(entry.record, trust)
    lines = await one.cosign(growth)
    log.cosigned.take(growth.note, lines, trust.logs, trust.witnesses)
    later = (await filled(log, 50))[-1]
    (await log.proof(3)).verify(entry.record, trust)
    assert len((await log.proof(later)).checkpoint.lines) == 1


async def test_several_witnesses_gather_and_strangers_do_not(log: Log):
    growth = await grown(log, 5, 0)
    own = (log.keys.log.current.verifier,)
    signers = [Signer(f"w{n}", Ed25519PrivateKey.generate(), Kind.COSIGNATURE) for n in range(2)]
    for signer in signers:
        line = signer.cosign(growth.note.text, 5)
        log.cosigned.take(growth.note, line, own, (signer.verifier,))
        log.cosigned.take(growth.note, line, own, (signer.verifier,))
    newest = log.cosigned.newest
    assert newest is not None
    assert len(newest.note.lines) == 3
    line = signers[0].cosign(growth.note.text, 6)
    with pytest.raises(ValueError, match="one of the witness"):
        log.cosigned.take(growth.note, line, own, (signers[1].verifier,))
    with pytest.raises(ValueError, match="of this log"):
        log.cosigned.take(growth.note, line, (signers[0].verifier,), (signers[0].verifier,))
    assert log.cosigned.newest == newest
    bigger = await grown(log, 5, 0)
    line = signers[0].cosign(bigger.note.text, 7)
    log.cosigned.take(bigger.note, line, own, (signers[0].verifier,))
    late = signers[0].cosign(growth.note.text, 8)
    log.cosigned.take(growth.note, late, own, (signers[0].verifier,))
    newest = log.cosigned.newest
    assert newest is not None
    assert (newest.size, len(newest.note.lines)) == (11, 2)


HASH = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "old 1",
        "old 01\n\n{note}",
        "old -1\n\n{note}",
        "new 1\n\n{note}",
        "old 1\njunk\n\n{note}",
        f"old 1\n{HASH[:-4]}\n\n{{note}}",
        "old 1\n" + f"{HASH}\n" * 64 + "\n{note}",
        "old 1\n\njunk",
    ],
)
async def test_what_is_no_growth_is_refused(log: Log, text: str):
    note = log.checkpoint().note
    with pytest.raises(ValueError, match=r"accepted|base64|hash|note"):
        Growth.parse(text.replace("{note}", str(note)))
    assert Growth.parse(f"old 1\n{HASH}\n\n{note}").old == 1
