"""An order about a supplier, on a real node: countdown, suspension, stay, and back again."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from casemate.api.terms import spelled
from casemate.core.names import WARDEN
from demo import deploy, terms
from demo.cluster import Cluster
from demo.progress import DemoError
from e2e.model.conftest import SERVICE, Ask, Probe
from support.enclaves import Enclave

MAKER = terms.SUPPLIER
KEPT = ("deployment", "service", "serviceaccount", "networkpolicy")
MODEL = ("--namespace", deploy.MODELS)
OURS = f"--selector=casemate.dev/model-deployment={deploy.MODEL}"


@pytest.fixture
def ordered(cluster: Cluster, enclave: Enclave) -> Iterator[datetime]:
    """The moment from which orders hold; afterwards there is none, and the model serves."""
    yield datetime.now(UTC)
    terms.order(cluster, None)
    enclave.eventually(lambda: _reason(cluster, "Ready") == "Serving", "never came back", 90)


def _deployment(cluster: Cluster) -> dict[str, Any]:
    found: dict[str, Any] = cluster.get(*MODEL, "modeldeployment", deploy.MODEL)
    return found


def _condition(cluster: Cluster, kind: str) -> dict[str, str]:
    found: dict[str, str] = terms.conditions(cluster)[kind]
    return found


def _reason(cluster: Cluster, kind: str) -> str:
    return _condition(cluster, kind)["reason"]


def _uids(cluster: Cluster) -> dict[str, str]:
    """What must outlive a suspension: the children but their pods, and the weights' image."""
    items = cluster.get(*MODEL, ",".join(KEPT), OURS)["items"]
    return {f"{one['kind']}/{one['metadata']['name']}": one["metadata"]["uid"] for one in items}


def _who_may_connect(cluster: Cluster) -> int:
    """How many rules let somebody reach the gateway; the warden, which only looks, left out."""
    policies = cluster.get(*MODEL, "networkpolicy", OURS)["items"]
    rules = [rule for one in policies for rule in one["spec"].get("ingress", [])]
    warden = {"matchLabels": {"app.kubernetes.io/name": WARDEN}}
    others = [rule for rule in rules if rule["from"][0].get("podSelector") != warden]
    ports = [port.get("port") for rule in others for port in rule.get("ports", [])]
    return ports.count(8443)


def _measured(cluster: Cluster) -> int:
    found = cluster.prometheus(
        f'casemate_supplier_deadline_timestamp_seconds{{supplier="{MAKER}"}}'
    )
    return int(float(found[0]["value"][1])) if found else 0


def _refusal(cluster: Cluster, *command: str) -> str:
    try:
        cluster.kubectl(*MODEL, *command)
    except DemoError as error:
        return str(error)
    return ""


def test_an_order_runs_its_course(
    cluster: Cluster, enclave: Enclave, ask: Ask, probe: Probe, ordered: datetime
) -> None:
    before, generation = _uids(cluster), _deployment(cluster)["metadata"]["generation"]
    assert _who_may_connect(cluster) >= 1
    smaller = ("scale", "md", deploy.MODEL, "--replicas=2", "--dry-run=server")
    assert _refusal(cluster, *smaller) == "", "control: growth is accepted without an order"

    # Countdown: it serves, says until when, and does not grow.
    end = datetime.now(UTC) + timedelta(days=180)
    terms.order(cluster, "Effective", since=ordered, until=end)
    enclave.eventually(
        lambda: _reason(cluster, "SupplierPermitted") == "PhasingOut", "no countdown", 30
    )
    assert "179 days left" in _condition(cluster, "SupplierPermitted")["message"]
    assert _deployment(cluster)["status"]["permittedUntil"] == spelled(end)
    assert ask()["content"]
    assert "is PhasingOut; accepted: at most 1" in _refusal(cluster, *smaller)
    deadline = int(end.timestamp())
    enclave.eventually(lambda: _measured(cluster) == deadline, "no metric of the deadline", 60)

    # The deadline: no pods, nobody may connect, and everything is kept.
    terms.order(cluster, "Effective", since=ordered, until=datetime.now(UTC) + timedelta(seconds=3))
    enclave.eventually(lambda: terms.pods(cluster) == 0, "pods stayed past the deadline", 60)
    assert _reason(cluster, "Ready") == "SupplierBlocked"
    assert _reason(cluster, "Stalled") == "SupplierBlocked"
    assert _who_may_connect(cluster) == 0
    assert probe("analyst", "tcp", f"{SERVICE}:443")["result"] != "open"
    after = _uids(cluster)
    assert {name: uid for name, uid in before.items() if name in after} == after
    assert {name.partition("/")[0].lower() for name in after} == set(KEPT)

    # A court stays it: the same objects serve again, and nobody touched the spec.
    now = datetime.now(UTC)
    terms.order(cluster, "Stayed", since=ordered, until=now, stay=now)
    enclave.eventually(lambda: _reason(cluster, "Ready") == "Serving", "a stay resumed nothing", 90)
    assert _uids(cluster) == before
    assert _deployment(cluster)["metadata"]["generation"] == generation
    assert probe("analyst", "tcp", f"{SERVICE}:443")["result"] == "open"
    assert ask()["content"]


def test_the_countdown_and_the_end_are_told_in_events(
    cluster: Cluster, enclave: Enclave, ordered: datetime
) -> None:
    terms.order(cluster, "Effective", since=ordered, until=datetime.now(UTC) + timedelta(days=9))
    enclave.eventually(lambda: "PhasingOut" in _told(cluster), "no event of the countdown", 30)
    terms.order(cluster, "Effective", since=ordered, until=datetime.now(UTC) + timedelta(seconds=2))
    enclave.eventually(lambda: "SupplierBlocked" in _told(cluster), "no event of the end", 30)


def _told(cluster: Cluster) -> set[str]:
    about = f"--field-selector=involvedObject.name={deploy.MODEL}"
    return {one["reason"] for one in cluster.get(*MODEL, "events", about)["items"]}
