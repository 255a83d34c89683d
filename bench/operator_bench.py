"""What the operator costs and how fast it is, beside a plain kopf operator, in one run.

Usage: bench/operator_bench.py --out DIR [--sizes 300,1000] [--quick]. Each operator gets a fresh
API server without controllers or nodes; requests are counted from the server's audit log by user.
Times run from the sending of a request to its effect in a watch, on one clock.

Not called operator.py: as first folder on the path it would hide the standard module of that name.
"""

import argparse
import functools
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import uvloop
from operator_audit import Audit
from operator_phases import Phases
from operator_subject import CASEMATE, SUBJECTS, Subject, running
from operator_watch import Admin, Watcher
from operator_world import NAMESPACES, world

_SHOWN = (
    ("create_children_per_second", "200"),
    ("create_all_children_seen", ""),
    ("create_settled", ""),
    ("create_writes_each", "7"),
    ("create_cpu_operator_each", ""),
    ("create_cpu_apiserver_each", ""),
    ("single_create_p50", "40"),
    ("single_create_p99", ""),
    ("heal_delete_all_p50", "25"),
    ("heal_delete_all_p99", "200"),
    ("heal_edit_all_p50", "25"),
    ("heal_edit_all_p99", "200"),
    ("noop_requests", "0"),
    ("idle_requests_per_second", "0.6"),
    ("idle_writes", "0"),
    ("idle_rss", "120"),
    ("restart_writes", "0"),
    ("restart_settled", ""),
)


class Case(NamedTuple):
    """One operator with one number of objects."""

    subject: str
    size: int
    idle_seconds: float
    samples: int
    """How many single creates, and how many heals of each kind and action."""


class Figures:
    """Prints and keeps figures, one JSON object a line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._values: dict[tuple[str, Case], tuple[float, str]] = {}

    def record(self, case: Case, figure: str, value: float, unit: str, n: int) -> None:
        self._values[figure, case] = (value, unit)
        name = f"operator_{case.size}_{figure}"
        line = {"name": name, "value": round(value, 3), "unit": unit, "n": n}
        text = json.dumps({**line, "subject": case.subject})
        print(text, flush=True)
        with self._path.open("a") as file:
            file.write(text + "\n")

    def table(self, cases: list[Case]) -> None:
        heads = "".join(f"{f'{case.subject} {case.size}':>18}" for case in cases)
        print(f"\n{'':28}{'target':>8}{heads}  unit", file=sys.stderr)
        for name, target in _SHOWN:
            cells = [self._values.get((name, case)) for case in cases]
            row = "".join(f"{'-' if cell is None else f'{cell[0]:.2f}':>18}" for cell in cells)
            unit = next((cell[1] for cell in cells if cell), "")
            print(f"{name:28}{target:>8}{row}  {unit}", file=sys.stderr)


async def measure(subject: Subject, case: Case, figures: Figures) -> None:
    members = [(f"model-{i}", NAMESPACES[i % len(NAMESPACES)]) for i in range(case.size)]
    log = subject.plane.audit_log
    if log is None:
        raise RuntimeError("the control plane keeps no audit log")
    async with Admin(subject.plane.kubeconfig) as admin, Watcher(admin) as watcher:
        record = functools.partial(figures.record, case)
        phases = Phases(subject, admin, watcher, Audit(log), record, members)
        for step, phase in (
            ("create", phases.create()),
            ("no-op", phases.touch()),
            ("single creates", phases.single(case.samples)),
            ("heal", phases.heal(case.samples)),
            ("idle", phases.idle(case.idle_seconds)),
            ("restart", phases.restart()),
        ):
            began = time.monotonic()
            await phase
            took = time.monotonic() - began
            print(f"-- {subject.name}, {case.size}: {step}: {took:.1f} s", file=sys.stderr)


def run(case: Case, figures: Figures, out: Path) -> None:
    log = out / f"operator-{case.subject}-{case.size}.log"
    with (
        tempfile.TemporaryDirectory() as folder,
        world(Path(folder)) as plane,
        running(case.subject, plane, log) as subject,
    ):
        uvloop.run(measure(subject, case, figures))


def cases(sizes: list[int], subjects: list[str], *, quick: bool) -> Iterator[Case]:
    for size in sizes:
        for subject in subjects:
            # The long window is for the operator and size that promises are made about.
            long = subject == CASEMATE and size == max(sizes) and not quick
            yield Case(subject, size, 60 if long else 10, 10 if quick else 25)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for operator.jsonl")
    parser.add_argument("--sizes", default=None, help="numbers of objects (default: 300,1000)")
    parser.add_argument("--quick", action="store_true", help="one small size, short windows")
    parser.add_argument("--subjects", default=",".join(SUBJECTS), help="only some of them")
    given = parser.parse_args()
    sizes = [int(one) for one in (given.sizes or ("50" if given.quick else "300,1000")).split(",")]
    given.out.mkdir(parents=True, exist_ok=True)
    out = given.out / "operator.jsonl"
    out.unlink(missing_ok=True)
    figures = Figures(out)
    planned = list(cases(sizes, given.subjects.split(","), quick=given.quick))
    for case in planned:
        run(case, figures, given.out)
    figures.table(planned)


if __name__ == "__main__":
    main()
