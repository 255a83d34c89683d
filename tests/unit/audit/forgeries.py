"""What may be done to evidence by somebody who holds the files, and no key that counts."""

import re
from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

import orjson

from casemate.audit import bundle as files
from casemate.audit.canonical import canonical_record
from casemate.audit.merkle import leaf_hash
from casemate.audit.notes import Note, Signer
from support.evidence import Log, World, key


class Forged(NamedTuple):
    """A bundle that is not what it was."""

    held: dict[str, bytes]
    place: str
    """Pod or file in which something was done."""
    at: int | None = None
    """Record that must be named, alone or in a span; None: the pod or file is enough."""
    exact: bool = False
    """The record must be named alone."""
    since: tuple[str, ...] = ()
    """Checkpoints that the inspector brings."""
    quorum: int = 1


Forge = Callable[[World, Random], Forged]


def joined(leaves: list[bytes]) -> bytes:
    return b"".join(leaf + b"\n" for leaf in leaves)


def hashed(leaves: list[bytes]) -> bytes:
    return b"".join(map(leaf_hash, leaves))


def replaced(world: World, log: Log, **parts: bytes) -> dict[str, bytes]:
    """Return the bundle with some files of one log replaced."""
    names = {
        "records": files.record_file(log.pod),
        "hashes": files.hash_file(log.pod),
        "checkpoints": files.checkpoint_file(log.pod),
        "contents": files.content_file(log.pod),
    }
    return world.export() | {names[part]: raw for part, raw in parts.items()}


def flipped(raw: bytes, at: int, random: Random) -> bytes:
    return raw[:at] + bytes([raw[at] ^ 1 << random.randrange(8)]) + raw[at + 1 :]


def somewhere(world: World, random: Random) -> tuple[Log, int]:
    log = random.choice(world.logs)
    return log, random.randrange(len(log.leaves))


def with_leaves(
    world: World, log: Log, leaves: list[bytes], at: int, random: Random, *, exact: bool = True
) -> Forged:
    """Put other leaves in; every other time the hashes are made to match."""
    if random.random() < 0.5:
        held = replaced(world, log, records=joined(leaves), hashes=hashed(leaves))
        return Forged(held, log.pod, at)
    return Forged(replaced(world, log, records=joined(leaves)), log.pod, at, exact)


def flip_record(world: World, random: Random) -> Forged:
    log, _ = somewhere(world, random)
    raw = joined(log.leaves)
    at = random.randrange(len(raw))
    held = replaced(world, log, records=flipped(raw, at, random))
    return Forged(held, log.pod, raw[:at].count(b"\n"))


def flip_hash(world: World, random: Random) -> Forged:
    log, _ = somewhere(world, random)
    raw = hashed(log.leaves)
    at = random.randrange(len(raw))
    return Forged(
        replaced(world, log, hashes=flipped(raw, at, random)), log.pod, at // 32, exact=True
    )


def flip_checkpoint(world: World, random: Random) -> Forged:
    log, _ = somewhere(world, random)
    raw = world.export()[files.checkpoint_file(log.pod)]
    at = random.randrange(len(raw))
    return Forged(replaced(world, log, checkpoints=flipped(raw, at, random)), log.pod)


def flip_content(world: World, random: Random) -> Forged:
    log, _ = somewhere(world, random)
    raw = world.export()[files.content_file(log.pod)]
    at = random.randrange(len(raw))
    return Forged(replaced(world, log, contents=flipped(raw, at, random)), log.pod)


def flip_other(name: str) -> Forge:
    def forge(world: World, random: Random) -> Forged:
        held = world.export()
        held[name] = flipped(held[name], random.randrange(len(held[name])), random)
        return Forged(held, name)

    return forge


def flip_manifest(world: World, random: Random) -> Forged:
    forged = flip_other(files.MANIFEST)(world, random)
    others = world.export()[files.MANIFEST].split(b'"guard_bundles"')[1].split(b'"logs"')[0]
    # A bundle that is not named any more is told of where an intent names it.
    return (
        forged if others in forged.held[files.MANIFEST] else forged._replace(place="guard.bundle")
    )


def flip_policy(world: World, random: Random) -> Forged:
    return flip_other(files.POLICY)(world, random)


def flip_terms(world: World, random: Random) -> Forged:
    return flip_other(files.agreement_file(world.agreement["digest"]))(world, random)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every scalar in a JSON value, as container and key."""
    found = []
    for name in value if isinstance(value, dict) else range(len(value)):
        one = value[name]
        if isinstance(one, dict | list):
            found += places(one)
        else:
            found.append((value, name))
    return found


def reworded(leaf: bytes, random: Random) -> bytes:
    """Change one field to another value of its type, in canonical form."""
    record = orjson.loads(leaf)
    where, name = random.choice(places(record))
    old = where[name]
    if isinstance(old, bool):
        where[name] = not old
    elif isinstance(old, int):
        where[name] = old + random.choice((-1, 1, 1000))
    elif isinstance(old, str) and old:
        at = random.randrange(len(old))
        where[name] = (
            old[:at] + random.choice("abcdef0123456789".replace(old[at], "")) + old[at + 1 :]
        )
    else:
        where[name] = "x"
    return canonical_record(record)


def edit(world: World, random: Random) -> Forged:
    log, at = somewhere(world, random)
    leaves = [*log.leaves]
    leaves[at] = reworded(leaves[at], random)
    return with_leaves(world, log, leaves, at, random)


def cut_out(world: World, random: Random) -> Forged:
    log, at = somewhere(world, random)
    return with_leaves(world, log, log.leaves[:at] + log.leaves[at + 1 :], at, random)


def cut_out_and_renumber(world: World, random: Random) -> Forged:
    log, at = somewhere(world, random)
    leaves = [*log.leaves[:at], *(shifted(leaf, log.pod, at, -1) for leaf in log.leaves[at + 1 :])]
    return with_leaves(world, log, leaves, at, random)


def shifted(leaf: bytes, pod: str, behind: int, by: int) -> bytes:
    """Renumber a record, and what it says of others of its log."""

    def moved(match: re.Match[bytes]) -> bytes:
        index = int(match[1])
        return f'"{pod}/{index + by if index > behind else index}"'.encode()

    record = orjson.loads(re.sub(rb'"%s/(\d+)"' % pod.encode(), moved, leaf))
    record["seq"] += by
    if record["kind"] == "started":
        record["recovered"]["size"] += by
    return canonical_record(record)


def cut_tail(world: World, random: Random) -> Forged:
    log, at = somewhere(world, random)
    return with_leaves(world, log, log.leaves[:at], at, random, exact=False)


def cut_bytes(world: World, random: Random) -> Forged:
    log, _ = somewhere(world, random)
    raw = joined(log.leaves)
    end = random.randrange(len(raw))
    held = replaced(world, log, records=raw[:end])
    return Forged(held, log.pod, raw[:end].count(b"\n"))


def swap(world: World, random: Random) -> Forged:
    log, _ = somewhere(world, random)
    one, other = sorted(random.sample(range(len(log.leaves)), 2))
    leaves = [*log.leaves]
    leaves[one], leaves[other] = leaves[other], leaves[one]
    return with_leaves(world, log, leaves, one, random)


def swap_and_renumber(world: World, random: Random) -> Forged:
    log, _ = somewhere(world, random)
    one, other = sorted(random.sample(range(len(log.leaves)), 2))
    records = [orjson.loads(leaf) for leaf in log.leaves]
    records[one], records[other] = records[other], records[one]
    for at in (one, other):
        records[at]["seq"] = at
    return with_leaves(world, log, [canonical_record(it) for it in records], one, random)


def replay(world: World, random: Random) -> Forged:
    log, at = somewhere(world, random)
    record = orjson.loads(random.choice(random.choice(world.logs).leaves))
    if random.random() < 0.5:
        record |= {"seq": at, "time": orjson.loads(log.leaves[at])["time"]}
    leaves = [*log.leaves]
    if random.random() < 0.5:
        leaves.insert(at, canonical_record(record))
    else:
        record["boot"] = "0" * 8 + record["boot"][8:-1] + "f"
        leaves[at] = canonical_record(record)
    return with_leaves(world, log, leaves, at, random, exact=False)


def add_at_the_end(world: World, random: Random) -> Forged:
    log, _ = somewhere(world, random)
    record = orjson.loads(log.leaves[-1]) | {"seq": len(log.leaves)}
    leaves = [*log.leaves, canonical_record(record)]
    return with_leaves(world, log, leaves, len(log.leaves), random, exact=False)


def exchange(world: World, random: Random) -> Forged:
    """Exchange some files of the two logs."""
    one, other = random.sample(world.logs, 2)
    names = [files.record_file, files.hash_file, files.checkpoint_file, files.content_file]
    chosen = random.sample(names, random.randrange(1, 5))
    held = world.export()
    for name in chosen:
        held[name(one.pod)], held[name(other.pod)] = held[name(other.pod)], held[name(one.pod)]
    return Forged(held, one.pod)


def drop_file(world: World, random: Random) -> Forged:
    held = world.export()
    name = random.choice(sorted(held.keys()))
    del held[name]
    pods = [log.pod for log in world.logs if f"/{log.pod}/" in name]
    place = "agreement.digest" if name.startswith("agreements/") else name
    return Forged(held, pods[0] if pods else place)


def drop_log(world: World, random: Random) -> Forged:
    log = random.choice(world.logs)
    held = {name: raw for name, raw in world.export().items() if f"/{log.pod}/" not in name}
    held[files.MANIFEST] = held[files.MANIFEST].replace(f'"{log.pod}"'.encode(), b"").replace(
        b"[,", b"["
    ).replace(b",]", b"]")  # fmt: skip
    return Forged(held, "logs")


def add_file(world: World, random: Random) -> Forged:
    name = f"logs/{random.choice(world.logs).pod}/records-{random.randrange(9)}.jsonl"
    return Forged(world.export() | {name: b"{}\n"}, name)


def forge_checkpoint(world: World, random: Random) -> Forged:
    """Sign by a key of one's own under the log's name."""
    log, at = somewhere(world, random)
    leaves = [*log.leaves]
    leaves[at] = reworded(leaves[at], random)
    notes = world.resigned(log, leaves, keys=[Signer(log.origin, key("mallory"))])
    lines = b"".join(map(files.checkpoint_line, notes))
    held = replaced(world, log, records=joined(leaves), hashes=hashed(leaves), checkpoints=lines)
    return Forged(held, log.pod)


def strip_signature(world: World, random: Random) -> Forged:
    """Take one line from under the last checkpoint."""
    log, _ = somewhere(world, random)
    note = Note.parse(log.notes[-1])
    kept = [*note.lines]
    del kept[-1 if random.random() < 0.5 else slice(0, -1)]
    last = str(Note(note.text, tuple(kept)))
    lines = b"".join(map(files.checkpoint_line, [*log.notes[:-1], last]))
    return Forged(replaced(world, log, checkpoints=lines), log.pod)


def reorder_checkpoints(world: World, random: Random) -> Forged:
    log, _ = somewhere(world, random)
    one, other = random.sample(range(len(log.notes)), 2)
    notes = [*log.notes]
    if random.random() < 0.5:
        notes[one], notes[other] = notes[other], notes[one]
    elif random.random() < 0.5:
        notes.insert(one, notes[one])
    else:
        notes.pop()
    lines = b"".join(map(files.checkpoint_line, notes))
    return Forged(replaced(world, log, checkpoints=lines), log.pod)


def change_contents(world: World, random: Random) -> Forged:
    log = random.choice([log for log in world.logs if len(log.contents) > 1])
    contents = [*log.contents]
    at = random.randrange(len(contents))
    seq, part, sealed = contents[at]
    turn = random.randrange(5)
    if turn == 0:
        contents[at] = seq, part, world.sealed(b"something else")[2]
    elif turn == 1:
        other = (at + 1) % len(contents)
        contents[at] = seq, part, contents[other][2]
    elif turn == 2:
        del contents[at]
    elif turn == 3:
        contents[at] = seq, "request" if part == "response" else "response", sealed
    else:
        contents.insert(at, contents[at])
    lines = b"".join(files.content_line(*one) for one in contents)
    return Forged(replaced(world, log, contents=lines), log.pod, seq)


OUTSIDERS: tuple[Forge, ...] = (
    flip_record, flip_hash, flip_checkpoint, flip_content, flip_manifest, flip_policy, flip_terms,
    edit, cut_out, cut_out_and_renumber, cut_tail, cut_bytes, swap, swap_and_renumber, replay,
    add_at_the_end, exchange, drop_file, drop_log, add_file, forge_checkpoint, strip_signature,
    reorder_checkpoints, change_contents,
)  # fmt: skip
