"""The start gate on a real node: nothing of a model starts until its network is proven closed."""

import json
from collections.abc import Iterator

import pytest

from demo import deploy, terms
from demo.cluster import Cluster
from e2e.model.conftest import OURS, alive
from support.enclaves import Enclave, enclave_command

MODEL = ("--namespace", deploy.MODELS)
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


@pytest.fixture
def enforced_again(cluster: Cluster, enclave: Enclave) -> Iterator[None]:
    """Whatever a test did, policies bind and the model serves afterwards."""
    yield
    enclave_command("up", "--name", enclave.name)
    cluster.kubectl(*SYSTEM, "scale", "statefulset/casemate-warden", "--replicas=1")
    enclave.eventually(lambda: serves(cluster), "the model never served again", 120)


def test_the_pod_that_serves_has_proven_its_isolation(cluster: Cluster) -> None:
    assert said(cluster)["verdict"] == "Enforced"
    assert "the warden answered, and none of 5 others did" in said(cluster)["why"]
    assert set(_started(cluster)) == {"gateway", "engine"}, "control: the others came after it"


@pytest.mark.usefixtures("enforced_again")
def test_where_policies_do_not_bind_nothing_starts_until_they_do(
    cluster: Cluster, enclave: Enclave
) -> None:
    enclave_command("up", "--name", enclave.name, "--no-network-policy")
    make_anew(cluster)
    enclave.eventually(
        lambda: said(cluster).get("verdict") == "NotEnforced", "the gate saw nothing", 60
    )
    why = said(cluster)["why"]
    for reached in ("tcp ", "udp ", "(canary): connected", "(API server): connected"):
        assert reached in why
    assert _started(cluster) == []

    enclave_command("up", "--name", enclave.name)
    enclave.eventually(lambda: serves(cluster), "it did not go on by itself", 120)
    assert said(cluster)["verdict"] == "Enforced"


@pytest.mark.usefixtures("enforced_again")
def test_without_a_warden_nothing_is_proven_and_nothing_starts(
    cluster: Cluster, enclave: Enclave
) -> None:
    cluster.kubectl(*SYSTEM, "scale", "statefulset/casemate-warden", "--replicas=0")
    gone = ("wait", "--for=delete", "pod/casemate-warden-0", "--timeout=60s")
    cluster.kubectl(*SYSTEM, *gone)
    make_anew(cluster)
    enclave.eventually(
        lambda: said(cluster).get("verdict") == "Inconclusive", "the gate saw nothing", 60
    )
    assert "the warden did not answer" in said(cluster)["why"]
    assert _started(cluster) == []

    cluster.kubectl(*SYSTEM, "scale", "statefulset/casemate-warden", "--replicas=1")
    enclave.eventually(lambda: serves(cluster), "it did not go on by itself", 120)
