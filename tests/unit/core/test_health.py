"""What kstatus, Argo CD and Flux make of everything that the operator reports."""

from typing import Any

import pytest
import yaml

from casemate.api.conditions import Reason
from support.gitops import ARGO, GITOPS, argo, evaluate, flux, flux_checks
from support.kstatus import kstatus
from unit.core.health_cases import CASES

EVERY = pytest.mark.parametrize("case", CASES, ids=": ".join)
CRDS = GITOPS.parents[1] / "crds"
KINDS = {kind for kind, _ in CASES}
HEAD = "| kind | state | Ready | reason | kstatus | Argo CD | Flux |\n" + "|---" * 7 + "|\n"
BEGIN, END = "<!-- begin: states -->\n", "<!-- end: states -->"
Case = tuple[str, str]


def conditions(body: dict[str, Any]) -> list[dict[str, Any]]:
    return list(body["status"].get("conditions", []))


@EVERY
def test_the_three_say_what_is_expected(case: Case) -> None:
    make, expected = CASES[case]
    body = make()
    assert body["kind"] == case[0]
    assert (kstatus(body), argo(body), flux(body)) == expected


@EVERY
def test_each_expression_of_flux_has_an_answer_without_the_others(case: Case) -> None:
    make, expected = CASES[case]
    body = make()
    assert flux(body, asks_first=False) == expected.flux
    fields = ("inProgress", "failed", "current")
    held = [field for field in fields if evaluate(flux_checks()[case[0]][field], body)]
    assert len(held) <= 1 or held[0] == "inProgress"


def test_control_an_expression_that_does_not_look_first_has_no_answer() -> None:
    make, _ = CASES["ModelDeployment", "new, not looked at yet"]
    with pytest.raises(ValueError, match="conditions"):
        evaluate("status.conditions.exists(e, e.type == 'Ready')", make())


def test_control_a_status_that_speaks_of_no_generation_is_not_yet_well() -> None:
    make, _ = CASES["ModelDeployment", "serving"]
    body = make()
    del body["status"]["observedGeneration"]
    assert (argo(body), flux(body)) == ("Progressing", "InProgress")


def test_what_is_on_its_way_out_is_terminating() -> None:
    make, _ = CASES["ModelDeployment", "serving"]
    body = make()
    body["metadata"]["deletionTimestamp"] = "2026-03-01T00:00:00Z"
    assert kstatus(body) == "Terminating"


def test_every_reason_is_in_some_state() -> None:
    found = {one["reason"] for make, _ in CASES.values() for one in conditions(make())}
    assert found == {str(one) for one in Reason}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_new_means_what_the_api_server_writes_into_a_new_object(kind: str) -> None:
    crd = yaml.safe_load((CRDS / f"casemate.dev_{kind.lower()}s.yaml").read_text())
    (version,) = crd["spec"]["versions"]
    make, _ = CASES[kind, "new, not looked at yet"]
    schema = version["schema"]["openAPIV3Schema"]["properties"]["status"]
    assert make()["status"] == schema["default"]


def test_every_kind_has_its_checks() -> None:
    assert flux_checks().keys() == KINDS
    header = ARGO.read_text().split("local", 1)[0]
    assert all(f"health.casemate.dev_{kind}" in header for kind in KINDS)


def row(case: Case) -> str:
    make, expected = CASES[case]
    ready = [one for one in conditions(make()) if one["type"] == "Ready"]
    says = [ready[0]["status"], f"`{ready[0]['reason']}`"] if ready else ["", ""]
    return f"| {' | '.join([*case, *says, *expected])} |\n"


def test_the_documented_table_is_this_one() -> None:
    document = (GITOPS / "README.md").read_text()
    found = document.split(BEGIN)[1].split(END)[0]
    assert found == HEAD + "".join(map(row, CASES)), "put this table between the marks"
