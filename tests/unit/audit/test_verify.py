import orjson
import pytest

from casemate.audit import bundle as files
from casemate.audit.checkpoint import Checkpoint
from casemate.audit.findings import Finding, Severity, Verdict
from casemate.audit.merkle import leaf_hash
from casemate.audit.notes import Note, Signer
from casemate.audit.policy import Policy, PolicyError
from casemate.audit.policy import parse as parse_policy
from casemate.audit.verify import Report, verify
from casemate.audit.verify_heads import brought
from support.evidence import World, key, opened, whole


def bad(report: Report) -> list[Finding]:
    return [one for one in report.findings.kept if one.severity is not Severity.NOTE]


@pytest.fixture
def world() -> World:
    return whole()


def test_control_a_whole_bundle_is_intact(world: World) -> None:
    report = verify(opened(world.export()), world.policy)
    assert bad(report) == []
    assert report.verdict is Verdict.INTACT
    assert (report.intents, report.outcomes, report.unfinished, report.approvals) == (29, 28, 1, 2)
    assert [(log.size, log.boots, log.contents) for log in report.logs] == [(43, 2, 11), (42, 2, 5)]


def changed(world: World, at: int) -> None:
    """Change a record and its hash: only checkpoints tell, and only between which it is."""
    log = world.logs[0]
    record = orjson.loads(log.leaves[at]) | {"latency_ms": 999}
    assert record["kind"] == "outcome"
    log.leaves[at] = orjson.dumps(record, option=orjson.OPT_SORT_KEYS)


def last_outcome(world: World) -> int:
    leaves = enumerate(world.logs[0].leaves)
    return max(at for at, leaf in leaves if b'"kind":"outcome"' in leaf)


def test_a_change_is_placed_between_the_checkpoints_around_it(world: World) -> None:
    sizes = world.logs[0].sizes
    changed(world, last_outcome(world))
    first = bad(verify(opened(world.export()), world.policy))[0]
    assert (first.log, first.index, first.until) == (world.logs[0].pod, sizes[-2], sizes[-1])


def test_checkpoints_without_witness_place_a_change_too(world: World) -> None:
    log = world.logs[0]
    log.notes = [str(Note(Note.parse(one).text, Note.parse(one).lines[:-1])) for one in log.notes]
    changed(world, last_outcome(world))
    first = bad(verify(opened(world.export()), world.policy))[0]
    assert (first.index, first.until) == (log.sizes[-2], log.sizes[-1])


def test_a_checkpoint_under_another_name_is_none_of_the_log(world: World) -> None:
    log = world.logs[0]
    said = Checkpoint.parse(Note.parse(log.notes[1]).text)
    body = Checkpoint(f"{log.origin}-other", said.size, said.root).text()
    log.notes[1] = str(Note(body, (log.keys[0].sign(body),)))
    (found,) = bad(verify(opened(world.export()), world.policy))
    assert "is of 'casemate.dev/warden/0b6c/casemate-warden-0-other'" in found.why


def test_a_signature_of_a_key_that_is_not_known_is_told(world: World) -> None:
    log = world.logs[0]
    note = Note.parse(log.notes[1])
    line = Signer(log.origin, key("mallory")).sign(note.text)
    log.notes[1] = str(Note(note.text, (*note.lines, line)))
    (found,) = bad(verify(opened(world.export()), world.policy))
    assert (found.severity, found.log) == (Severity.INCOMPLETE, log.pod)
    assert "line 2 of checkpoints.jsonl" in found.why


@pytest.mark.parametrize("more", [b"\0", bytes(32)])
def test_hashes_behind_the_last_record_are_told(world: World, more: bytes) -> None:
    name = files.hash_file(world.logs[0].pod)
    held = world.export()
    held[name] += more
    (found,) = bad(verify(opened(held), world.policy))
    assert (found.index, found.field) == (len(world.logs[0].leaves), "hashes")


def test_every_changed_record_is_named_up_to_a_number() -> None:
    world = whole(requests=40)
    log = world.logs[0]
    held = world.export()
    leaves = [leaf.replace(b'"v":1', b'"v":2') for leaf in log.leaves]
    held[files.record_file(log.pod)] = b"".join(leaf + b"\n" for leaf in leaves)
    report = verify(opened(held), world.policy)
    named = [one.index for one in bad(report) if one.why.startswith("this record is not")]
    stretches = list(zip([0, *log.sizes], log.sizes, strict=False))
    assert named == [at for start, end in stretches for at in range(start, min(end, start + 20))]
    more = [end - start - 20 for start, end in stretches if end - start > 20]
    assert len(more) > 1
    told = [one.why for one in bad(report) if "further" in one.why]
    assert told == [f"and {count} further ones behind it are not" for count in more]


def test_findings_are_kept_within_bounds_and_counted(world: World) -> None:
    log = world.logs[0]
    for _ in range(2000):
        world.outcome(0, "casemate-warden-0/0")
    world.checkpoint(0)
    report = verify(opened(world.export()), world.policy)
    assert len(report.findings.kept) < 1100
    assert report.findings.counts[Severity.BROKEN] == 2000
    assert leaf_hash(log.leaves[-1])


def test_a_checkpoint_of_a_log_that_is_not_there_is_told(world: World) -> None:
    body = Checkpoint("casemate.dev/warden/other/casemate-warden-0", 1, bytes(32)).text()
    signer = Signer("casemate.dev/warden/other/casemate-warden-0", key("other"))
    since = [brought(str(Note(body, (signer.sign(body),))))]
    report = verify(opened(world.export()), world.policy, since)
    assert report.verdict is Verdict.BROKEN
    assert any("you brought a checkpoint of casemate.dev/warden/other" in one.why
               for one in bad(report))  # fmt: skip


def test_a_log_that_the_policy_expects_must_be_there(world: World) -> None:
    more = str(Signer("casemate.dev/warden/0b6c/casemate-warden-2", key("third")).verifier)
    policy = world.policy.model_copy(update={"logs": (*world.policy.logs, more)})
    report = verify(opened(world.export()), policy)
    assert report.verdict is Verdict.INCOMPLETE
    assert "casemate-warden-2 is not in the bundle" in bad(report)[0].why


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"{}", "logs: "),
        (b'{"logs":[]}', "logs: "),
        (b'{"logs":["x"]}', "logs: "),
        (b'{"logs":["LOG"],"quorum":-1}', "quorum: "),
        (b'{"logs":["LOG"],"quorums":1}', "quorums: "),
        (b'{"logs":["WITNESS"]}', "logs: key of .* is one of COSIGNATURE, not NOTE"),
        (b'{"logs":["LOG"],"witnesses":["LOG"]}', "witnesses: key of .* is one of NOTE"),
        (b'{"logs":["LOG"],"agreements":["x"]}', "agreements"),
    ],
)
def test_a_policy_that_is_none_is_refused_by_field(world: World, raw: bytes, told: str) -> None:
    log = world.logs[0]
    for name, signer in (("LOG", log.keys[0]), ("WITNESS", log.witness)):
        raw = raw.replace(name.encode(), str(signer.verifier).encode())
    with pytest.raises(PolicyError, match=told):
        parse_policy(raw)


def test_control_the_least_policy(world: World) -> None:
    raw = orjson.dumps({"logs": world.policy.logs})
    assert parse_policy(raw) == Policy(logs=world.policy.logs)
    report = verify(opened(world.export()), parse_policy(raw))
    assert report.verdict is Verdict.INTACT
    told = [one.why for one in report.findings.kept]
    assert sum("signed by a key that was not known then" in why for why in told) == 8
    assert any("no witness is asked for" in why for why in told)
