"""Clocks that differ: the operator starts nothing and stops nothing by the time that it has."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.operator.test_terms import makers, order, replicas, under
from casemate.cluster.clock import TOLERANCE_SECONDS
from enclave.controlplane import ControlPlane
from support.operators import GROUPS, USER, Api, eventually, running
from support.skewed import Skewed
from support.terms import directive

__all__ = ["makers"]
APART = TOLERANCE_SECONDS + 30


@pytest.fixture
def server(plane: ControlPlane, api: Api, tmp_path: Path) -> Iterator[Skewed]:
    """The way to the API server of an operator that runs, its time far ahead at first."""
    assert api.plane is plane
    credentials = plane.client_config_for(USER, GROUPS)
    with Skewed(plane, credentials, APART) as way:
        config = way.kubeconfig(tmp_path / "skewed.kubeconfig")
        with running(plane, tmp_path / "operator.log", kubeconfig=config):
            yield way


def _judged(api: Api, namespace: str) -> str:
    """Why the agreement is in force for the deployment, or is not, or is not known to be."""
    conditions: list[dict[str, Any]] = (
        (api.get("ModelDeployment", namespace, "m") or {}).get("status", {}).get("conditions", [])
    )
    return next((c["reason"] for c in conditions if c["type"] == "AgreementInForce"), "")


def _look(api: Api, namespace: str, terms: tuple[str, str]) -> None:
    """Have the operator hear the time and look now, and not within a minute."""
    before = api.get("Service", namespace, "m")
    assert before is not None
    api.delete("Service", namespace, "m")

    def again() -> bool:
        found = api.get("Service", namespace, "m")
        return found is not None and found["metadata"]["uid"] != before["metadata"]["uid"]

    eventually(again, "control: what was deleted never came back")
    for kind, name in zip(("UsageAgreement", "Supplier"), terms, strict=True):
        api.patch(kind, "", name, {"metadata": {"annotations": {before["metadata"]["uid"]: "x"}}})


def test_while_the_clocks_differ_nothing_is_started_and_nothing_is_stopped(
    api: Api, server: Skewed, namespace: str, makers: tuple[str, str]
) -> None:
    api.create(under("m", namespace, makers))
    eventually(lambda: _judged(api, namespace) == "ClockDoubtful", "the clock was not doubted")
    assert replicas(api, namespace) == 0

    server.ahead = 0.0
    _look(api, namespace, makers)
    eventually(lambda: replicas(api, namespace) == 1, "control: it never started")
    eventually(lambda: _judged(api, namespace) == "InForce", "the doubt stayed")

    server.ahead = -APART
    _look(api, namespace, makers)
    eventually(lambda: _judged(api, namespace) == "ClockDoubtful", "the clock was not doubted")
    order(api, makers[1], directive(phaseOutEndsAt="2026-03-02T00:00:00Z"))
    api.patch("ModelDeployment", namespace, "m", {"metadata": {"annotations": {"x": "x"}}})
    _look(api, namespace, makers)
    assert replicas(api, namespace) == 1, "an order that is over stops nothing by a doubtful clock"

    server.ahead = 0.0
    _look(api, namespace, makers)
    eventually(lambda: replicas(api, namespace) == 0, "control: the order never stopped it")
