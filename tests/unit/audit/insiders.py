"""What somebody may do who holds a log's own key, and so signs whatever they made of it.

They cannot sign for a witness, and cannot change what an inspector has carried away.
"""

from random import Random

from casemate.audit import bundle as files
from casemate.audit.notes import Kind, Signer
from support.evidence import Log, World, key
from unit.audit.forgeries import (
    Forge,
    Forged,
    hashed,
    joined,
    replaced,
    reworded,
    shifted,
    somewhere,
)


def rewritten(world: World, random: Random) -> tuple[Log, list[bytes], int]:
    """Return a log's leaves with one changed or taken out."""
    log, at = somewhere(world, random)
    leaves = [*log.leaves]
    if at and random.random() < 0.5:
        del leaves[at]
        leaves[at:] = [shifted(leaf, log.pod, at, -1) for leaf in leaves[at:]]
    else:
        leaves[at] = reworded(leaves[at], random)
    return log, leaves, at


def files_of(world: World, log: Log, leaves: list[bytes], notes: list[str]) -> dict[str, bytes]:
    lines = b"".join(map(files.checkpoint_line, notes))
    return replaced(world, log, records=joined(leaves), hashes=hashed(leaves), checkpoints=lines)


def without_witness(world: World, random: Random) -> Forged:
    log, leaves, _ = rewritten(world, random)
    return Forged(files_of(world, log, leaves, world.resigned(log, leaves)), log.pod)


def with_the_witness_of_before(world: World, random: Random) -> Forged:
    """Put the lines that the witness signed for the old history under the new one."""
    log, leaves, _ = rewritten(world, random)
    notes = [
        new + old.splitlines(keepends=True)[-1]
        for new, old in zip(world.resigned(log, leaves), log.notes, strict=True)
    ]
    return Forged(files_of(world, log, leaves, notes), log.pod)


def with_a_witness_of_ones_own(world: World, random: Random) -> Forged:
    """Cosign by a new key under the witness's name, or by the replica's own witness key."""
    log, leaves, _ = rewritten(world, random)
    other = world.logs[1 - world.logs.index(log)]
    name = other.witness.verifier.name
    own = log.witness if random.random() < 0.5 else Signer(name, key("mallory"), Kind.COSIGNATURE)
    notes = world.resigned(log, leaves, witness=own)
    return Forged(files_of(world, log, leaves, notes), log.pod)


def against_what_was_carried_away(world: World, random: Random) -> Forged:
    """No witness is asked for; the inspector has a checkpoint from before."""
    log, leaves, at = rewritten(world, random)
    later = [note for note, size in zip(log.notes, log.sizes, strict=True) if size > at]
    since = (random.choice(later),)
    held = files_of(world, log, leaves, world.resigned(log, leaves))
    return Forged(held, log.pod, at, since=since, quorum=0)


def rolled_back(world: World, random: Random) -> Forged:
    """Take an older state, with its own signatures: nothing in it is wrong but its age."""
    log = random.choice(world.logs)
    turn = random.randrange(len(log.sizes) - 1)
    size = log.sizes[turn]
    contents = b"".join(files.content_line(*one) for one in log.contents if one[0] < size)
    held = files_of(world, log, log.leaves[:size], log.notes[: turn + 1])
    held[files.content_file(log.pod)] = contents
    return Forged(held, log.pod, size, since=(log.notes[-1],))


def all_rolled_back(world: World, random: Random) -> Forged:
    """Take the older state of both logs, from the same moment."""
    older = world.before(random.randrange(1, len(world.logs[0].notes)))
    log = random.choice(world.logs)
    at = len(next(one for one in older.logs if one.pod == log.pod).leaves)
    return Forged(older.export(), log.pod, at, since=(log.notes[-1],))


def cut_and_signed(world: World, random: Random) -> Forged:
    """Cut the end off and sign the rest anew."""
    log, at = somewhere(world, random)
    leaves = log.leaves[: max(at, 1)]
    held = files_of(world, log, leaves, world.resigned(log, leaves))
    since = (log.notes[-1],) if random.random() < 0.5 else ()
    return Forged(held, log.pod, since=since)


INSIDERS: tuple[Forge, ...] = (
    without_witness,
    with_the_witness_of_before,
    with_a_witness_of_ones_own,
    against_what_was_carried_away,
    rolled_back,
    all_rolled_back,
    cut_and_signed,
)
