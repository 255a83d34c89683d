"""Tightening an agreement is free, loosening needs a right; terms in use stay."""

import pytest

from api.admission_terms.loosening_cases import CASES, Loosening
from api.admission_terms.world import DOMAIN, World
from enclave.kubeapi import KubeApi

AT_LOOSE = [case for case in CASES if case.on == "loose"]
RIGHT = "or the right to loosen usageagreements {} in casemate.dev"


def _sentences(cases: list[Loosening]) -> list[str]:
    return [
        f"{one.at} of {one.on}: {one.says.partition(';')[0]} {n}" for n, one in enumerate(cases)
    ]


@pytest.mark.parametrize("case", CASES, ids=_sentences(CASES))
def test_loosening_is_refused_and_tightening_passes(
    world: World, clerk: KubeApi, case: Loosening
) -> None:
    assert case.change(world, clerk, case.tighter) == ""
    message = case.change(world, clerk, case.looser)
    assert f"spec.{case.field or case.at}" in message
    assert case.says in message
    assert RIGHT.format(case.on) in message


@pytest.mark.parametrize("case", AT_LOOSE, ids=_sentences(AT_LOOSE))
def test_who_has_the_right_loosens(world: World, signer: KubeApi, case: Loosening) -> None:
    assert case.change(world, signer, case.looser) == ""


def test_the_right_is_that_of_one_agreement(world: World, signer: KubeApi) -> None:
    loosened = [case for case in CASES if case.on != "loose"]
    for case in loosened:
        assert RIGHT.format(case.on) in case.change(world, signer, case.looser)


def test_to_name_the_first_approvers_to_seal_or_to_limit_is_no_loosening(
    world: World, clerk: KubeApi
) -> None:
    groups = Loosening("approvals.approverGroups", ["a"], None, "", on="open")
    assert groups.change(world, clerk, groups.tighter) == ""
    for at, value in (
        ("systemInstruction", "Be kind."),
        ("guard", {"minimumBundleVersion": 20_260_101, "uncoveredLanguages": "Refuse"}),
        ("quotas.requests", 5),
    ):
        first = Loosening(at, value, None, "", on="used")
        assert first.change(world, clerk, first.tighter) == ""
    sealed = Loosening("audit.record", "Sealed", None, "", on="digest")
    assert sealed.change(world, clerk, sealed.tighter) == ""


@pytest.mark.parametrize(
    ("plural", "used", "unused"),
    [("usageagreements", "used", "unused"), ("suppliers", "used-lab", "unused-lab"),
     ("usageagreements", "used", "unjudged"), ("suppliers", "used-lab", "unjudged")],
)  # fmt: skip
def test_terms_in_use_cannot_be_deleted(world: World, plural: str, used: str, unused: str) -> None:
    assert world.attempt("DELETE", f"{DOMAIN}/{plural}/{unused}") == ""
    message = world.attempt("DELETE", f"{DOMAIN}/{plural}/{used}")
    assert "status.deployments: " in message
    assert f"deployments name {used}; accepted: deletion once none does" in message


def test_terms_in_use_cannot_be_deleted_together(world: World) -> None:
    assert "deletion once none does" in world.attempt("DELETE", f"{DOMAIN}/usageagreements")
