"""A real API server accepts and refuses what the types say, and says why."""

import pytest

from api.crd.cluster import Cluster
from unit.api import (
    access_cases,
    agreement_cases,
    approval_cases,
    egress_cases,
    engine_cases,
    model_cases,
    supplier_cases,
    terms_cases,
)
from unit.api.cases import NAMES, SPEC, Pair, changed

PAIRS = [
    *(*model_cases.PAIRS, *engine_cases.PAIRS, *access_cases.PAIRS, *terms_cases.PAIRS),
    *(*agreement_cases.PAIRS, *supplier_cases.PAIRS, *egress_cases.PAIRS),
    *approval_cases.PAIRS,
]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.refuses)
def test_a_broken_rule_is_refused_by_field_and_its_neighbour_accepted(
    cluster: Cluster, pair: Pair
) -> None:
    name = approval_cases.NAMES.get(pair.kind, "pair")
    assert cluster.refusal(name, pair.accepted_spec(), pair.kind) == ""

    message = cluster.refusal(name, pair.refused_spec(), pair.kind)
    for part in (f"spec.{pair.field or pair.at}", *pair.says):
        assert part in message


@pytest.mark.parametrize(("accepted", "refused"), NAMES)
def test_a_bad_name_is_refused_and_its_neighbour_accepted(
    cluster: Cluster, accepted: str, refused: str
) -> None:
    assert cluster.refusal(accepted, SPEC) == ""
    message = cluster.refusal(refused, SPEC)
    assert "metadata.name" in message
    assert f"found {refused}" in message or "may not be more than 52" in message


def test_a_refusal_names_every_broken_rule_at_once(cluster: Cluster) -> None:
    spec = changed("model.supplier", "Open Lab", changed("use", "Route planning"))
    message = cluster.refusal("pair", spec)
    assert "spec.model.supplier" in message
    assert "spec.use" in message
