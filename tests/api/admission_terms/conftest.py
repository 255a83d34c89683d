"""One API server with terms in every state, and two users who change agreements."""

from collections.abc import Iterator
from functools import partial

import pytest

from api.admission_terms import loosening_cases
from api.admission_terms.cases import CASES, Case
from api.admission_terms.world import DOMAIN, RBAC, World
from enclave.controlplane import ControlPlane
from enclave.kubeapi import KubeApi
from enclave.waiting import until

_CHANGE = ["get", "update", "patch", "delete", "deletecollection", "list"]
RULES = {
    "clerk": [{"resources": ["usageagreements", "suppliers"], "verbs": _CHANGE}],
    "signer": [
        {"resources": ["usageagreements", "suppliers"], "verbs": _CHANGE},
        {"resources": ["usageagreements"], "verbs": ["loosen"], "resourceNames": ["loose"]},
    ],
}


def grant(world: World, user: str, rules: list[dict[str, list[str]]]) -> None:
    """Gives a user rights on our kinds."""
    meta = {"name": user}
    body = {"metadata": meta, "rules": [rule | {"apiGroups": ["casemate.dev"]} for rule in rules]}
    world.admin.request("POST", f"{RBAC}/clusterroles", body)
    group = "rbac.authorization.k8s.io"
    bound = {
        "metadata": meta,
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": user},
        "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
    }
    world.admin.request("POST", f"{RBAC}/clusterrolebindings", bound)


def _refuses(world: World, case: Case) -> bool:
    # For its own reason: a policy that has not seen its parameters yet refuses everything.
    accepted, refused = case.outcome(world)
    return accepted == "" and all(part in refused for part in case.says)


def build(plane: ControlPlane) -> World:
    """Everything in place, and every policy seen to hold."""
    world = World(plane)
    world.install()
    world.populate()
    for user, rules in RULES.items():
        grant(world, user, rules)
    world.enforce()
    for name, cases in CASES.items():
        until(partial(_refuses, world, cases[0]), 30, f"{name} never held")
    until(lambda: world.scaled("of-phasing", 3) != "", 30, "casemate-deployment-scale never held")
    clerk, loosening = world.user("clerk"), loosening_cases.CASES[0]
    until(
        lambda: loosening.change(world, clerk, loosening.looser) != "",
        30,
        "casemate-agreement-loosening never held",
    )
    used = f"{DOMAIN}/suppliers/used-lab"
    until(lambda: world.attempt("DELETE", used) != "", 30, "casemate-terms-in-use never held")
    return world


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An API server of its own: its policies would refuse what other tests make."""
    with ControlPlane(tmp_path_factory.mktemp("terms-plane")) as plane:
        yield build(plane)


@pytest.fixture(scope="session")
def clerk(world: World) -> KubeApi:
    """Who may change agreements, but not loosen them."""
    return world.user("clerk")


@pytest.fixture(scope="session")
def signer(world: World) -> KubeApi:
    """Who may also loosen the agreement `loose`."""
    return world.user("signer")
