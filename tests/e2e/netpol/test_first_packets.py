"""A new pod is closed before its first packet: counted at the outside, which answers everybody."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from enclave.layout import OUTSIDE_ADDRESS
from support.enclaves import Enclave

PODS = 20
PORT = 9
TABLE = "casemate-test-counter"
KNOCK = f"/busybox nc -w 1 {OUTSIDE_ADDRESS} {PORT} </dev/null"
SHOOT = f"while true; do {KNOCK}; /busybox usleep 50000; done"
"""Sends from its first instruction on, and never stops."""


@pytest.fixture
def namespace(enclave: Enclave) -> Iterator[str]:
    name = f"first-{uuid.uuid4().hex[:8]}"
    enclave.kubectl("create", "namespace", name)
    enclave.wait(name, "serviceaccount/default", "create")
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "closed", "namespace": name},
        "spec": {"podSelector": {"matchLabels": {"closed": "yes"}}, "policyTypes": ["Egress"]},
    }
    enclave.apply(policy)
    yield name
    enclave.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def counted(enclave: Enclave) -> Iterator[None]:
    """Counts packets for our port where they would arrive."""
    outside = enclave.layout.outside
    rules = f"""
    table inet {TABLE} {{
        chain input {{
            type filter hook input priority -300; policy accept;
            tcp dport {PORT} counter
        }}
    }}
    """
    enclave.in_namespace(outside, "sh", "-c", f"echo '{rules}' | nft -f -")
    yield
    enclave.in_namespace(outside, "nft", "delete", "table", "inet", TABLE)


def arrived(enclave: Enclave) -> int:
    listing = enclave.in_namespace(
        enclave.layout.outside, "nft", "--json", "list", "table", "inet", TABLE
    )
    rules = [one["rule"] for one in json.loads(listing.stdout)["nftables"] if "rule" in one]
    counters = [part["counter"] for part in rules[0]["expr"] if "counter" in part]
    return int(counters[0]["packets"])


def shooter(name: str, namespace: str, image: str, closed: str) -> dict[str, Any]:
    container = {"name": "main", "image": image, "command": ["/busybox", "sh", "-c", SHOOT]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {"closed": closed}},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 0},
    }


@pytest.mark.usefixtures("counted")
def test_no_packet_of_a_closed_pod_ever_leaves_from_its_first_instruction_on(
    enclave: Enclave, namespace: str, tool_image: str
) -> None:
    names = [f"closed-{index}" for index in range(PODS)]
    pods = [shooter(name, namespace, tool_image, "yes") for name in names]
    enclave.apply({"apiVersion": "v1", "kind": "List", "items": pods})
    ready = ("wait", "pod", "--selector=closed=yes", "--for=condition=Ready", "--timeout=120s")
    enclave.kubectl("--namespace", namespace, *ready)

    assert arrived(enclave) == 0

    enclave.apply(shooter("open", namespace, tool_image, "no"))
    enclave.eventually(lambda: arrived(enclave) > 0, "control: an open pod's packets are counted")
    enclave.kubectl("--namespace", namespace, "label", "pod/closed-0", "closed=no", "--overwrite")
    enclave.kubectl("--namespace", namespace, "delete", "pod/open", "--wait=true")
    before = arrived(enclave)
    enclave.eventually(lambda: arrived(enclave) > before, "control: the closed pods do shoot")
