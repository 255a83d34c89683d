"""Services and endpoints of an attacker's: to the model past its clients, or clients past it."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from demo import deploy
from demo.cluster import Cluster
from e2e.attacks.conftest import (
    CA,
    GATEWAY_PORT,
    GREET,
    MINE,
    MODEL,
    OUTSIDER,
    OWN,
    Knock,
    Target,
    opens,
)
from e2e.model.conftest import SERVICE
from support.attacks import Evidence, Layer, attack
from support.certificates import forged
from support.enclaves import Enclave
from support.people import Person

NODE_PORT = 30443
SERVE = """
import socket, ssl, sys
open("/tmp/pem", "w").write(sys.argv[1])
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/tmp/pem")
with socket.create_server(("0.0.0.0", 8443)) as server:
    while True:
        try:
            with context.wrap_socket(server.accept()[0], server_side=True) as client:
                client.recv(9)
        except OSError:
            pass
"""
"""A gateway of the attacker's: TLS with whatever certificate it is given."""
START = """
import subprocess, sys
subprocess.Popen([sys.executable, "-c", *sys.argv[1:]], start_new_session=True,
                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print("{}")
"""


def _service(**spec: Any) -> dict[str, Any]:
    ports = [{"name": "p", "port": 443, "targetPort": GATEWAY_PORT}]
    meta = {"name": "side"}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": meta,
        "spec": {"ports": ports} | spec,
    }


def _slice(address: str) -> dict[str, Any]:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "side", "labels": {"kubernetes.io/service-name": "side"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address]}],
        "ports": [{"name": "p", "port": GATEWAY_PORT}],
    }


@pytest.fixture
def side(cluster: Cluster, mallory: Person) -> Iterator[None]:
    """Whatever the attacker made in their own namespace is gone afterwards."""
    yield
    cluster.kubectl(*MINE, "delete", "service,endpointslice", "side", "--ignore-not-found")


@attack(
    "services",
    "a Service that selects the model's pods, and endpoints by hand, in its namespace",
    Layer.API,
)
def test_in_the_models_namespace(evidence: Evidence, mallory: Person, target: Target) -> None:
    own = _service(selector={"app": "side"})
    evidence.accepted(mallory.create(own, *MODEL), "a Service of one's own pods")
    evidence.accepted(mallory.create(_slice(target.pod), *MINE), "endpoints in an own namespace")

    for label in ("app.kubernetes.io/name=model", f"casemate.dev/model-deployment={deploy.MODEL}"):
        selector = dict([label.split("=")])
        answer = mallory.create(_service(selector=selector, type="NodePort"), *MODEL)
        evidence.denied(answer, "spec.selector: must not match model pods")
    answer = mallory.create(_slice(target.pod), *MODEL)
    evidence.denied(answer, "a Service with a selector gets its endpoints by itself")


@pytest.mark.usefixtures("side")
@attack(
    "services",
    "a Service of the attacker's with endpoints at the model, by its address and by a port of the"
    " node",
    Layer.NETWORK,
)
def test_endpoints_at_the_model(
    evidence: Evidence, enclave: Enclave, mallory: Person, knock: Knock, target: Target
) -> None:
    node = enclave.get("nodes")["items"][0]["status"]["addresses"][0]["address"]
    ports = [{"name": "p", "port": 443, "targetPort": GATEWAY_PORT, "nodePort": NODE_PORT}]
    for body in (_service(type="NodePort", ports=ports), _slice(target.pod)):
        assert mallory(*MINE, "create", "--filename=-", stdin=body) == ""
    made = enclave.get(*MINE, "service", "side")["spec"]["clusterIP"]
    doors = (f"{made}:443", f"{node}:{NODE_PORT}")
    for door in doors:
        enclave.eventually(partial(opens, knock, "analyst", door), f"{door} leads nowhere")
        evidence.control(door, "the declared client gets through it")

    evidence.silent(*knock(OUTSIDER, *doors))


@pytest.mark.usefixtures("side")
@attack(
    "services",
    "a Service that takes the pod's address as its externalIP, so that clients reach the attacker",
    Layer.TLS,
)
def test_a_service_that_takes_the_pods_address(
    evidence: Evidence, cluster: Cluster, enclave: Enclave, mallory: Person, target: Target
) -> None:
    def met() -> Any:
        greet = ("python3.11", "-c", GREET, target.pod, SERVICE, CA)
        return cluster.execute(deploy.CLIENTS, "analyst", "client", *greet)

    both = {"careless": True, "careful": True}
    evidence.control(met() == both, "at its address is a gateway with a certificate of ours")
    cluster.execute(OWN, OUTSIDER, "client", "python3.11", "-c", START, SERVE, forged(SERVICE))
    ports = [{"name": "p", "port": GATEWAY_PORT, "targetPort": GATEWAY_PORT}]
    body = _service(externalIPs=[target.pod], selector={"app": OUTSIDER}, ports=ports)
    assert mallory(*MINE, "create", "--filename=-", stdin=body) == ""

    taken = {"careless": True, "careful": False}
    enclave.eventually(lambda: bool(met() == taken), f"the attacker never had it: {met()}")
    evidence.refused(Layer.TLS, "not of the published CA")
