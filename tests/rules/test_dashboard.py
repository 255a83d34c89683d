"""The real parser of Prometheus reads every expression of the dashboard."""

import json
from pathlib import Path
from typing import Any

import pytest

from rules import promtool
from rules.promtool import RULES

DASHBOARD: dict[str, Any] = json.loads(RULES.with_name("dashboard.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
CHOICES = {"$__rate_interval": "5m", "$namespace": ".*", "$deployment": ".*"}


def expressions() -> list[str]:
    found = [target["expr"] for panel in PANELS for target in panel["targets"]]
    for name, value in CHOICES.items():
        found = [expr.replace(name, value) for expr in found]
    return found


def recorded(found: list[str]) -> dict[str, Any]:
    """Rules that record each of them: so that promtool reads it."""
    rules = [{"record": f"a:a{number}:a", "expr": expr} for number, expr in enumerate(found)]
    return {"groups": [{"name": "dashboard", "rules": rules}]}


def test_every_expression_is_one(tmp_path: Path) -> None:
    found = expressions()
    assert len(found) > 40
    assert not any("$" in expr for expr in found)
    done = promtool.check(recorded(found), tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(found)} rules found" in done.stdout


@pytest.mark.parametrize("expr", ["sum(rate(casemate_a[5m])", "casemate_a{b=}", "rate(casemate_a)"])
def test_control_what_is_none_is_refused(expr: str, tmp_path: Path) -> None:
    assert promtool.check(recorded([expr]), tmp_path).returncode != 0
