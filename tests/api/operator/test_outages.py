"""The operator is killed, restarted and doubled; what happened meanwhile is not lost."""

import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from api.operator.test_children import CHILDREN, complete, create, ready
from casemate.cluster.client import Client
from casemate.cluster.keys import Key
from casemate.cluster.resync import resync
from casemate.cluster.store import Store
from enclave.controlplane import ControlPlane, free_ports
from support.operators import (
    DIGEST,
    Api,
    Operator,
    bring_warden,
    eventually,
    install,
    model_deployment,
    running,
    start,
)

STORM = 40


def test_a_restart_over_a_settled_cluster_writes_nothing(
    plane: ControlPlane, api: Api, tmp_path: Path
) -> None:
    namespace = api.namespace("restart")
    with running(plane, tmp_path / "first.log"):
        create(api, namespace)
        eventually(api.counted, "the counts were never told")
        before = api.writes()
        assert before.total() > 0, "control: writes are counted"
    with running(plane, tmp_path / "second.log") as second:
        eventually(lambda: second.metric("casemate_queue_depth") == 0, "the queue never emptied")
        eventually(
            lambda: second.metric('casemate_reconcile_total{result="noop"}') > 0, "nothing was read"
        )

        assert api.writes() == before


def test_what_was_broken_during_an_outage_is_repaired_after_it(
    plane: ControlPlane, api: Api, tmp_path: Path
) -> None:
    namespace = api.namespace("outage")
    with running(plane, tmp_path / "first.log"):
        create(api, namespace)
        create(api, namespace, "gone")
    api.delete("NetworkPolicy", namespace, "m-default-deny")
    api.patch("Deployment", namespace, "m", {"spec": {"replicas": 9}})
    api.delete("ModelDeployment", namespace, "gone")

    with running(plane, tmp_path / "second.log"):
        eventually(
            lambda: api.get("NetworkPolicy", namespace, "m-default-deny") is not None,
            "the policy never came back",
        )
        eventually(lambda: _replicas(api, namespace) == 1, "the edit stayed")
        eventually(lambda: api.get("Deployment", namespace, "gone") is None, "an orphan stayed")


@pytest.mark.parametrize("other", ["there", "missing"])
def test_a_child_that_was_relabelled_during_an_outage_finds_its_way_back(
    plane: ControlPlane, api: Api, tmp_path: Path, other: str
) -> None:
    namespace = api.namespace(f"relabelled-{other}")
    with running(plane, tmp_path / "first.log"):
        create(api, namespace)
        create(api, namespace, "there")
    before = {kind: api.get(kind, namespace, "m") for kind in ("Service", "Deployment")}
    label = {"metadata": {"labels": {"casemate.dev/model-deployment": other}}}
    for kind in before:
        api.patch(kind, namespace, "m", label)

    with running(plane, tmp_path / "second.log") as operator:
        for kind, body in before.items():
            eventually(partial(_labelled_as, api, kind, namespace, body), f"{kind}: not repaired")
        eventually(lambda: operator.metric("casemate_queue_depth") == 0, "the queue never emptied")
        passes = 'casemate_reconcile_total{result="noop"}'
        writes, seen = api.own_writes(), operator.metric(passes)
        # A deployment that knows all its children has nothing to write when it is looked at again.
        api.patch("ModelDeployment", namespace, "m", {"metadata": {"annotations": {"x": "x"}}})
        eventually(lambda: operator.metric(passes) > seen, "it was never looked at again")

        assert api.own_writes() == writes
        api.delete("Service", namespace, "m")
        eventually(lambda: api.get("Service", namespace, "m") is not None, "nobody's from then on")


def _labelled_as(api: Api, kind: str, namespace: str, before: Any) -> bool:
    found = api.get(kind, namespace, "m")
    assert found is not None, f"the {kind} was removed"
    assert found["metadata"]["uid"] == before["metadata"]["uid"], f"the {kind} was made anew"
    return bool(found["metadata"]["labels"] == before["metadata"]["labels"])


def _replicas(api: Api, namespace: str) -> int:
    found = api.get("Deployment", namespace, "m")
    assert found is not None
    return int(found["spec"]["replicas"])


def test_killed_in_a_storm_it_finishes_after_the_restart(
    plane: ControlPlane, api: Api, tmp_path: Path
) -> None:
    namespace = api.namespace("storm")
    names = [f"m{index}" for index in range(STORM)]
    # Nobody gives its Lease back, and the tests need not wait for the usual one to run out.
    operator = start(plane, tmp_path / "first.log", "--lease-seconds=2")
    eventually(operator.ready, "the operator never got ready")
    for name in names:
        api.create(model_deployment(name, namespace))
    eventually(lambda: len(api.items("Deployment", namespace)) > 0, "nothing was begun")
    operator.process.kill()
    operator.process.wait()
    assert not all(complete_or_not(api, namespace, name) for name in names), "it was too fast"

    with running(plane, tmp_path / "second.log"):
        for name in names:
            eventually(partial(complete, api, namespace, name), f"{name} was forgotten")

    assert len(api.items("Deployment", namespace)) == STORM
    assert len(api.items("NetworkPolicy", namespace)) == 2 * STORM


def complete_or_not(api: Api, namespace: str, name: str) -> bool:
    """Whether a report is there at all."""
    found = api.get("ModelDeployment", namespace, name)
    return bool(found and found["status"]["observedGeneration"] > 0)


def test_two_operators_do_not_fight(plane: ControlPlane, api: Api, tmp_path: Path) -> None:
    namespace = api.namespace("two")
    with running(plane, tmp_path / "a.log") as first, running(plane, tmp_path / "b.log") as second:
        before = api.own_writes()
        create(api, namespace)
        _settle(api, first, second)
        made = api.own_writes() - before
        api.delete("Service", namespace, "m")
        eventually(lambda: api.get("Service", namespace, "m") is not None, "not repaired")
        _settle(api, first, second)
        repaired = api.own_writes() - before - made

    # One alone makes each child, and reports once or twice on the whole.
    assert made.total() <= len(CHILDREN) + 2, made
    # It is applied, told of in an Event, and reported.
    assert repaired.total() <= 4, repaired
    assert repaired["patch", "services"] >= 1, "control: repairs are counted"


def _settle(api: Api, *operators: Operator) -> None:
    """Waits until no operator has anything to do, and none has asked for anything for a while."""
    for one in operators:
        eventually(lambda o=one: o.metric("casemate_queue_age_seconds") == 0, "not settled")  # type: ignore[misc]
    asked = [len(api.calls())]

    def quiet() -> bool:
        asked.append(len(api.calls()))
        return len(asked) > 20 and asked[-1] == asked[-20]

    eventually(quiet, lambda: f"they go on asking: {asked[-20:]}")


def test_the_api_server_may_come_and_go(tmp_path: Path) -> None:
    with ControlPlane(tmp_path / "plane", audit_log=tmp_path / "audit.jsonl") as plane:
        api = install(plane)
        namespace = api.namespace("bounce")
        # Longer than a server takes to start: else the leader ends, and another process goes on.
        with running(plane, tmp_path / "operator.log", "--lease-seconds=120") as operator:
            create(api, namespace)
            plane.restart_api_server()
            assert operator.process.poll() is None
            api.delete("Service", namespace, "m")
            eventually(
                lambda: api.get("Service", namespace, "m") is not None,
                "the watches never came back",
                60,
            )


async def test_a_complete_list_notices_what_no_watch_showed(
    plane: ControlPlane,
    api: Api,
    operator: Operator,
    namespace: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    create(api, namespace)
    monkeypatch.setenv("KUBECONFIG", str(plane.kubeconfig))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    key, store = Key(namespace, "m"), Store()
    client = await Client.connect()
    try:
        assert key in await resync(client, store), "control: everything is news at first"
        assert key not in await resync(client, store), "control: nothing is news the second time"
        ghost = dict(store.children(key))
        service = next(live.body for ref, live in ghost.items() if ref.kind == "Service")
        store.put(
            "Service",
            {
                **service,
                "metadata": {
                    **service["metadata"],
                    "name": "ghost",
                    "uid": "gone",
                    "resourceVersion": "1",
                },
            },
        )

        assert key in await resync(client, store)
        assert "ghost" not in {ref.name for ref in store.children(key)}
    finally:
        await client.close()


def test_health_and_metrics_are_served(api: Api, operator: Operator, namespace: str) -> None:
    create(api, namespace)
    assert ready(api, namespace)["status"] == "False"

    assert operator.fetch(operator.health_port, "/healthz") == (200, "ok")
    assert operator.fetch(operator.health_port, "/readyz")[0] == 200
    series = f'namespace="{namespace}",status="False",type="Ready"'
    text = operator.fetch(operator.metrics_port, "/metrics")[1]
    assert f'casemate_modeldeployment_condition{{name="m",{series}}} 1.0' in text
    for family in ("reconcile_duration_seconds", "queue_depth", "queue_age_seconds", "build_info"):
        assert f"casemate_{family}" in text


def _attempt(plane: ControlPlane) -> subprocess.CompletedProcess[str]:
    """Starts an operator that cannot start, and returns what it said."""
    metrics, health = free_ports(2)
    command = [sys.executable, "-m", "casemate", "operator", f"--metrics-port={metrics}"]
    command += [f"--health-port={health}", f"--gateway-image=r.local/g@{DIGEST}"]
    environment = {"KUBECONFIG": str(plane.kubeconfig), "PATH": "/usr/bin"}
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_without_its_crd_it_says_so_and_ends(tmp_path: Path) -> None:
    with ControlPlane(tmp_path / "plane") as plane:
        api = Api(plane)
        api.namespace("casemate-system")
        bring_warden(api)
        done = _attempt(plane)

    assert done.returncode == 1
    assert "CustomResourceDefinition" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_broken_ca_is_named_and_not_replaced(tmp_path: Path) -> None:
    with ControlPlane(tmp_path / "plane") as plane:
        api = install(plane)
        name = "casemate-gateway-ca"
        broken = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": "casemate-system"},
            "stringData": {"a.crt": "no certificate", "a.key": "no key"},
        }
        before = api.create(broken)
        done = _attempt(plane)
        after = api.get("Secret", "casemate-system", name)

    assert done.returncode == 1
    assert f"the Secret {name} holds no valid CA" in done.stderr
    assert "Traceback" not in done.stderr
    assert after is not None
    assert after["data"] == before["data"]
