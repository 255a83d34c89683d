"""To the model by another way than its gateway's Service: addresses, names and every port."""

import pytest

from demo import deploy
from e2e.attacks.conftest import (
    GATEWAY_PORT,
    GUESSES,
    LOADER,
    METRICS_PORT,
    ON_NODE,
    OUTSIDER,
    OWN,
    Knock,
    Target,
    opens,
)
from support.attacks import Evidence, Layer, attack
from support.enclaves import Enclave

ALL = (GATEWAY_PORT, METRICS_PORT, *GUESSES)


@pytest.mark.parametrize(
    ("pod", "namespace"), [(OUTSIDER, OWN), (LOADER, deploy.MODELS)], ids=["another", "the same"]
)
@attack(
    "direct",
    "the pod's address, every port, from another namespace with the clients' label, and from the"
    " model's own namespace",
    Layer.NETWORK,
)
def test_the_pods_address(
    evidence: Evidence, knock: Knock, target: Target, pod: str, namespace: str
) -> None:
    door = f"{target.pod}:{GATEWAY_PORT}"
    evidence.control(opens(knock, "analyst", door), "the declared client connects")

    ports = [f"{target.pod}:{port}" for port in ALL]
    evidence.silent(*knock(pod, *ports, namespace=namespace))


@attack("direct", "Service address and DNS names, from no declared client", Layer.NETWORK)
def test_the_service_by_address_and_names(evidence: Evidence, knock: Knock, target: Target) -> None:
    doors = [f"{host}:443" for host in (target.service, *target.names())]
    for door in doors:
        evidence.control(opens(knock, "analyst", door), f"the declared client connects to {door}")

    evidence.silent(*knock(OUTSIDER, *doors))


@attack("direct", "every other port of the pod, as the declared client", Layer.NETWORK)
def test_the_declared_client_gets_to_no_other_port(
    evidence: Evidence, knock: Knock, target: Target
) -> None:
    door = f"{target.pod}:{GATEWAY_PORT}"
    evidence.control(opens(knock, "analyst", door), "the gateway answers")

    others = [f"{target.pod}:{port}" for port in (METRICS_PORT, *GUESSES)]
    evidence.silent(*knock("analyst", *others, namespace=deploy.CLIENTS))


@attack(
    "direct",
    "every port of the pod but the gateway's two, from the node and from a pod with hostNetwork",
    Layer.KERNEL,
)
def test_from_the_node_there_is_nothing_but_the_gateway(
    evidence: Evidence, knock: Knock, target: Target, enclave: Enclave
) -> None:
    for door in (GATEWAY_PORT, METRICS_PORT):
        through = opens(knock, ON_NODE, f"{target.pod}:{door}", OWN)
        evidence.control(through, "the node's own packets arrive, as a kubelet's must")

    evidence.closed(*knock(ON_NODE, *(f"{target.pod}:{port}" for port in GUESSES)))
    listening = f"</dev/tcp/{target.pod}/{{}}"
    assert enclave.on_node("bash", "-c", listening.format(GATEWAY_PORT)).returncode == 0
    for port in GUESSES:
        assert "refused" in enclave.on_node("bash", "-c", listening.format(port)).stderr
