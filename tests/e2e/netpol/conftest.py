"""Pods on the shared node, for tests of policies that come through the API server."""

import uuid
from collections.abc import Iterator

import pytest

from e2e.netpol.pods import RealPod, manifest, running
from enclave.netpol.render import TABLE
from support.enclaves import Enclave

Pods = dict[str, RealPod]


@pytest.fixture(scope="session")
def namespace(enclave: Enclave) -> Iterator[str]:
    name = f"netpol-{uuid.uuid4().hex[:8]}"
    enclave.kubectl("create", "namespace", name)
    enclave.wait(name, "serviceaccount/default", "create")
    yield name
    enclave.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="session")
def standing_pods(enclave: Enclave, namespace: str, tool_image: str) -> Pods:
    names = ("web", "good", "evil")
    enclave.apply(*(manifest(name, namespace, tool_image) for name in names))
    return {name: running(enclave, namespace, name) for name in names}


@pytest.fixture
def pods(enclave: Enclave, namespace: str, standing_pods: Pods) -> Iterator[Pods]:
    """A server and two clients, each labelled with its name; a test's policies go with it."""

    def bound() -> bool:
        """Tell whether the filter still has rules for one of the pods."""
        maps = [
            enclave.on_node("nft", "list", "map", "inet", TABLE, name).stdout
            for name in ("ingress", "egress")
        ]
        return any(f"{pod.address} :" in text for pod in standing_pods.values() for text in maps)

    yield standing_pods
    enclave.kubectl("--namespace", namespace, "delete", "networkpolicy", "--all")
    enclave.eventually(lambda: not bound(), "the policies of this test still bind")
