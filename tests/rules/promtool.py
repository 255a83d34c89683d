"""The real promtool: what it says of rules, and of series that are put through them."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RULES = Path(__file__).parents[2] / "monitoring" / "rules.yaml"


@dataclass(frozen=True)
class Case:
    """Series that are put through the rules, and the alerts that fire at a moment.

    Attributes:
        name: What happens.
        series: Values by series, in promtool's notation, one a minute.
        at: When it is looked at, such as `20m`.
        fires: Labels of each alert that fires then, beside its name, severity and part.
    """

    name: str
    series: Mapping[str, str]
    at: str
    fires: Sequence[Mapping[str, str]] = ()


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = ["promtool", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def check(rules: Any, folder: Path) -> subprocess.CompletedProcess[str]:
    """Have a rules document checked."""
    file = folder / "rules.json"
    file.write_text(json.dumps(rules))
    return run("check", "rules", file)


def test(
    alert: Mapping[str, Any], cases: Sequence[Case], rules: Any, folder: Path
) -> subprocess.CompletedProcess[str]:
    """Run all cases of one alert against a rules document."""
    return run_tests([_test(alert, case) for case in cases], rules, folder)


def run_tests(
    tests: Sequence[Mapping[str, Any]], rules: Any, folder: Path
) -> subprocess.CompletedProcess[str]:
    """Run tests as promtool writes them."""
    (folder / "rules.json").write_text(json.dumps(rules))
    file = folder / "cases.json"
    file.write_text(
        json.dumps({"rule_files": ["rules.json"], "evaluation_interval": "1m", "tests": tests})
    )
    return run("test", "rules", file)


def needed(rules: Any, alert: Mapping[str, Any]) -> Any:
    """The part of a rules document that an alert needs: itself, and what is recorded for it."""

    def kept(rule: Mapping[str, Any]) -> bool:
        slo = rule.get("labels", {}).get("slo")
        return rule == alert or ("record" in rule and (not slo or f'"{slo}"' in alert["expr"]))

    groups = [{**one, "rules": list(filter(kept, one["rules"]))} for one in rules["groups"]]
    return {"groups": [group for group in groups if group["rules"]]}


def _test(alert: Mapping[str, Any], case: Case) -> dict[str, Any]:
    name = alert["alert"]
    samples = [
        {"labels": _labels({**alert["labels"], **fired, "alertname": name}), "value": 1}
        for fired in case.fires
    ]
    expr = f'ALERTS{{alertname="{name}",alertstate="firing"}}'
    return {
        "name": case.name,
        "interval": "1m",
        "input_series": [{"series": one, "values": values} for one, values in case.series.items()],
        "promql_expr_test": [{"expr": expr, "eval_time": case.at, "exp_samples": samples}],
    }


def _labels(labels: Mapping[str, str]) -> str:
    given = {**labels, "alertstate": "firing"}
    return (
        "ALERTS{" + ",".join(f"{name}={json.dumps(value)}" for name, value in given.items()) + "}"
    )
