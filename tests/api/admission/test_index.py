"""The list of terms that exist: written by the operator alone, in its own namespace."""

import pytest

from support.operators import SYSTEM
from support.policies import ADMIN, ENGINEER, NAMESPACES, OPERATOR, PLAIN, RESCUER, WARDEN, World

INDEX, OTHER = "casemate-terms", "casemate-other"
NEAR = f"{SYSTEM}-2"
"""A namespace whose name begins as the operator's does."""
FORGED = {"data": {"agreement.mine": "InForce"}}
SAYS = f"ConfigMap {INDEX} is accepted from {OPERATOR} only; found "


def where(namespace: str, name: str = "") -> str:
    return f"/api/v1/namespaces/{namespace}/configmaps" + (f"/{name}" if name else "")


def named(name: str) -> dict[str, object]:
    return {"metadata": {"name": name}, **FORGED}


@pytest.fixture(scope="module")
def kept(world: World) -> World:
    """The same ConfigMap twice, and another one beside it."""
    world.make(ADMIN, "/api/v1/namespaces", {"metadata": {"name": NEAR}})
    world.make(OPERATOR, where(SYSTEM), named(INDEX))
    world.make(ENGINEER, where(SYSTEM), named(OTHER))
    world.make(ENGINEER, where(PLAIN), named(INDEX))
    return world


@pytest.mark.parametrize("user", [ENGINEER, RESCUER, WARDEN, ADMIN, NAMESPACES])
def test_the_index_is_changed_by_the_operator_alone(kept: World, user: str):
    assert kept.call(OPERATOR, "PATCH", where(SYSTEM, INDEX), FORGED) == ""
    assert SAYS + user in kept.call(user, "PATCH", where(SYSTEM, INDEX), FORGED)
    assert kept.call(user, "PATCH", where(SYSTEM, OTHER), FORGED) == ""
    assert kept.call(user, "PATCH", where(PLAIN, INDEX), FORGED) == ""


@pytest.mark.parametrize("user", [ENGINEER, ADMIN])
def test_the_index_is_removed_by_the_operator_alone(kept: World, user: str):
    for allowed in (OPERATOR, NAMESPACES):
        assert kept.call(allowed, "DELETE", where(SYSTEM, INDEX)) == ""
    assert SAYS + user in kept.call(user, "DELETE", where(SYSTEM, INDEX))
    assert SAYS + user in kept.call(user, "DELETE", where(SYSTEM))
    assert kept.call(user, "DELETE", where(SYSTEM, OTHER)) == ""
    assert kept.call(user, "DELETE", where(PLAIN, INDEX)) == ""
    assert kept.call(user, "DELETE", where(PLAIN)) == ""


@pytest.mark.parametrize("user", [ENGINEER, ADMIN])
def test_nobody_makes_the_index_in_the_operator_s_place(kept: World, world: World, user: str):
    assert kept.call(OPERATOR, "POST", where(SYSTEM), named(f"{INDEX}-2")) == ""
    assert SAYS + user in world.call(user, "POST", where(SYSTEM), named(INDEX))
    assert world.call(user, "POST", where(SYSTEM), named("new")) == ""
    assert world.call(user, "POST", where(SYSTEM), {"metadata": {"generateName": "n-"}}) == ""
    assert world.call(user, "POST", where(NEAR), named(INDEX)) == ""
