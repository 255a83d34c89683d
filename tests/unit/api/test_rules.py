"""The Python side of every rule, on the same pairs that the API server is held against."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from casemate.api.crd import DEFINITIONS
from casemate.api.model import ApiModel
from casemate.api.quantities import amount
from casemate.api.rules import literal
from casemate.api.terms import instant
from casemate.api.v1alpha1 import NAME_RULE, ModelDeploymentSpec
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
from unit.api.cases import AGREEMENT, NAMES, SPEC, Pair, changed

PAIRS = [
    *(*model_cases.PAIRS, *engine_cases.PAIRS, *access_cases.PAIRS, *terms_cases.PAIRS),
    *(*agreement_cases.PAIRS, *supplier_cases.PAIRS, *egress_cases.PAIRS),
    *approval_cases.PAIRS,
]


def _validate(kind: str, spec: dict[str, Any]) -> ApiModel:
    (found,) = (one.type for one in DEFINITIONS if one.kind == kind)
    return found.model_validate({"spec": spec})


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.refuses)
def test_a_broken_rule_is_refused_and_its_neighbour_accepted(pair: Pair) -> None:
    _validate(pair.kind, pair.accepted_spec())
    with pytest.raises(ValidationError):
        _validate(pair.kind, pair.refused_spec())


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


@given(st.integers(1000, 9999), st.integers(1, 12), st.integers(1, 31))
def test_every_day_that_exists_is_a_moment_and_no_other(year: int, month: int, day: int) -> None:
    text = f"{year:04}-{month:02}-{day:02}T00:00:00Z"
    term = {"start": "1000-01-01T00:00:00Z", "end": text}
    try:
        exists = instant(text) > datetime(1000, 1, 1, tzinfo=UTC)
    except ValueError:
        exists = False
    try:
        _validate("UsageAgreement", changed("term", term, AGREEMENT))
    except ValidationError:
        accepted = False
    else:
        accepted = True
    assert accepted == exists


@given(st.text(max_size=40))
def test_a_cel_literal_is_printable_and_closed(text: str) -> None:
    quoted = literal(text)
    assert quoted.isascii()
    assert quoted.isprintable()
    inner = quoted[1:-1].replace("\\\\", "").replace("\\'", "")
    assert "'" not in inner
