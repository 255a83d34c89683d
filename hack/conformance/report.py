"""Reads what the suite prints and reports: one line for each spec that ends, then the sums."""

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

_SPEC = "[It] "
_PASSED = {"passed"}
_LEFT_OUT = {"skipped", "pending"}
_TITLE = re.compile(r"\[sig-[a-z-]+\] .*")
_END = re.compile(r"(?:[•SP] )?(?:\[(?P<state>[A-Z]+)\] )?\[(?P<seconds>\d+\.\d+) seconds\]")
_TAGS = re.compile(r"( \[[^]]*\])+$")


@dataclass(frozen=True)
class Failure:
    """A spec, or a step around the specs, that failed.

    Attributes:
        name: What failed.
        message: The first line of why.
    """

    name: str
    message: str


@dataclass(frozen=True)
class Summary:
    """What came of the specs that were asked for.

    Attributes:
        passed: Names of specs that passed.
        failed: What failed.
        skipped: Names of specs that were left out, by us or by the suite.
        seconds: Duration of the whole run.
    """

    passed: tuple[str, ...]
    failed: tuple[Failure, ...]
    skipped: tuple[str, ...]
    seconds: float

    def write(self, path: Path) -> None:
        """Keep the summary as JSON."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    def __str__(self) -> str:
        lines = [f"skipped: {name}" for name in self.skipped]
        lines += [f"FAILED: {item.name}\n  {item.message}" for item in self.failed]
        counts = (
            f"{len(self.passed)} passed, {len(self.failed)} failed, {len(self.skipped)} skipped"
        )
        return "\n".join([*lines, f"{counts}, in {self.seconds:.0f} s"])


class Progress:
    """Follows the suite's verbose output.

    Attributes:
        total: How many specs are to run.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self._done = 0
        self._title = ""

    def take(self, line: str) -> str | None:
        """Return what to show when this line ends a spec, else None."""
        if title := _TITLE.match(line):
            self._title = short(title[0])
        ended = _END.match(line)
        if not ended:
            return None
        self._done += 1
        state = (ended["state"] or "passed").lower()
        mark = state if state in _PASSED | _LEFT_OUT else state.upper()
        seconds = float(ended["seconds"])
        return f"{self._done:3}/{self.total}  {mark:8} {seconds:6.1f} s  {self._title}"


def short(name: str) -> str:
    """Return a spec's name without what the report adds: its kind, its area, its labels."""
    bare = name.removeprefix(_SPEC)
    return _TAGS.sub("", re.sub(r"^\[sig-[a-z-]+\] ", "", bare))


def planned(report: Path) -> tuple[str, ...]:
    """Return the specs that a dry run would have run."""
    cases = _cases(ET.parse(report).getroot())  # noqa: S314  written by the suite that we built
    return tuple(name for name, case in cases if name.startswith(_SPEC) and _state(case) in _PASSED)


def condense(report: Path, asked: Collection[str], seconds: float) -> Summary:
    """Count what the specs asked for came to, and drop the thousands that were not from the file.

    A failure of anything counts, also of a step around the specs.
    """
    tree = ET.parse(report)  # noqa: S314  written by the suite that we built
    passed, failed, ran = [], [], set()
    for name, case in _cases(tree.getroot()):
        state = _state(case)
        if state in _LEFT_OUT:
            continue
        ran.add(name)
        if state not in _PASSED:
            failed.append(Failure(short(name), _message(case)))
        elif name in asked:
            passed.append(short(name))
    for suite in tree.iter("testsuite"):
        for case in suite.findall("testcase"):
            if case.get("name") not in ran and case.get("name") not in asked:
                suite.remove(case)
    tree.write(report, encoding="unicode")
    skipped = (short(name) for name in asked if name not in ran)
    return Summary(tuple(passed), tuple(failed), tuple(skipped), seconds)


def _cases(root: ET.Element) -> Iterator[tuple[str, ET.Element]]:
    return ((case.get("name", ""), case) for case in root.iter("testcase"))


def _state(case: ET.Element) -> str:
    return case.get("status", "")


def _message(case: ET.Element) -> str:
    trouble = next((part for part in case if part.tag in {"failure", "error"}), None)
    message = trouble.get("message", "") if trouble is not None else ""
    return next(iter(message.strip().splitlines()), f"status {_state(case)!r}, see the log")
