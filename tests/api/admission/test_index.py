"""The list of terms that exist: written by the operator alone."""

import pytest

from casemate.api.v1alpha1 import API_VERSION
from casemate.core.names import TERMS_INDEX
from support.operators import Json
from support.policies import ADMIN, ENGINEER, NAMESPACES, OPERATOR, RESCUER, WARDEN, World

ALL = "/apis/casemate.dev/v1alpha1/termsindexes"
FORGED = {"data": {"agreement.mine": "InForce"}}
SAYS = f"termsindexes: accepted from {OPERATOR} only; found "


def named(name: str) -> Json:
    meta = {"name": name}
    return {"apiVersion": API_VERSION, "kind": "TermsIndex", "metadata": meta, **FORGED}


@pytest.mark.parametrize("user", [ENGINEER, RESCUER, WARDEN, ADMIN, NAMESPACES])
def test_the_index_is_changed_by_the_operator_alone(world: World, user: str):
    assert world.call(OPERATOR, "PATCH", f"{ALL}/{TERMS_INDEX}", FORGED) == ""
    assert SAYS + user in world.call(user, "PATCH", f"{ALL}/{TERMS_INDEX}", FORGED)


@pytest.mark.parametrize("user", [ENGINEER, ADMIN, NAMESPACES])
def test_the_index_is_removed_by_the_operator_alone(world: World, user: str):
    assert world.call(OPERATOR, "DELETE", f"{ALL}/{TERMS_INDEX}") == ""
    for target in (f"{ALL}/{TERMS_INDEX}", ALL):
        assert SAYS + user in world.call(user, "DELETE", target)


@pytest.mark.parametrize("user", [ENGINEER, ADMIN])
def test_nobody_makes_an_index_in_the_operator_s_place(world: World, user: str):
    assert world.call(OPERATOR, "POST", ALL, named("another")) == ""
    assert SAYS + user in world.call(user, "POST", ALL, named("another"))
