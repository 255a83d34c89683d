"""What rules are made of, and how they look in a rules file of Prometheus."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

RUNBOOKS = "docs/runbooks/"
"""Where runbooks are in this repository; a site puts its own address in its place."""


class Severity(StrEnum):
    """How soon a person must look: critical wakes somebody, warning waits for the day."""

    CRITICAL = "critical"
    WARNING = "warning"


@dataclass(frozen=True)
class Alert:
    """An alert.

    Attributes:
        name: Also of its runbook.
        severity: How soon a person must look.
        expr: Has a sample for each thing that it fires for.
        hold: How long that must last, such as `5m`; nothing: not at all.
        summary: One line, for a list or a telephone.
        description: What is seen, with the numbers.
    """

    name: str
    severity: Severity
    expr: str
    summary: str
    description: str
    hold: str = ""

    def rule(self) -> dict[str, Any]:
        """Return the rule as Prometheus reads it."""
        return {
            "alert": self.name,
            "expr": self.expr,
            **({"for": self.hold} if self.hold else {}),
            "labels": {"severity": str(self.severity), "kubernetes_operator_part_of": "casemate"},
            "annotations": {
                "summary": self.summary,
                "description": self.description,
                "runbook_url": f"{RUNBOOKS}{self.name}.md",
            },
        }


@dataclass(frozen=True)
class Record:
    """A recording rule."""

    name: str
    expr: str
    labels: Mapping[str, str] = field(default_factory=dict)

    def rule(self) -> dict[str, Any]:
        """Return the rule as Prometheus reads it."""
        labels = {"labels": dict(self.labels)} if self.labels else {}
        return {"record": self.name, "expr": self.expr, **labels}


@dataclass(frozen=True)
class Group:
    """Rules that are evaluated together, in their order."""

    name: str
    rules: tuple[Alert | Record, ...]

    def document(self) -> dict[str, Any]:
        """Return the group as Prometheus reads it."""
        return {"name": self.name, "rules": [one.rule() for one in self.rules]}
