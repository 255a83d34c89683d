"""Contents that are gone: no fault once their days were over, by the log's own clock; else one."""

from typing import Any

import orjson
import pytest

from casemate.audit import bundle as files
from casemate.audit import verify_retention
from casemate.audit.canonical import canonical_record
from casemate.audit.findings import Severity, Verdict
from casemate.audit.verify import Report, verify
from casemate.audit.verify_retention import DAY_MS, GRACE_MS
from casemate.cli.auditreport import plain, told
from support.attacks import Layer, attack
from support.evidence import World, opened, text

HOUR_MS = 3_600_000


def sealing(world: World, days: int) -> None:
    audit = {"record": "Sealed", "publicKey": "a key", "retentionDays": days}
    world.agree_anew(audit=audit)


def begun(days: int = 10) -> World:
    world = World()
    sealing(world, days)
    for number in range(2):
        world.start(number)
        world.checkpoint(number)
    return world


def asked(world: World, number: int = 0, end: int | None = None) -> str:
    """Record a request and its answer, both with their contents; returns the intent."""
    intent = world.intent(number, seal=True)
    world.outcome(number if end is None else end, intent, seal=True)
    return intent


def lost(world: World) -> None:
    """Take all contents that there are."""
    for log in world.logs:
        log.contents.clear()


def inspected(world: World, *without: str) -> Report:
    """Go on a little in both logs, sign all, and inspect it."""
    for number in range(2):
        world.outcome(number, world.intent(number))
    for number in (0, 1):
        world.checkpoint(number)
    held = {name: raw for name, raw in world.export().items() if name not in without}
    return verify(opened(held), world.policy.model_copy(update={"agreements": None}))


def faults(report: Report) -> list[tuple[str, int | None, str]]:
    return [
        (one.log, one.index, one.field)
        for one in report.findings.kept
        if one.severity is not Severity.NOTE
    ]


def deleted(report: Report) -> list[int]:
    return [log.deleted for log in report.logs]


def jumped(world: World, number: int, ms: int) -> None:
    """Set the clock of a replica ahead; its log says so."""
    log = world.logs[number]
    before = text(world.now - log.back_ms)
    log.back_ms -= ms
    jump = {"before": before, "after": "", "milliseconds": ms}
    world.append(number, "clock-jump", jump)
    record = orjson.loads(log.leaves[-1])
    log.leaves[-1] = canonical_record({**record, "after": record["time"]})


def test_control_contents_that_are_there_are_no_fault() -> None:
    world = begun()
    asked(world)
    world.now += 20 * DAY_MS
    report = inspected(world)
    assert (faults(report), deleted(report)) == ([], [0, 0])
    assert [log.contents for log in report.logs] == [2, 0]


def test_what_retention_deleted_is_no_fault_and_is_told() -> None:
    world = begun()
    asked(world)
    asked(world, 0, end=1)
    lost(world)
    world.now += 10 * DAY_MS
    report = inspected(world)
    assert report.verdict is Verdict.INTACT, report.findings.kept
    assert deleted(report) == [3, 1]
    lines = "\n".join(told(report))
    assert "  3 sealed contents deleted by retention" in lines
    assert "3 contents were deleted by retention: their days were over" in lines
    assert [one["deleted"] for one in plain(report)["logs"]] == [3, 1]


@attack("evidence", "a content that is missing before its days are over", Layer.CLI)
@pytest.mark.parametrize("age", [0, 12 * HOUR_MS, 10 * DAY_MS - GRACE_MS - HOUR_MS])
def test_what_is_missing_too_early_is_told_at_its_record(age: int) -> None:
    world = begun()
    asked(world)
    lost(world)
    world.now += age
    report = inspected(world)
    assert report.verdict is Verdict.INCOMPLETE
    assert faults(report) == [
        ("casemate-warden-0", 1, "request.sealed"),
        ("casemate-warden-0", 2, "response.sealed"),
    ]
    (one, _) = (found for found in report.findings.kept if found.severity is not Severity.NOTE)
    assert "its 10 days were not over at the log's end, 20" in one.why
    assert deleted(report) == [0, 0]


def test_old_and_young_are_told_apart() -> None:
    world = begun()
    asked(world)
    world.now += 9 * DAY_MS
    asked(world)
    lost(world)
    world.now += 2 * DAY_MS
    report = inspected(world)
    assert [at for _, at, _ in faults(report)] == [3, 4]
    assert deleted(report) == [2, 0]


@attack("evidence", "terms made shorter, to have earlier contents away", Layer.CLI)
def test_the_terms_of_its_own_record_count() -> None:
    world = begun(10)
    asked(world)
    sealing(world, 1)
    asked(world)
    lost(world)
    world.now += 5 * DAY_MS
    report = inspected(world)
    assert [at for _, at, _ in faults(report)] == [1, 2], "kept for ten days"
    assert deleted(report) == [2, 0], "control: kept for one"


@attack("evidence", "a clock set ahead, to have contents away as if they were old", Layer.CLI)
@pytest.mark.parametrize("before", [False, True], ids=["after it", "before it"])
def test_a_clock_that_was_set_ahead_makes_nothing_old(before: bool) -> None:  # noqa: FBT001  a case of a test
    world = begun()
    if before:
        jumped(world, 0, 20 * DAY_MS)
    asked(world)
    if not before:
        jumped(world, 0, 20 * DAY_MS)
    lost(world)
    told_of = [one for one in faults(inspected(world)) if one[2].endswith(".sealed")]
    assert len(told_of) == 2
    why = next(one.why for one in inspected(world).findings.kept if one.field == "request.sealed")
    assert f"whose clock was set by {20 * DAY_MS} ms in all" in why


def test_a_clock_that_was_set_and_put_right_counts_for_nothing() -> None:
    world = begun()
    asked(world)
    jumped(world, 0, 20 * DAY_MS)
    jumped(world, 0, -20 * DAY_MS)
    lost(world)
    world.now += 11 * DAY_MS
    report = inspected(world)
    assert faults(report) == []
    assert deleted(report) == [2, 0]


def test_a_clock_that_was_behind_does_not_make_it_old_either() -> None:
    world = begun()
    world.logs[0].back_ms = 30 * DAY_MS
    asked(world)
    jumped(world, 0, 30 * DAY_MS)
    lost(world)
    sealed = [one for one in faults(inspected(world)) if one[2].endswith(".sealed")]
    assert len(sealed) == 2


def test_without_the_text_of_the_terms_nobody_can_tell() -> None:
    world = begun()
    asked(world)
    lost(world)
    world.now += 20 * DAY_MS
    report = inspected(world, files.agreement_file(world.agreement["digest"]))
    why = {one.field: one.why for one in report.findings.kept}
    assert "for how long it is kept is not known" in why["request.sealed"]
    assert report.verdict is Verdict.INCOMPLETE


def test_an_answer_that_is_on_record_twice_is_judged_as_well() -> None:
    for age, wanted in ((20 * DAY_MS, 0), (5 * DAY_MS, 3)):
        world = begun()
        intent = asked(world)
        again: dict[str, Any] = orjson.loads(world.logs[0].leaves[-1])
        stamped = ("v", "seq", "time", "boot", "kind")
        fields = {name: value for name, value in again.items() if name not in stamped}
        world.append(1, "outcome", fields)
        assert fields["intent"] == intent
        lost(world)
        world.now += age
        report = inspected(world)
        assert len(faults(report)) == wanted, faults(report)


def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify_retention, "MOST_MISSED", 3)
    world = begun()
    for _ in range(4):
        asked(world)
    lost(world)
    report = inspected(world)
    assert len(faults(report)) == 8, "each is told of, whatever may wait"
    world = begun()
    asked(world)
    lost(world)
    world.now += 20 * DAY_MS
    assert faults(inspected(world)) == [], "control: few enough"
