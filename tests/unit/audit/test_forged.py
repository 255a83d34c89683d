"""Random edits, cuts, swaps, replays and rollbacks: each is found, and where.

CASEMATE_FORGERIES says how many are tried in all.
"""

import os
from random import Random

import pytest

from casemate.audit import bundle as files
from casemate.audit.bundle import BundleError
from casemate.audit.findings import Finding, Severity, Verdict
from casemate.audit.verify import Report, verify
from casemate.audit.verify_heads import brought
from support.evidence import World, opened, whole
from unit.audit.forgeries import OUTSIDERS, Forge, Forged, flip_policy
from unit.audit.insiders import INSIDERS

FORGES = (*OUTSIDERS, *INSIDERS)
EACH = -(-int(os.environ.get("CASEMATE_FORGERIES", "2000")) // len(FORGES))


@pytest.fixture(scope="module")
def world() -> World:
    return whole()


def inspected(world: World, forged: Forged) -> Report | BundleError:
    policy = world.policy.model_copy(update={"quorum": forged.quorum})
    since = [brought(one) for one in forged.since]
    try:
        return verify(opened(forged.held), policy, since)
    except BundleError as error:
        return error


def names(finding: Finding, forged: Forged) -> bool:
    """Whether a finding says where something was done."""
    if forged.place not in {finding.log, finding.field}:
        return False
    if forged.at is None:
        return True
    alone = finding.until in {None, forged.at + 1}
    if finding.index == forged.at and (alone or not forged.exact):
        return True
    spans = finding.index is not None and finding.until is not None
    return spans and not forged.exact and finding.index <= forged.at < finding.until  # type: ignore[operator]


@pytest.mark.parametrize("forge", FORGES, ids=lambda forge: forge.__name__)
def test_whatever_is_forged_is_found_and_where(world: World, forge: Forge) -> None:
    for seed in range(EACH):
        forged = forge(world, Random(f"{forge.__name__} {seed}"))
        if forged.held == world.export() and not forged.since:
            continue
        report = inspected(world, forged)
        if isinstance(report, BundleError):
            assert report.file in {forged.place, files.MANIFEST}, seed
            continue
        told = [(one.severity, one.where(), one.why) for one in report.findings.kept]
        if forge is not flip_policy:
            assert report.verdict is not Verdict.INTACT, (seed, told)
        counted = [
            one
            for one in report.findings.kept
            if one.severity is not Severity.NOTE or forge is flip_policy
        ]
        assert any(names(one, forged) for one in counted), (seed, forged.at, told)


@pytest.mark.parametrize("since", [False, True])
def test_control_what_is_not_forged_is_intact(world: World, *, since: bool) -> None:
    assert [len(log.notes) for log in world.logs] == [4, 4]
    for note in range(4):
        brought = (world.logs[0].notes[note], world.logs[1].notes[note]) if since else ()
        for quorum in (0, 1):
            forged = Forged(world.export(), "", since=brought, quorum=quorum)
            report = inspected(world, forged)
            assert isinstance(report, Report)
            assert report.verdict is Verdict.INTACT


def test_control_an_older_state_is_intact_where_nothing_newer_is_known(world: World) -> None:
    """Which is why an inspector carries checkpoints away."""
    older = world.before(2)
    assert verify(opened(older.export()), world.policy).verdict is Verdict.INTACT
