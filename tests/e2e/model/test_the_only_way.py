"""There is one way to the model. Each way round it is tried, beside one that gets through."""

from typing import Any

import pytest

from demo import deploy
from demo.cluster import Cluster
from demo.progress import DemoError
from e2e.model.conftest import SERVICE, Probe, frozen, gateway_process
from enclave.layout import OUTSIDE_ADDRESS
from support.enclaves import Enclave

GATEWAY, METRICS = 8443, 9090
GUESSES = (80, 443, 5000, 8000, 8080, 8081, 11434, 50051)
"""Ports that engines and their side doors commonly listen on."""


def test_the_pod_listens_on_the_gateways_two_ports_and_on_no_other(
    cluster: Cluster, model_pod: dict[str, Any]
) -> None:
    read = "import json; print(json.dumps([l.split() for p in ('tcp', 'tcp6', 'udp', 'udp6') "
    read += "for l in open(f'/proc/net/{p}').readlines()[1:]]))"
    rows = cluster.execute(
        deploy.MODELS, model_pod["metadata"]["name"], "engine", "python3.11", "-c", read
    )

    listening = {int(row[1].rpartition(":")[2], 16) for row in rows if row[3] in {"0A", "07"}}

    assert listening == {GATEWAY, METRICS}


@pytest.mark.parametrize("port", GUESSES)
def test_no_other_port_of_the_pod_answers_even_the_allowed_client(
    probe: Probe, model_pod: dict[str, Any], port: int
) -> None:
    address = model_pod["status"]["podIP"]
    assert probe("analyst", "tcp", f"{address}:{GATEWAY}")["result"] == "open", "control"

    assert probe("analyst", "tcp", f"{address}:{port}")["result"] != "open"


@pytest.mark.parametrize("target", [f"{SERVICE}:443", "{service}:443", "{pod}:8443"])
def test_a_pod_that_is_no_declared_client_gets_nowhere(
    cluster: Cluster, probe: Probe, model_pod: dict[str, Any], target: str
) -> None:
    service = cluster.get("--namespace", deploy.MODELS, "service", deploy.MODEL)
    filled = target.format(service=service["spec"]["clusterIP"], pod=model_pod["status"]["podIP"])
    assert probe("analyst", "tcp", filled)["result"] == "open", "control: the declared client"

    assert probe("stranger", "tcp", filled)["result"] == "timeout"


def test_the_engine_reaches_nothing_outside_its_pod(
    probe: Probe, model_pod: dict[str, Any]
) -> None:
    outside = f"{OUTSIDE_ADDRESS}:80"
    name = model_pod["metadata"]["name"]
    inside = {"namespace": deploy.MODELS, "container": "engine"}
    assert probe("stranger", "tcp", outside)["result"] == "open", "control: it is there"
    assert probe(name, "tcp", f"127.0.0.1:{METRICS}", **inside)["result"] == "open", "control"

    for target in (outside, "10.96.0.1:443", "10.96.0.10:53", f"{SERVICE}:443"):
        assert probe(name, "tcp", target, **inside)["result"] != "open", target
    assert probe(name, "udp", "10.96.0.10:53", **inside)["result"] != "open"


def test_while_the_gateway_hangs_nothing_answers_for_it(
    probe: Probe, model_pod: dict[str, Any], enclave: Enclave
) -> None:
    url = f"https://{model_pod['status']['podIP']}:{GATEWAY}/v1/models"
    assert probe("analyst", "http", url)["result"] == "open", "control"

    with frozen(gateway_process(model_pod)):
        assert probe("analyst", "http", url)["result"] == "timeout"
        for port in GUESSES:
            other = f"{model_pod['status']['podIP']}:{port}"
            assert probe("analyst", "tcp", other)["result"] != "open"

    enclave.eventually(
        lambda: probe("analyst", "http", url)["result"] == "open", "it never answered again"
    )


def test_the_pod_holds_no_token_and_its_account_has_no_rights(
    cluster: Cluster, model_pod: dict[str, Any]
) -> None:
    look = "import json, os; print(json.dumps(os.path.exists('/var/run/secrets/kubernetes.io')))"
    name = model_pod["metadata"]["name"]
    for container in ("engine", "gateway"):
        command = (deploy.MODELS, name, container, "python3.11", "-c", look)
        assert cluster.execute(*command) is False

    def may(account: str) -> bool:
        user = f"--as=system:serviceaccount:{account}"
        return _can_i(cluster, "list", "modeldeployments", "--all-namespaces", user)

    assert may(f"{deploy.SYSTEM}:casemate-operator"), "control: the operator's account may"
    assert not may(f"{deploy.MODELS}:{model_pod['spec']['serviceAccountName']}")


def _can_i(cluster: Cluster, *question: str) -> bool:
    try:
        return cluster.kubectl("auth", "can-i", *question).strip() == "yes"
    except DemoError:  # kubectl says no by its exit code
        return False
