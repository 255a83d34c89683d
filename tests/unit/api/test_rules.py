"""The Python side of every rule, on the same pairs that the API server is held against."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from casemate.api.quantities import amount
from casemate.api.rules import literal
from casemate.api.v1alpha1 import NAME_RULE, ModelDeploymentSpec
from unit.api import access_cases, engine_cases, model_cases
from unit.api.cases import NAMES, SPEC, Pair, changed

PAIRS = [*model_cases.PAIRS, *engine_cases.PAIRS, *access_cases.PAIRS]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.refuses)
def test_a_broken_rule_is_refused_and_its_neighbour_accepted(pair: Pair) -> None:
    ModelDeploymentSpec.model_validate(changed(pair.at, pair.accepted))
    with pytest.raises(ValidationError):
        ModelDeploymentSpec.model_validate(changed(pair.at, pair.refused))


@pytest.mark.parametrize(("accepted", "refused"), NAMES)
def test_a_bad_name_is_refused_and_its_neighbour_accepted(accepted: str, refused: str) -> None:
    assert NAME_RULE.holds(accepted)
    assert not NAME_RULE.holds(refused)


def test_no_two_pairs_have_the_same_sentence() -> None:
    sentences = [pair.refuses for pair in PAIRS]
    assert sorted(set(sentences)) == sorted(sentences)


def test_a_refusal_by_python_carries_the_sentence_of_the_rule() -> None:
    with pytest.raises(ValidationError) as refused:
        ModelDeploymentSpec.model_validate(changed("engine.image", "registry.local/x:1"))
    assert "engine.image" in str(refused.value)
    assert "must be an image by digest" in str(refused.value)


def test_the_defaults_in_python_are_those_of_the_smallest_spec() -> None:
    spec = ModelDeploymentSpec.model_validate(SPEC)
    assert (spec.replicas, spec.suspend, spec.access.clients) == (1, False, [])


@pytest.mark.parametrize(
    ("quantity", "number"),
    [("500m", "0.5"), (3, "3"), ("1.5Gi", "1610612736"), ("1k", "1000"), ("2Pi", str(2**51))],
)
def test_a_quantity_stands_for_its_number(quantity: int | str, number: str) -> None:
    assert amount(quantity) == Decimal(number)


@pytest.mark.parametrize("text", ["lots", "-1", "1e3", "1 Gi", "Gi", "1.", "٣"])
def test_what_is_no_quantity_has_no_number(text: str) -> None:
    assert amount(text) is None


@given(st.text(max_size=40))
def test_a_cel_literal_is_printable_and_closed(text: str) -> None:
    quoted = literal(text)
    assert quoted.isascii()
    assert quoted.isprintable()
    inner = quoted[1:-1].replace("\\\\", "").replace("\\'", "")
    assert "'" not in inner
