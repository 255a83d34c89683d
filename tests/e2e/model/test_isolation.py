"""The start gate on a real node: nothing of a model starts until its network is proven closed."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from demo import deploy, terms
from demo.callers import HEADERS
from demo.cluster import Cluster
from demo.isolation import endpoints
from demo.progress import say
from e2e.model.conftest import OURS, SERVICE, alive
from support import wardens
from support.enclaves import Enclave, enclave_command

MODEL = ("--namespace", deploy.MODELS)
LATEST_REFUSAL_SECONDS = 35.0
MODELS_LIST = """
import http.client, json, socket, ssl, sys
address, name, ca = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
link = http.client.HTTPSConnection(name, context=context, timeout=10)
link.sock = context.wrap_socket(socket.create_connection((address, 8443), 10), server_hostname=name)
link.request("GET", "/v1/models", headers=HEADERS)
answer = link.getresponse()
print(json.dumps({"status": answer.status, "body": answer.read().decode()}))
""".replace("HEADERS", HEADERS)
"""Asks a gateway by its pod's address under its Service's name."""
SYSTEM = ("--namespace", deploy.SYSTEM)


def said(cluster: Cluster) -> dict[str, str]:
    """The newest line of the newest pod's gate; nothing while there is none."""
    pods = alive(cluster)
    if len(pods) != 1 or not pods[0]["status"].get("initContainerStatuses"):
        return {}
    gate = pods[0]["status"]["initContainerStatuses"][0]
    if "waiting" in gate["state"] and not gate.get("lastState"):
        return {}
    logs = ("logs", pods[0]["metadata"]["name"], "--container=start-gate", "--tail=1")
    lines = cluster.kubectl(*MODEL, *logs).splitlines()
    found: dict[str, str] = json.loads(lines[-1]) if lines else {}
    return found


def _started(cluster: Cluster) -> list[str]:
    """Containers of the one pod that have ever run, but for the gate."""
    (pod,) = alive(cluster)
    status = pod["status"]
    every = [*status["initContainerStatuses"], *status["containerStatuses"]]
    return [
        one["name"]
        for one in every
        if one["name"] != "start-gate" and ("running" in one["state"] or one.get("lastState"))
    ]


def make_anew(cluster: Cluster) -> None:
    cluster.kubectl(*MODEL, "delete", "pods", OURS, "--grace-period=1", "--timeout=60s")


def serves(cluster: Cluster) -> bool:
    return bool(terms.conditions(cluster)["Ready"]["status"] == "True")


def _isolated(cluster: Cluster) -> str:
    return str(terms.conditions(cluster)["NetworkIsolated"]["reason"])


def _asked(cluster: Cluster, address: str) -> dict[str, Any]:
    """What the gateway itself answers to who reaches its pod, endpoint of a Service or not."""
    command = ("python3.11", "-", address, SERVICE, "/var/run/casemate/ca/ca.pem")
    found: dict[str, Any] = cluster.execute(
        deploy.CLIENTS, "analyst", "client", *command, stdin=MODELS_LIST
    )
    return found


@pytest.fixture
def enforced_again(cluster: Cluster, enclave: Enclave) -> Iterator[None]:
    """Whatever a test did, policies bind and the model serves afterwards."""
    yield
    enclave_command("up", "--name", enclave.name)
    wardens.scale(cluster, len(wardens.REPLICAS))
    enclave.eventually(lambda: serves(cluster), "the model never served again", 120)


def test_the_pod_that_serves_has_proven_its_isolation(cluster: Cluster) -> None:
    assert said(cluster)["verdict"] == "Enforced"
    assert "the warden answered, and none of " in said(cluster)["why"]
    assert set(_started(cluster)) == {"gateway", "engine"}, "control: the others came after it"


@pytest.mark.usefixtures("enforced_again")
def test_a_model_that_serves_stops_when_policies_no_longer_bind_and_resumes_by_itself(
    cluster: Cluster, enclave: Enclave, model_pod: dict[str, Any]
) -> None:
    address, name = model_pod["status"]["podIP"], model_pod["metadata"]["name"]
    enclave.eventually(lambda: _isolated(cluster) == "Enforced", "it was never proven", 60)
    assert _asked(cluster, address)["status"] == 200, "control: it answers"

    enclave_command("up", "--name", enclave.name, "--no-network-policy")
    off = time.monotonic()
    enclave.eventually(
        lambda: _asked(cluster, address)["status"] == 503,
        "it went on answering",
        LATEST_REFUSAL_SECONDS,
    )
    say(f"refused after {time.monotonic() - off:.1f} s")
    assert "not_isolated" in _asked(cluster, address)["body"]
    enclave.eventually(lambda: _isolated(cluster) == "NotEnforced", "the status never said so", 10)
    told = terms.conditions(cluster)["NetworkIsolated"]["message"]
    for reached in (name, "(canary): connected", "from outside: tcp port 9090 of the pod"):
        assert reached in told
    enclave.eventually(lambda: not endpoints(cluster), "its Service kept the endpoint", 20)

    enclave_command("up", "--name", enclave.name)
    on = time.monotonic()
    enclave.eventually(lambda: serves(cluster), "it never resumed", 60)
    say(f"resumed after {time.monotonic() - on:.1f} s")
    assert _asked(cluster, address)["status"] == 200, "the same pod, started once"
    assert endpoints(cluster) == [address]


@pytest.mark.usefixtures("enforced_again")
def test_without_a_warden_what_serves_stops_when_its_proof_is_too_old(
    cluster: Cluster, enclave: Enclave, model_pod: dict[str, Any]
) -> None:
    address = model_pod["status"]["podIP"]
    enclave.eventually(lambda: _isolated(cluster) == "Enforced", "it was never proven", 60)
    assert _asked(cluster, address)["status"] == 200, "control: it answers"
    wardens.scale(cluster, 0)
    # Only the gateway's own word counts here: the policies hold, and the operator hears nobody.
    enclave.eventually(
        lambda: _asked(cluster, address)["status"] == 503,
        "it went on answering without a proof",
        LATEST_REFUSAL_SECONDS + 15,
    )
    assert _isolated(cluster) != "NotEnforced"


@pytest.mark.usefixtures("enforced_again")
def test_where_policies_do_not_bind_nothing_starts_until_they_do(
    cluster: Cluster, enclave: Enclave
) -> None:
    enclave_command("up", "--name", enclave.name, "--no-network-policy")
    make_anew(cluster)
    every = ("tcp ", "udp ", "(canary): connected", "(API server): connected")
    # The rules go chain by chain: a gate's first look may still meet some of them.
    enclave.eventually(
        lambda: all(reached in said(cluster).get("why", "") for reached in every),
        "the gate never saw all that no policy allows",
        90,
    )
    assert said(cluster)["verdict"] == "NotEnforced"
    assert _started(cluster) == []

    enclave_command("up", "--name", enclave.name)
    enclave.eventually(lambda: serves(cluster), "it did not go on by itself", 120)
    assert said(cluster)["verdict"] == "Enforced"


@pytest.mark.usefixtures("enforced_again")
def test_without_a_warden_nothing_is_proven_and_nothing_starts(
    cluster: Cluster, enclave: Enclave
) -> None:
    wardens.stop(cluster)
    make_anew(cluster)
    enclave.eventually(
        lambda: said(cluster).get("verdict") == "Inconclusive", "the gate saw nothing", 60
    )
    assert "the warden did not answer" in said(cluster)["why"]
    assert _started(cluster) == []

    wardens.scale(cluster, len(wardens.REPLICAS))
    enclave.eventually(lambda: serves(cluster), "it did not go on by itself", 120)
