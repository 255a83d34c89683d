"""No rule is dead: each metric, label and value in it is one that a scrape shows."""

import re

import pytest

from casemate.monitoring.model import Alert, Record, Severity
from casemate.monitoring.rules import ALERTS, GROUPS, RECORDED
from casemate.monitoring.slo import ERRORS, OBJECTIVES, WINDOWS
from support.metrics import Metric, everything
from unit.monitoring.expressions import Selector, dead, selectors

KNOWN = everything()
RULES = [rule for group in GROUPS for rule in group.rules]
# What aggregations leave of the labels of what is recorded.
LABELS = {"namespace", "model_deployment", "slo", "pod", "job", "instance"}
NAMES = {record.name: LABELS for record in RECORDED}
UNIT = re.compile(r"^casemate:[a-z_]+:[a-z]+(_\d+[mhd])?$")


def name_of(rule: Alert | Record) -> str:
    return rule.name if isinstance(rule, Alert) else f"{rule.name} {dict(rule.labels)}"


@pytest.mark.parametrize("rule", RULES, ids=name_of)
def test_it_asks_for_what_there_is(rule: Alert | Record) -> None:
    found = selectors(rule.expr)
    assert found or rule.expr.startswith("vector("), "nothing of ours"
    assert [why for one in found for why in dead(one, KNOWN, NAMES)] == []


def test_control_a_dead_selector_is_found() -> None:
    known = {"casemate_a_total": Metric("counter", {"reason": {"x", "y"}})}
    for expr, why in (
        ("rate(casemate_b_total[5m])", "casemate_b_total does not exist"),
        ('casemate_a_total{reason="z"}', "casemate_a_total: no reason is = z"),
        ('casemate_a_total{reason=~"x|z"}', "casemate_a_total: no reason is z"),
        ('casemate_a_total{kind="x"}', "casemate_a_total has no label kind"),
        ("casemate:old:ratio", "casemate:old:ratio does not exist"),
    ):
        (selector,) = selectors(expr)
        assert dead(selector, known, {}) == [why]
    fine = Selector("casemate_a_total", [("reason", "=~", "x|y"), ("pod", "=", "p")])
    assert selectors('casemate_a_total{reason=~"x|y",pod="p"}') == [fine]
    assert dead(fine, known, {}) == []


def test_names_are_unique_and_of_one_form() -> None:
    names = [alert.name for alert in ALERTS]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"Casemate[A-Z][A-Za-z]+", name) for name in names)
    assert all(UNIT.match(record.name) for record in RECORDED)
    keys = [(record.name, *sorted(record.labels.items())) for record in RECORDED]
    assert len(keys) == len(set(keys))


def test_each_window_is_the_one_in_its_name() -> None:
    shares = [record for record in RECORDED if record.name.startswith(ERRORS)]
    assert len(shares) == len(WINDOWS) * len(OBJECTIVES)
    for record in shares:
        windows = set(re.findall(r"\[(\w+)\]", record.expr))
        assert windows == {record.name.removeprefix(ERRORS)}


def test_what_is_recorded_is_used() -> None:
    used = {one.metric for rule in RULES for one in selectors(rule.expr)}
    objective = {"casemate:slo_objective:ratio"}
    assert {record.name for record in RECORDED} - used == objective, "for the dashboard"


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_says_what_is_wrong_and_how_urgent_it_is(alert: Alert) -> None:
    rule = alert.rule()
    assert rule["labels"]["severity"] in set(Severity)
    assert alert.summary.endswith(".")
    assert alert.description.endswith(".")
    assert len(alert.summary) < 120
    assert rule["annotations"]["runbook_url"] == f"docs/runbooks/{alert.name}.md"
