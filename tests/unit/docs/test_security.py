"""The table of attacks in the documents is the attacks that the tests make.

CASEMATE_GOLDEN=write writes the table anew from what the tests declare.
"""

import ast
import os
from itertools import groupby
from pathlib import Path

import pytest

from support.attacks import FAMILIES, Declared, Evidence, Layer, attack, attacks_of, declared

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "security.md"
SUITE = sorted((ROOT / "tests" / "e2e" / "attacks").glob("test_*.py"))
BEGIN, END = "<!-- attacks: generated from the tests -->\n", "<!-- /attacks -->\n"


def table() -> str:
    """Every family with its attacks: what was tried, who refuses it, and where it is tested."""
    order = list(FAMILIES)
    rows = sorted(declared(), key=lambda one: order.index(one.attack.family))
    return "\n".join(
        _section(family, list(those))
        for family, those in groupby(rows, key=lambda one: one.attack.family)
    )


def _section(family: str, rows: list[Declared]) -> str:
    head = f"### {FAMILIES[family]}\n\n| tried | refused by | test |\n|---|---|---|\n"
    lines = (
        f"| {one.attack.what} | {one.attack.refused_by} | [{Path(one.file).stem}](../{one.file}),"
        f" `{one.test.removeprefix('test_')}` |\n"
        for one in rows
    )
    return head + "".join(lines)


def test_the_table_is_what_the_tests_declare() -> None:
    text = PAGE.read_text()
    before, rest = text.split(BEGIN)
    shown, after = rest.split(END)
    if os.environ.get("CASEMATE_GOLDEN") == "write":
        shown = f"\n{table()}\n"
        PAGE.write_text(f"{before}{BEGIN}{shown}{END}{after}")
    assert shown == f"\n{table()}\n", f"CASEMATE_GOLDEN=write pytest {__file__}"


def test_no_two_rows_say_the_same_and_every_family_has_some() -> None:
    found = [(one.attack.family, one.attack.what) for one in declared()]
    assert len(found) == len(set(found))
    assert {family for family, _ in found} == set(FAMILIES)


@pytest.mark.parametrize("path", SUITE, ids=lambda path: path.stem)
def test_each_test_of_the_suite_is_a_row_and_each_file_one_family(path: Path) -> None:
    tests = {
        node.name
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }
    rows = [one for one in declared() if ROOT / one.file == path]
    assert tests
    assert {one.test for one in rows} == tests
    assert {one.attack.family for one in rows} == {path.stem.removeprefix("test_")}


def test_a_declared_attack_is_found_and_an_unknown_family_is_not_accepted() -> None:
    @attack("direct", "a thing", Layer.NETWORK)
    def test_thing() -> None: ...

    assert [one.what for one in attacks_of(test_thing)] == ["a thing"]
    with pytest.raises(AssertionError, match="nowhere is no family"):
        attack("nowhere", "a thing", Layer.NETWORK)


OPEN, SILENT = {"result": "open"}, {"result": "timeout"}
TRIED = [attack("direct", "a thing", Layer.NETWORK).mark.args[0]]


def test_evidence_holds_only_with_a_control_and_the_declared_layer() -> None:
    good = Evidence()
    good.control("through", "the neighbour")
    good.silent(SILENT)
    assert good.judge(TRIED) == "network (1 probes, no answer)"

    uncontrolled, elsewhere = Evidence(), Evidence()
    uncontrolled.silent(SILENT)
    with pytest.raises(AssertionError, match="no positive control"):
        uncontrolled.judge(TRIED)
    elsewhere.control("through", "the neighbour")
    elsewhere.errno("EPERM", "EPERM")
    with pytest.raises(AssertionError, match="declared"):
        elsewhere.judge(TRIED)


def test_evidence_knows_a_refusal_from_another_failure() -> None:
    policy = "pods is forbidden: ValidatingAdmissionPolicy 'casemate-x' denied request: no"
    found = Evidence()
    found.denied(policy, "denied request: no")
    assert found.refusals == [(Layer.API, "casemate-x")]
    for answer in ("", "pods is forbidden: User x cannot create: no", "connection refused: no"):
        with pytest.raises(AssertionError):
            Evidence().denied(answer, "no")
    for judge in (Evidence().silent, Evidence().closed):
        with pytest.raises(AssertionError):
            judge(OPEN)
    with pytest.raises(AssertionError, match="control: the neighbour"):
        Evidence().control("", "the neighbour")
    with pytest.raises(AssertionError, match="control: the neighbour: forbidden"):
        Evidence().accepted("forbidden", "the neighbour")
