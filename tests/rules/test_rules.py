"""Each alert fires when it must, and is silent when it must not; the real promtool says so."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from rules import promtool
from rules.burns import BURNS, HAPPENS, OF_ALL
from rules.cluster_cases import APPROVALS, ISOLATION, SERVING, TERMS, WITNESSES
from rules.guard_cases import GUARD
from rules.operator_cases import OPERATOR
from rules.promtool import RULES
from rules.stop_cases import STOPS

CASES = OPERATOR | ISOLATION | WITNESSES | GUARD | APPROVALS | STOPS | SERVING | TERMS | BURNS
DOCUMENT: dict[str, Any] = yaml.safe_load(RULES.read_text())
EVERY = [rule for group in DOCUMENT["groups"] for rule in group["rules"]]
ALERTS = {rule["alert"]: rule for rule in EVERY if "alert" in rule}


def test_promtool_accepts_the_rules() -> None:
    done = promtool.run("check", "rules", "--lint=all", "--lint-fatal", RULES)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(EVERY)} rules found" in done.stdout


def test_every_alert_has_cases_in_which_it_fires_and_is_silent() -> None:
    assert CASES.keys() == ALERTS.keys()
    for name, cases in CASES.items():
        assert any(case.fires for case in cases), f"{name} never fires"
        assert any(not case.fires for case in cases), f"{name} is never silent"


@pytest.mark.parametrize("name", sorted(ALERTS))
def test_it_fires_when_it_must_and_only_then(name: str, tmp_path: Path) -> None:
    alert = ALERTS[name]
    done = promtool.test(alert, CASES[name], promtool.needed(DOCUMENT, alert), tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", sorted(ALERTS))
def test_its_texts_name_labels_that_it_has(name: str) -> None:
    texts = " ".join(ALERTS[name]["annotations"].values())
    used = set(re.findall(r"\$labels\.(\w+)", texts))
    for fired in (one for case in CASES[name] for one in case.fires):
        assert used <= fired.keys()


@pytest.mark.parametrize(("name", "slo", "series", "share"), HAPPENS, ids=lambda one: str(one)[:40])
def test_what_is_recorded_is_the_share_that_is_bad(
    name: str, slo: str, series: dict[str, str], share: float | None, tmp_path: Path
) -> None:
    expr = f'round(casemate:slo_errors:ratio_5m{{slo="{slo}"}}, 0.0001)'
    of = "" if slo in OF_ALL else ',namespace="tax",model_deployment="scribe"'
    labels = f'{{slo="{slo}"{of}}}'
    samples = [] if share is None else [{"labels": labels, "value": share}]
    given = [{"series": one, "values": values} for one, values in series.items()]
    test = {
        "name": name,
        "interval": "1m",
        "input_series": given,
        "promql_expr_test": [{"expr": expr, "eval_time": "15m", "exp_samples": samples}],
    }
    records = [{"name": "records", "rules": [one for one in EVERY if "record" in one]}]
    done = promtool.run_tests([test], {"groups": records}, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
