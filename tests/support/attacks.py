"""The vocabulary of the attack suite: what is tried, who must refuse it, and what a test saw."""

import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import pytest

TESTS = Path(__file__).parents[1]


class Layer(StrEnum):
    """Who refuses an attack, or undoes it."""

    API = "API server"
    OPERATOR = "operator"
    NETWORK = "network"
    KERNEL = "kernel"
    GATEWAY = "gateway"
    GATE = "start gate"
    WARDEN = "warden"
    CONSOLE = "console"
    TLS = "certificate check"
    CLI = "kubectl casemate"


FAMILIES = {
    "direct": "The model by another way than its gateway",
    "access": "Into its pod, through the API server",
    "pods": "Another pod in its place, or another shape of it",
    "identity": "Its address, certificate and tokens",
    "callers": "To ask it without a name, or under another",
    "evidence": "To ask it without a trace, or to write false ones",
    "approvals": "To have a held request let go without the people who must",
    "stops": "Round a kill switch, or out of it by who set it",
    "drift": "Its parts, edited and deleted",
    "services": "Services and endpoints that lead to it, or away from it",
    "deputies": "The operator as deputy: names, paths and accounts of others",
    "inside": "A compromised engine, from inside its container",
    "engine": "A compromised engine, by its answers",
    "console": "An approver's browser, and what it shows",
    "resources": "Kills, floods and full disks",
}
"""One file each, and a heading of the table."""


class Attack(NamedTuple):
    """One row of the table."""

    family: str
    what: str
    refused_by: Layer


def attack(family: str, what: str, refused_by: Layer) -> pytest.MarkDecorator:
    """Declare what a test tries; the table of `docs/security.md` is made of these."""
    assert family in FAMILIES, f"{family} is no family; accepted: {', '.join(FAMILIES)}"
    return pytest.mark.attack(Attack(family, what, refused_by))


def attacks_of(test: Any) -> list[Attack]:
    """What a test function declares."""
    marks = getattr(test, "pytestmark", [])
    return [mark.args[0] for mark in marks if mark.name == "attack"]


class Declared(NamedTuple):
    """An attack, with the test that makes it."""

    attack: Attack
    file: str
    test: str


def declared() -> Iterator[Declared]:
    """Find every declared attack, in the order of the files."""
    for path in sorted(TESTS.rglob("test_*.py")):
        if "\n@attack(" not in path.read_text():
            continue
        name = ".".join(path.relative_to(TESTS).with_suffix("").parts)
        for test, value in vars(importlib.import_module(name)).items():
            for one in attacks_of(value) if test.startswith("test_") else ():
                yield Declared(one, str(path.relative_to(TESTS.parent)), test)


_REFUSALS = (
    r"ValidatingAdmissionPolicy '([\w.-]+)'",
    r"violates (PodSecurity)",
    r'^(The ModelDeployment) "\S+" is invalid',
    r"(strict decoding error)",
    r"attempting to grant (RBAC) permissions",
)
"""How a refusal of the API server names what refused; a bare "forbidden" is not enough."""


@dataclass
class Evidence:
    """What a test saw: what got through beside the attack, and who refused the attack itself."""

    controls: list[str] = field(default_factory=list)
    refusals: list[tuple[Layer, str]] = field(default_factory=list)

    def control(self, through: object, what: str) -> None:
        """Hold that the same, where it is allowed, gets through."""
        assert through, f"control: {what}"
        self.controls.append(what)

    def accepted(self, refusal: str, what: str) -> None:
        """Hold that the API server accepts the same, where it is allowed."""
        assert refusal == "", f"control: {what}: {refusal}"
        self.controls.append(what)

    def refused(self, by: Layer, how: str) -> None:
        """Note who refused; the caller has seen it."""
        self.refusals.append((by, how))

    def denied(self, answer: str, says: str) -> None:
        """Hold that the API server refused, that its message says so, and which rule it was."""
        assert says in answer, answer or "it was accepted"
        lines = re.compile("|".join(_REFUSALS), re.MULTILINE)
        rule = lines.search(answer)
        assert rule, f"refused by none of the rules that are known: {answer}"
        self.refused(Layer.API, next(filter(None, rule.groups())))

    def silent(self, *reports: dict[str, Any]) -> None:
        """Hold that probes got no answer of any kind: the packets were dropped."""
        for report in reports:
            assert report["result"] == "timeout", report
        self.refused(Layer.NETWORK, f"{len(reports)} probes, no answer")

    def closed(self, *reports: dict[str, Any]) -> None:
        """Hold that the pod's own kernel refused: the packets arrived, and nothing listens."""
        for report in reports:
            assert report["result"] == "refused", report
        self.refused(Layer.KERNEL, f"{len(reports)} ports, nothing listens")

    def errno(self, found: str, *accepted: str) -> None:
        """Hold that a system call failed by such an error."""
        assert found in accepted, f"{found} instead of {' or '.join(accepted)}"
        self.refused(Layer.KERNEL, found)

    def healed(self, what: str, seconds: float) -> None:
        """Note a repair that was seen."""
        self.refused(Layer.OPERATOR, f"{what} healed in {seconds:.2f} s")

    def judge(self, tried: list[Attack]) -> str:
        """Hold the evidence against what the test declared; return it in one line."""
        assert tried, "a test of this folder declares its attack"
        assert self.controls, "no positive control was seen"
        expected, seen = {one.refused_by for one in tried}, {layer for layer, _ in self.refusals}
        assert seen == expected, f"declared {sorted(expected)}, seen {sorted(seen)}"
        how = dict.fromkeys(text for _, text in self.refusals)
        return f"{', '.join(sorted(seen))} ({'; '.join(how)})"
