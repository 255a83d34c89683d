"""The scale subresource is no way round a supplier's standing."""

import pytest

from api.admission_terms.world import World


@pytest.mark.parametrize(
    ("supplier", "standing"), [("phasing", "PhasingOut"), ("blocked", "Blocked")]
)
def test_what_an_inventory_holds_can_shrink_but_not_grow(
    world: World, supplier: str, standing: str
) -> None:
    assert world.scaled(f"of-{supplier}", 2) == ""
    assert world.scaled(f"of-{supplier}", 0) == ""
    message = world.scaled(f"of-{supplier}", 3)
    said = f"3 is more than 2 while supplier {supplier} is {standing}; accepted: at most 2"
    assert f"spec.replicas: {said}" in message


def test_what_no_inventory_holds_can_grow(world: World) -> None:
    assert world.scaled("plain", 3) == ""


def test_an_inventory_of_an_approved_supplier_holds_nothing_back(world: World) -> None:
    assert world.scaled("of-open-lab", 3) == ""
