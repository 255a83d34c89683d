"""The rendered policies, read by the plain reader of the specification, cell by cell of the table.

The reader shares no code with what renders, nor with the enforcer that is held to it.
"""

import pytest

from support.reach import ALLOWED, MODELS, SYSTEM, Cell, cells
from unit.core.reached import allowed, cluster, rendered


def of_models() -> set[Cell]:
    """The part of the table that the operator renders: a model is at one end."""
    return {cell for cell in ALLOWED if cell.source in MODELS or cell.target in MODELS}


def test_what_is_rendered_allows_what_the_table_says_and_nothing_else() -> None:
    assert allowed(cluster(*rendered(str)), MODELS) == of_models()


def test_the_table_speaks_of_what_is_tried() -> None:
    assert set(cells((*MODELS, *SYSTEM))) > ALLOWED
    assert len(set(cells(MODELS))) > 2000


def test_without_policies_every_way_is_open() -> None:
    _, labels = rendered(str)
    assert allowed(cluster([], labels), MODELS) == set(cells(MODELS))


@pytest.mark.parametrize("model", MODELS)
def test_without_its_allow_nothing_of_a_model_is_open(model: str) -> None:
    policies, labels = rendered(str)
    kept = [one for one in policies if one["metadata"]["name"] != f"{model}-allow"]
    expected = {cell for cell in of_models() if model not in (cell.source, cell.target)}
    assert allowed(cluster(kept, labels), MODELS) == expected
