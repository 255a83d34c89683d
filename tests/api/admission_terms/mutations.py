"""Drops each check in turn and tells whose loss no case notices.

Run as `PYTHONPATH=hack:tests python -m api.admission_terms.mutations`.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from api.admission_terms import loosening_cases
from api.admission_terms.cases import CASES, Case
from api.admission_terms.conftest import build
from api.admission_terms.world import ADMISSION, DOMAIN, World
from casemate.admission.policy import Check, Policy
from casemate.admission.terms import TERMS
from enclave.controlplane import ControlPlane
from enclave.kubeapi import KubeApi
from enclave.waiting import until

_SECONDS = 5.0
_DROPPED = Check("true", "'dropped'")
Green = Callable[[], bool]


def _cases(world: World) -> dict[str, list[Green]]:
    clerk = world.user("clerk")
    greens: dict[str, list[Green]] = {
        name: [partial(_holds, world, case) for case in cases] for name, cases in CASES.items()
    }
    greens["casemate-deployment-scale"] = [lambda: "at most 2" in world.scaled("of-phasing", 3)]
    greens["casemate-agreement-loosening"] = [
        partial(_held_back, world, clerk, case) for case in loosening_cases.CASES
    ]
    used = f"{DOMAIN}/suppliers/used-lab"
    greens["casemate-terms-in-use"] = [lambda: "none does" in world.attempt("DELETE", used)]
    return greens


def _holds(world: World, case: Case) -> bool:
    accepted, refused = case.outcome(world)
    return _says(accepted, refused, case.says)


def _held_back(world: World, clerk: KubeApi, case: loosening_cases.Loosening) -> bool:
    accepted, refused = (case.change(world, clerk, one) for one in (case.tighter, case.looser))
    return _says(accepted, refused, (f"spec.{case.field or case.at}", case.says))


def _all_hold(greens: list[Green]) -> bool:
    return all(green() for green in greens)


def _says(accepted: str, refused: str, parts: tuple[str, ...]) -> bool:
    return accepted == "" and all(part in refused for part in parts)


def _write(world: World, policy: Policy, checks: list[Check]) -> None:
    where = f"{ADMISSION}/validatingadmissionpolicies/{policy.name}"
    body = {"spec": {"validations": [check.as_cel() for check in checks]}}
    world.admin.request("PATCH", where, body, "application/merge-patch+json")


def _noticed(greens: list[Green]) -> bool:
    """Whether a case turns red; policies take effect a moment after they are written."""
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end:
        if not _all_hold(greens):
            return True
    return False


def survivors(world: World) -> list[str]:
    """The checks whose loss no case notices."""
    found, cases = [], _cases(world)
    for policy in TERMS:
        for index, check in enumerate(policy.checks):
            greens = cases[policy.name]
            until(partial(_all_hold, greens), 30, policy.name)
            checks = [*policy.checks]
            checks[index] = _DROPPED
            _write(world, policy, checks)
            noticed = _noticed(greens)
            _report(f"{policy.name}[{index}]: {'noticed' if noticed else 'SURVIVED'}")
            found += [] if noticed else [f"{policy.name}: {check.expression}"]
            _write(world, policy, [*policy.checks])
    return found


def _report(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Run every mutation; return how many survive."""
    with tempfile.TemporaryDirectory() as folder, ControlPlane(Path(folder)) as plane:
        found = survivors(build(plane))
    _report("\n".join([f"survivors: {len(found)}", *found]))
    return len(found)


if __name__ == "__main__":
    sys.exit(main())
