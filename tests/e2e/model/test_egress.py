"""What an author opens on the way out, on a real node: and what the start gate makes of it."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from demo import deploy, terms
from demo.cluster import Cluster
from e2e.model.conftest import Probe, alive
from e2e.model.test_isolation import MODEL, make_anew, said, serves
from enclave.layout import DNS_SERVICE_IP, OUTSIDE_ADDRESS
from support.enclaves import Enclave

Model = Callable[[], dict[str, Any]]

AGREEMENT = "logistics-2026"
DNS = f"{DNS_SERVICE_IP}:53"
OUTSIDE = f"{OUTSIDE_ADDRESS}:80"


def _declare(cluster: Cluster, **access: Any) -> None:
    spec = json.dumps({"spec": {"access": {"egress": None, "dns": None} | access}})
    cluster.kubectl(*MODEL, "patch", "md", deploy.MODEL, "--type=merge", f"--patch={spec}")


def _enclave_is(cluster: Cluster, *blocks: str) -> None:
    spec = json.dumps({"spec": {"enclaveCIDRs": blocks}})
    cluster.kubectl("patch", "usageagreement", AGREEMENT, "--type=merge", f"--patch={spec}")


def _only(cluster: Cluster) -> dict[str, Any]:
    """The model's pod, once it is alone, serves, and was made under the terms as they are."""
    agreement = cluster.get("usageagreement", AGREEMENT)
    known = agreement["status"]["observedGeneration"] == agreement["metadata"]["generation"]
    stamp = f"{AGREEMENT}@{agreement['status']['termsDigest']}"
    pods = alive(cluster)
    spec = cluster.get(*MODEL, "md", deploy.MODEL)["spec"]["access"]
    gates = [pod["spec"]["initContainers"][0]["args"] for pod in pods]
    asked = ["--neighbour-port=8443" in gate for gate in gates]
    known = known and asked == [not spec.get("egress")]
    made = [pod["metadata"]["annotations"].get("casemate.dev/terms") for pod in pods]
    return pods[0] if known and made == [stamp] and serves(cluster) else {}


@pytest.fixture(scope="module")
def blocks(cluster: Cluster, enclave: Enclave) -> Iterator[list[str]]:
    """Blocks that the agreement has for these tests: around the outside, and the node."""
    found = ["203.0.113.0/24", f"{enclave.layout.node_address}/32"]
    _enclave_is(cluster, *found)
    enclave.eventually(lambda: bool(_only(cluster)), "no pod under the changed agreement", 120)
    yield found
    _enclave_is(cluster)
    enclave.eventually(lambda: bool(_only(cluster)), "no pod under the agreement again", 120)


@pytest.fixture
def model(cluster: Cluster, enclave: Enclave, blocks: list[str]) -> Iterator[Model]:
    """The one pod as of now; it serves without any way out before and after."""
    yield lambda: _only(cluster)
    _enclave_is(cluster, *blocks)
    _declare(cluster)
    enclave.eventually(lambda: _asks(_only(cluster), DNS), "no pod that has no DNS serves", 120)


def _asks(pod: dict[str, Any], door: str) -> bool:
    """Whether the start gate of a pod asks that a door is closed."""
    gate = pod["spec"]["initContainers"][0]["args"] if pod else []
    return any(one.startswith(f"--closed=tcp:{door}") for one in gate)


@pytest.fixture
def reaches(cluster: Cluster, probe: Probe, model: Model) -> Callable[[str], str]:
    """How the engine fares that connects to an address."""
    assert model()

    def call(target: str) -> str:
        (pod,) = alive(cluster)
        inside = {"namespace": deploy.MODELS, "container": "engine"}
        return str(probe(pod["metadata"]["name"], "tcp", target, **inside)["result"])

    return call


def test_an_address_inside_the_agreements_blocks_is_reached_and_no_other(
    cluster: Cluster, enclave: Enclave, reaches: Callable[[str], str]
) -> None:
    assert reaches(OUTSIDE) == "timeout"
    _declare(cluster, egress=[{"cidr": f"{OUTSIDE_ADDRESS}/32", "ports": [{"port": 80}]}])
    # With ways of its own it may reach gateways of others, which its proof then leaves out.
    enclave.eventually(lambda: bool(_only(cluster)), "no pod that knows of the way serves", 120)
    enclave.eventually(lambda: reaches(OUTSIDE) == "open", "the way out never opened")
    assert reaches(f"{OUTSIDE_ADDRESS}:7") == "timeout", "another port that answers too"
    assert reaches(DNS) == "timeout"

    _enclave_is(cluster, "203.0.113.128/25")
    enclave.eventually(
        lambda: terms.conditions(cluster)["Ready"]["reason"] == "EgressNotAllowed",
        "it went on outside of the agreement's blocks",
    )


def test_who_asks_for_the_dns_has_it_and_everything_else_is_still_proven(
    cluster: Cluster, enclave: Enclave, model: Model, reaches: Callable[[str], str]
) -> None:
    assert _asks(model(), DNS)
    _declare(cluster, dns=True)
    enclave.eventually(
        lambda: bool(model()) and not _asks(model(), DNS), "no pod that has the DNS serves", 120
    )
    assert said(cluster)["verdict"] == "Enforced"
    assert "the warden answered, and none of " in said(cluster)["why"]
    assert reaches(f"casemate-warden.{deploy.SYSTEM}.svc:8444") == "open", "by its name"
    assert reaches(OUTSIDE) == "timeout"


@pytest.mark.usefixtures("model")
def test_a_way_to_the_api_server_keeps_new_pods_from_starting(
    cluster: Cluster, enclave: Enclave, blocks: list[str]
) -> None:
    # By a narrow way first: the first one of all replaces the pods, and such a rollout would stay.
    _declare(cluster, egress=[{"cidr": f"{OUTSIDE_ADDRESS}/32", "ports": [{"port": 80}]}])
    enclave.eventually(lambda: bool(_only(cluster)), "no pod that knows of the way serves", 120)
    _declare(cluster, egress=[{"cidr": blocks[1], "ports": [{"port": 6443}]}])
    make_anew(cluster)

    enclave.eventually(
        lambda: said(cluster).get("verdict") == "NotEnforced", "the gate saw nothing", 60
    )
    assert "(API server): connected" in said(cluster)["why"]
    assert "kubelet" not in said(cluster)["why"], "control: another port of the same address"
