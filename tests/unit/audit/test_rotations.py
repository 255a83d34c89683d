"""Keys that took over: which of them may sign what, and until when."""

from collections.abc import Callable
from typing import Any

import pytest

from casemate.audit.findings import Severity, Verdict
from casemate.audit.notes import Kind, Signer
from casemate.audit.verify import verify
from support.evidence import World, key, opened

Act = Callable[[World], None]


def told(act: Act) -> list[tuple[str, str, str]]:
    """Return what is found where two wardens start, something happens, and all is signed."""
    world = World()
    for number in range(2):
        world.start(number)
        world.checkpoint(number)
    act(world)
    for number in range(2):
        world.intent(number)
        world.checkpoint(number)
    found = verify(opened(world.export()), world.policy).findings
    return [
        (one.log, one.field, one.why) for one in found.kept if one.severity is not Severity.NOTE
    ]


def rotate(role: str, ms: int = 0, **more: Any) -> Act:
    def act(world: World) -> None:
        world.rotate(0, role, **more)
        world.now += ms

    return act


def retire(world: World) -> None:
    """The log's old key signs no more, as after the overlap."""
    del world.logs[0].keys[0]


def then(*acts: Act) -> Act:
    def act(world: World) -> None:
        for one in acts:
            one(world)

    return act


def keep_witness(world: World) -> None:
    """Rotate the witness's key and go on with the old one."""
    old = world.logs[0].witness
    world.rotate(0, "witness")
    world.logs[0].witness = old


def wait(ms: int) -> Act:
    def act(world: World) -> None:
        world.now += ms

    return act


@pytest.mark.parametrize(
    "act",
    [
        rotate("log"),
        then(rotate("log"), retire),
        then(rotate("log", 70_000), retire),
        then(rotate("log", 70_000), retire, rotate("log", 70_000), retire),
        rotate("witness"),
        rotate("witness", 70_000),
        keep_witness,
    ],
    ids=["both", "new", "after", "twice", "witness", "witness after", "witness before the end"],
)
def test_control_a_key_takes_over(act: Act) -> None:
    assert told(act) == []


def back_to_the_first(world: World) -> None:
    first = world.logs[0].keys[0]
    world.rotate(0, "log")
    retire(world)
    world.rotate(0, "log", new=first)


NAMED = Signer("casemate.dev/other", key("other"))


@pytest.mark.parametrize(
    ("act", "field", "why"),
    [
        (rotate("log", 70_000, signed=False), "checkpoints.jsonl", "not signed by the key that"),
        (then(keep_witness, wait(70_000)), "checkpoints.jsonl", "a key that ended at"),
        (back_to_the_first, "new", "signed before"),
        (rotate("log", new=NAMED), "new", "signs under another name"),
        (rotate("log", by=("old",)), "note", "is not signed by both keys"),
        (rotate("log", by=("new",)), "note", "is not signed by both keys"),
        (rotate("witness", by=("new",)), "note", "is not signed by both keys"),
        (rotate("witness", new=NAMED), "note", "is one of NOTE, not COSIGNATURE"),
    ],
    ids=["log after", "witness after", "again", "name", "old alone", "new alone", "witness alone",
         "kind"],
)  # fmt: skip
def test_a_key_that_may_not_sign_is_found(act: Act, field: str, why: str) -> None:
    found = told(act)
    assert any(one[1] == field and why in one[2] for one in found), found


def test_a_log_whose_first_key_is_unknown_is_not_believed() -> None:
    world = World()
    world.logs[0].keys = [Signer(world.logs[0].origin, key("mallory"))]
    for number in range(2):
        world.start(number)
        world.checkpoint(number)
    report = verify(opened(world.export()), world.policy)
    assert report.verdict is Verdict.BROKEN
    assert ("casemate-warden-0", "keys.log") in {
        (one.log, one.field) for one in report.findings.kept
    }


def test_a_witness_key_is_no_key_of_a_log() -> None:
    world = World()
    other = Signer(world.logs[0].origin, key("x"), Kind.COSIGNATURE)
    world.logs[0].keys = [other]
    world.start(0)
    world.start(1)
    world.checkpoint(1)
    report = verify(opened(world.export()), world.policy)
    assert any(
        one.field == "keys.log" and "is one of COSIGNATURE" in one.why
        for one in report.findings.kept
    )
