"""The dashboard asks for what a scrape shows, and leaves nothing out that matters."""

import re
from itertools import combinations
from typing import Any

import pytest

from casemate.monitoring import dashboard
from casemate.monitoring.dashboard import ROWS
from casemate.monitoring.rules import RECORDED
from support.metrics import everything
from unit.monitoring.expressions import dead, selectors

KNOWN = everything()
LABELS = {"namespace", "model_deployment", "slo", "pod", "job", "instance"}
NAMES = {record.name: LABELS for record in RECORDED}
PANELS = [panel for row in ROWS for panel in row.panels]
ELSEWHERE = {
    "casemate_build_info",
    "casemate_gateway_build_info",
    "casemate_warden_build_info",
    "casemate_console_build_info",
    "casemate_warden_heard_timestamp_seconds",
    "casemate_warden_witnessed_timestamp_seconds",
    "casemate_ca_expiry_timestamp_seconds",
    "casemate_gateway_isolation_proof_timestamp_seconds",
    "casemate_gateway_check_verdicts_total",
    "casemate_gateway_connections_dropped_total",
    "casemate_gateway_tls_reloads_total",
    "casemate_guard_model_refusals_total",
    "casemate_guard_reloads_total",
    "casemate_warden_key_changes_total",
}
"""What alerts look at, or people by hand."""


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.title)
def test_each_panel_asks_for_what_there_is(panel: Any) -> None:
    assert panel.queries
    for query in panel.queries:
        found = selectors(query.expr)
        assert found or query.expr.startswith("ALERTS{")
        assert [why for one in found for why in dead(one, KNOWN, NAMES)] == []


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.title)
def test_legends_use_labels_that_are_left(panel: Any) -> None:
    for query in panel.queries:
        kept = {
            name for by in re.findall(r"by \(([\w, ]+)\)", query.expr) for name in by.split(", ")
        }
        kept = kept or LABELS | {"alertname"}
        assert set(re.findall(r"\{\{(\w+)\}\}", query.legend)) <= kept, query.legend


def test_what_is_measured_is_shown_or_left_out_on_purpose() -> None:
    shown = {
        re.sub(r"_(bucket|sum|count)$", "", one.metric)
        for panel in PANELS
        for query in panel.queries
        for one in selectors(query.expr)
    }
    measured = {name for name in KNOWN if name.startswith("casemate_")}
    assert measured - shown == ELSEWHERE


def test_no_two_panels_lie_on_one_another() -> None:
    placed = [one["gridPos"] for one in dashboard.document()["panels"]]
    for a, b in combinations(placed, 2):
        apart = (
            a["x"] + a["w"] <= b["x"]
            or b["x"] + b["w"] <= a["x"]
            or a["y"] + a["h"] <= b["y"]
            or b["y"] + b["h"] <= a["y"]
        )
        assert apart, (a, b)
    numbers = [one["id"] for one in dashboard.document()["panels"]]
    assert len(numbers) == len(set(numbers))
