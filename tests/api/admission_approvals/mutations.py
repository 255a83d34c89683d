"""Leaves one thing out of a policy at a time, and tells whose loss no test of this folder notices.

Run as `PYTHONPATH=hack:tests python -m api.admission_approvals.mutations [POLICY ...]`. All mutants
take turns on one API server; what a round made is gone before the next.
"""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import nullcontext, redirect_stdout
from pathlib import Path

import pytest

from api.admission.mutants import Mutant, mutants
from api.admission.mutations import Again, _First
from api.admission_approvals.people import DOMAIN
from casemate.admission.policy import Policy
from casemate.admission.sets import POLICIES
from enclave import parts
from enclave.kubeapi import ApiError
from enclave.waiting import until
from support import policies as support
from support.operators import Json
from support.policies import ADMIN, ENCLAVE, GUARDED, ROOT, World

_HERE = Path(__file__).parent
_HOLDS_SECONDS = 2.0
"""The API server reads policies once a second."""
_KINDS = (
    f"namespaces/{ENCLAVE}/approvaldecisions",
    f"namespaces/{ENCLAVE}/approvalreviews",
    f"namespaces/{ENCLAVE}/approvalrequests",
    "killswitches",
)
_BINDINGS = support.PLURALS["ValidatingAdmissionPolicyBinding"]
_OURS = POLICIES["approvals"]


class Renewed(Again):
    """A server that every round finds as the first did."""

    def make(self, user: str, where: str, body: Json) -> Json:
        """Makes an object; of our kinds never anew, since that is what some tests are about."""
        return (World if where.startswith(DOMAIN) else Again).make(self, user, where, body)

    def clear(self) -> None:
        """Takes away what a round made, which the policies would keep."""
        admin = self.as_user(ADMIN)
        for policy in _OURS:
            admin.request("DELETE", f"{ROOT}/{_BINDINGS}/{policy.name}")
        until(self._cleared, 30, "what a round made never went")
        grouped: Json = {"spec": {"approvals": {"approverGroups": []}}}
        where = f"{DOMAIN}/usageagreements/{GUARDED}"
        admin.request("PATCH", where, grouped, "application/merge-patch+json")

    def serves(self) -> bool:
        """Whether the new kinds can be listed."""
        return not any(self.call(ADMIN, "GET", f"{DOMAIN}/{kind}") for kind in _KINDS)

    def _cleared(self) -> bool:
        left = 0
        for kind in _KINDS:
            where = f"{DOMAIN}/{kind}"
            for item in self.as_user(ADMIN).request("GET", where)["items"]:
                left += self.removed(f"{where}/{item['metadata']['name']}")
        return left == 0

    def removed(self, where: str) -> int:
        """Tries to take an object away; returns 1 where it is kept."""
        try:
            self.as_user(ADMIN).request("DELETE", where)
        except ApiError:
            return 1
        return 0

    def rule(self, changed: Policy) -> None:
        """Puts every policy of ours in force, one of them changed."""
        for policy in _OURS:
            body, binding = (changed if changed.name == policy.name else policy).objects()
            where = f"{ROOT}/{support.PLURALS[body['kind']]}/{policy.name}"
            body["metadata"] = self.as_user(ADMIN).request("GET", where)["metadata"]
            self.as_user(ADMIN).request("PUT", where, body)
            self.as_user(ADMIN).request("POST", f"{ROOT}/{_BINDINGS}", binding)
        time.sleep(_HOLDS_SECONDS)


def _red(world: Renewed, policy: Policy) -> str:
    """Run the tests under a changed policy; return the first red one."""
    world.clear()
    world.rule(policy)
    first = _First()
    quiet = ["-x", "-q", "-p", "no:cacheprovider", "--no-header", "--tb=no"]
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        pytest.main([*quiet, str(_HERE)], plugins=[first])
    return first.name


def _trials(world: Renewed, wanted: list[str]) -> Iterator[tuple[Mutant, str]]:
    """Try every mutant; yield it with the test that noticed it."""
    if red := _red(world, _OURS[0]):
        raise SystemExit(f"red as it is: {red}")
    for policy in _OURS:
        if not wanted or policy.name in wanted:
            for mutant in mutants(policy):
                yield mutant, _red(world, mutant.policy)


def main(wanted: list[str]) -> int:
    """Try the mutants of some policies, or of all; return how many survive."""
    parts.ensure(["helm"])
    survivors = []
    with tempfile.TemporaryDirectory() as folder, support.serving(Path(folder)) as served:
        world = Renewed(served.plane)
        support.install(world, support.policies())
        until(world.serves, 30, "the kinds never served")
        support.serving = lambda _: nullcontext(world)  # type: ignore[assignment,return-value]
        for mutant, red in _trials(world, wanted):
            line = f"{mutant.policy.name} without {mutant.lacks}"
            survivors += [] if red else [line]
            print(f"{line} -> {red or 'SURVIVED'}", flush=True)  # noqa: T201
    print("\n".join([f"survivors: {len(survivors)}", *survivors]))  # noqa: T201
    return len(survivors)


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 1))
