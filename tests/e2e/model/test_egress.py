"""What an author opens on the way out, on a real node: and what the start gate makes of it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from demo import deploy, terms
from demo.cluster import Cluster
from e2e.model.conftest import Probe, alive
from e2e.model.test_isolation import MODEL, make_anew, said, serves
from enclave.layout import DNS_SERVICE_IP, OUTSIDE_ADDRESS
from support.enclaves import Enclave

AGREEMENT = "logistics-2026"
DNS = f"{DNS_SERVICE_IP}:53"
OUTSIDE = f"{OUTSIDE_ADDRESS}:80"


def _declare(cluster: Cluster, **access: Any) -> None:
    spec = json.dumps({"spec": {"access": {"egress": None, "dns": None} | access}})
    cluster.kubectl(*MODEL, "patch", "md", deploy.MODEL, "--type=merge", f"--patch={spec}")


def _enclave_is(cluster: Cluster, *blocks: str) -> None:
    spec = json.dumps({"spec": {"enclaveCIDRs": blocks}})
    cluster.kubectl("patch", "usageagreement", AGREEMENT, "--type=merge", f"--patch={spec}")


@pytest.fixture
def closed_again(cluster: Cluster, enclave: Enclave) -> Iterator[None]:
    """The model and its agreement are as the examples have them afterwards, and it serves."""
    yield
    _declare(cluster)
    _enclave_is(cluster)
    enclave.eventually(lambda: _gated(cluster, DNS), "no pod proves that the DNS is closed", 120)
    enclave.eventually(lambda: serves(cluster), "the model never served again", 120)


def _gated(cluster: Cluster, door: str) -> bool:
    """Whether there is one pod, and its start gate asks that a door is closed."""
    pods = alive(cluster)
    gates = [pod["spec"]["initContainers"][0]["args"] for pod in pods]
    return len(gates) == 1 and any(one.startswith(f"--closed=tcp:{door}") for one in gates[0])


@pytest.mark.usefixtures("closed_again")
def test_an_address_inside_the_agreements_blocks_is_reached_and_no_other(
    cluster: Cluster, enclave: Enclave, probe: Probe
) -> None:
    def reached(target: str) -> bool:
        (pod,) = alive(cluster)
        inside = {"namespace": deploy.MODELS, "container": "engine"}
        return bool(probe(pod["metadata"]["name"], "tcp", target, **inside)["result"] == "open")

    assert not reached(OUTSIDE)
    _enclave_is(cluster, "203.0.113.0/24")
    _declare(cluster, egress=[{"cidr": f"{OUTSIDE_ADDRESS}/32", "ports": [{"port": 80}]}])
    enclave.eventually(lambda: reached(OUTSIDE), "the way out never opened")
    assert not reached(f"{OUTSIDE_ADDRESS}:7"), "another port, where the outside answers too"
    assert not reached(DNS)

    _enclave_is(cluster, "203.0.113.128/25")
    enclave.eventually(
        lambda: terms.conditions(cluster)["Ready"]["reason"] == "EgressNotAllowed",
        "it went on outside of the agreement's blocks",
    )


@pytest.mark.usefixtures("closed_again")
def test_who_asks_for_the_dns_has_it_and_everything_else_is_still_proven(
    cluster: Cluster, enclave: Enclave, probe: Probe
) -> None:
    _declare(cluster, dns=True)
    enclave.eventually(
        lambda: len(alive(cluster)) == 1 and not _gated(cluster, DNS) and serves(cluster),
        "the pod with a resolver never served alone",
        120,
    )
    assert said(cluster)["verdict"] == "Enforced"
    assert "none of 4 others did" in said(cluster)["why"]
    (pod,) = alive(cluster)
    inside = {"namespace": deploy.MODELS, "container": "engine"}
    name, warden = pod["metadata"]["name"], f"casemate-warden.{deploy.SYSTEM}.svc:8444"
    assert probe(name, "tcp", warden, **inside)["result"] == "open", "by its name"
    assert probe(name, "tcp", OUTSIDE, **inside)["result"] == "timeout"


@pytest.mark.usefixtures("closed_again")
def test_a_way_to_the_api_server_keeps_new_pods_from_starting(
    cluster: Cluster, enclave: Enclave
) -> None:
    node = f"{enclave.layout.node_address}/32"
    _enclave_is(cluster, node)
    _declare(cluster, egress=[{"cidr": node, "ports": [{"port": 6443}]}])
    make_anew(cluster)

    enclave.eventually(
        lambda: said(cluster).get("verdict") == "NotEnforced", "the gate saw nothing", 60
    )
    assert "(API server): connected" in said(cluster)["why"]
    assert "kubelet" not in said(cluster)["why"], "control: another port of the same address"
