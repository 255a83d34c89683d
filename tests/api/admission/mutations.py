"""Leaves one thing out of a policy at a time, and tells whose loss no test of this folder notices.

Run as `PYTHONPATH=hack:tests python -m api.admission.mutations [--coarse] [POLICY ...]`; coarse
leaves operands alone, which takes a fifth of the time. All mutants take turns on one API server, so
a test's objects may be there already when it makes them.
"""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import nullcontext, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from api.admission.mutants import Mutant, mutants
from casemate.admission.policy import Policy
from casemate.admission.sets import POLICIES
from enclave import parts
from enclave.kubeapi import ApiError
from support import policies as support
from support.operators import Json
from support.policies import ADMIN, OPERATOR, ROOT, World

_HERE = Path(__file__).parent
_HOLDS_SECONDS = 2.0
"""The API server reads policies once a second."""
_TESTS = {
    "pods": ("pods", "glass", "access", "identity"),
    "children": ("children", "glass", "access", "identity"),
    "namespaces": ("namespaces",),
    "index": ("index",),
}
"""Which tests are about the policies of a file."""


class Again(World):
    """A world in which what is made may be there from an earlier round."""

    def make(self, user: str, where: str, body: Json) -> Json:
        """Makes an object, anew if it is there; but namespaces and policies stay as they are."""
        try:
            return super().make(user, where, body)
        except ApiError as error:
            if error.status != 409:
                raise
        target = f"{where}/{body['metadata']['name']}"
        if where.endswith("/namespaces") or where.startswith(ROOT):
            found: Json = self.as_user(ADMIN).request("GET", target)
            return found
        self.as_user(OPERATOR).request("DELETE", f"{target}?gracePeriodSeconds=0")
        return super().make(user, where, body)


@dataclass
class _First:
    """Remembers the first test that turned red."""

    name: str = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.name:
            self.name = report.nodeid.rpartition("/")[2] + ("" if report.when == "call" else " *")


def _red(file: str) -> str:
    """Run the tests of a file of policies; return the first red one."""
    first = _First()
    tests = [str(_HERE / f"test_{name}.py") for name in _TESTS[file]]
    quiet = ["-x", "-q", "-p", "no:cacheprovider", "--no-header", "--tb=no"]
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        pytest.main([*quiet, *tests], plugins=[first])
    return first.name


def _put(world: World, policy: Policy) -> None:
    for body in policy.objects():
        where = f"{ROOT}/{support.PLURALS[body['kind']]}/{policy.name}"
        live = world.as_user(ADMIN).request("GET", where)
        body["metadata"] = live["metadata"]
        world.as_user(ADMIN).request("PUT", where, body)
    time.sleep(_HOLDS_SECONDS)


def _trials(world: World, wanted: list[str], *, coarse: bool) -> Iterator[tuple[Mutant, str]]:
    """Try every mutant; yield it with the test that noticed it."""
    for file, policies in POLICIES.items():
        for policy in policies if file in _TESTS else ():
            if wanted and policy.name not in wanted:
                continue
            if red := _red(file):
                raise SystemExit(f"{policy.name}: red as it is: {red}")
            for mutant in mutants(policy):
                if coarse and mutant.lacks.startswith("operand"):
                    continue
                _put(world, mutant.policy)
                yield mutant, _red(file) or _red(file)
            _put(world, policy)


def main(wanted: list[str], *, coarse: bool) -> int:
    """Try the mutants of some policies, or of all; return how many survive."""
    parts.ensure(["helm"])
    survivors = []
    with tempfile.TemporaryDirectory() as folder, support.serving(Path(folder)) as served:
        for mutant, red in _trials(_shared(served), wanted, coarse=coarse):
            line = f"{mutant.policy.name} without {mutant.lacks}"
            survivors += [] if red else [line]
            print(f"{line} -> {red or 'SURVIVED'}", flush=True)  # noqa: T201
    print("\n".join([f"survivors: {len(survivors)}", *survivors]))  # noqa: T201
    return len(survivors)


def _shared(served: World) -> World:
    """Give a server its policies, and have the fixtures of every round use it."""
    world = Again(served.plane)
    support.install(world, support.policies())
    support.serving = lambda _: nullcontext(world)  # type: ignore[assignment,return-value]
    time.sleep(_HOLDS_SECONDS)
    return world


if __name__ == "__main__":
    names = [name for name in sys.argv[1:] if name != "--coarse"]
    sys.exit(min(main(names, coarse="--coarse" in sys.argv), 1))
