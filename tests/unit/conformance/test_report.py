"""What the suite prints and reports, in its own words, is read right: above all what failed."""

from pathlib import Path

import pytest

from conformance import report
from conformance.report import Progress, Summary

DENY = "[It] [sig-network] Netpol NetworkPolicy should deny [Feature:NetworkPolicy] [sig-network]"
ALLOW = "[It] [sig-network] Netpol NetworkPolicy should allow [Feature:NetworkPolicy] [sig-network]"
SCTP = "[It] [sig-network] Netpol [Feature:SCTPConnectivity] using SCTP should deny [sig-network]"
OTHER = "[It] [sig-storage] Volumes should mount [sig-storage]"
SETUP = "[SynchronizedBeforeSuite]"


def write(path: Path, *cases: tuple[str, str]) -> Path:
    body = "".join(
        f'<testcase name="{name}" status="{status}" time="1">'
        + ("" if status in {"passed", "skipped"} else '<failure message="6 wrong&#xA;and more"/>')
        + "</testcase>"
        for name, status in cases
    )
    path.write_text(f"<testsuites><testsuite>{body}</testsuite></testsuites>")
    return path


def condensed(folder: Path, *cases: tuple[str, str], asked: tuple[str, ...]) -> Summary:
    return report.condense(write(folder / "junit.xml", *cases), asked, 1.0)


def test_a_dry_run_tells_the_specs_and_not_the_steps_around_them(tmp_path: Path) -> None:
    dry = write(tmp_path / "dry.xml", (SETUP, "passed"), (DENY, "passed"), (OTHER, "skipped"))
    assert report.planned(dry) == (DENY,)


@pytest.mark.parametrize("status", ["failed", "timedout", "panicked", "interrupted", "aborted", ""])
def test_whatever_is_not_known_as_good_has_failed(tmp_path: Path, status: str) -> None:
    summary = condensed(tmp_path, (DENY, status), (ALLOW, "passed"), asked=(DENY, ALLOW))
    assert [(item.name, item.message) for item in summary.failed] == [
        ("Netpol NetworkPolicy should deny", "6 wrong")
    ]
    assert summary.passed == ("Netpol NetworkPolicy should allow",)


def test_a_failure_around_the_specs_is_a_failure(tmp_path: Path) -> None:
    cases = ((SETUP, "failed"), (DENY, "skipped"))
    summary = condensed(tmp_path, *cases, asked=(DENY,))
    assert [item.name for item in summary.failed] == [SETUP]
    assert summary.passed == ()


def test_a_spec_that_was_asked_for_and_did_not_run_is_told_as_skipped(tmp_path: Path) -> None:
    cases = ((DENY, "passed"), (SCTP, "skipped"), (OTHER, "skipped"))
    summary = condensed(tmp_path, *cases, asked=(DENY, SCTP, ALLOW))
    assert summary.skipped == (
        "Netpol [Feature:SCTPConnectivity] using SCTP should deny",
        "Netpol NetworkPolicy should allow",
    )
    assert str(summary).endswith("1 passed, 0 failed, 2 skipped, in 1 s")


def test_the_file_keeps_what_was_asked_for_only(tmp_path: Path) -> None:
    condensed(tmp_path, (DENY, "passed"), (SCTP, "skipped"), (OTHER, "skipped"), asked=(DENY, SCTP))
    kept = (tmp_path / "junit.xml").read_text()
    assert "should deny" in kept
    assert "SCTP" in kept
    assert "Volumes" not in kept


@pytest.mark.parametrize(
    ("end", "shown"),
    [
        ("• [12.858 seconds]", "  1/2  passed     12.9 s  Netpol NetworkPolicy should deny"),
        (
            "• [FAILED] [70.321 seconds]",
            "  1/2  FAILED     70.3 s  Netpol NetworkPolicy should deny",
        ),
        (
            "• [PANICKED] [0.321 seconds]",
            "  1/2  PANICKED    0.3 s  Netpol NetworkPolicy should deny",
        ),
        (
            "S [SKIPPED] [0.002 seconds]",
            "  1/2  skipped     0.0 s  Netpol NetworkPolicy should deny",
        ),
    ],
)
def test_each_spec_that_ends_is_shown_as_it_ended(end: str, shown: str) -> None:
    progress = Progress(2)
    before = ["[SynchronizedBeforeSuite] PASSED [0.021 seconds]", DENY.removeprefix("[It] "), "  x"]
    assert [progress.take(line) for line in before] == [None] * 3
    assert progress.take(end) == shown
