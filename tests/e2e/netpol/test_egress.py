"""What pods may send on a real node: blocks of addresses, the API server, labels that change."""

from typing import Any

import pytest

from e2e.netpol.pods import RealPod, closes, opens, policy
from enclave.layout import OUTSIDE_ADDRESS
from support.enclaves import Enclave

OUTSIDE = (OUTSIDE_ADDRESS, 7)
OUTSIDE_BLOCK = "203.0.113.0/24"
API_SERVICE = ("10.96.0.1", 443)
PORT = 8080
Pods = dict[str, RealPod]


def to_block(cidr: str, *excepted: str) -> dict[str, Any]:
    block = {"cidr": cidr, "except": list(excepted)}
    return {"policyTypes": ["Egress"], "egress": [{"to": [{"ipBlock": block}]}]}


def test_a_block_lets_out_but_neither_to_what_it_excepts_nor_elsewhere(
    enclave: Enclave, namespace: str, pods: Pods
) -> None:
    with pods["web"].listening(PORT):
        assert pods["good"].connects(pods["web"].address, PORT)
        enclave.apply(
            policy(namespace, "good", **to_block(OUTSIDE_BLOCK, "203.0.113.128/25")),
            policy(namespace, "evil", **to_block(OUTSIDE_BLOCK, f"{OUTSIDE_ADDRESS}/32")),
        )
        closes(enclave, lambda: pods["evil"].connects(*OUTSIDE))
        closes(enclave, lambda: pods["good"].connects(pods["web"].address, PORT))
        assert pods["good"].connects(*OUTSIDE)


@pytest.mark.parametrize("reached", [True, False])
def test_the_api_servers_service_is_judged_by_the_nodes_address(
    enclave: Enclave, namespace: str, pods: Pods, *, reached: bool
) -> None:
    node = enclave.layout.node_address
    doors = [API_SERVICE, (node, 6443)]
    assert [pods["evil"].connects(*door) for door in doors] == [True, True]
    around = "10.0.0.0/8"
    block = to_block(around) if reached else to_block(around, f"{node}/32")
    enclave.apply(policy(namespace, "evil", **block))
    closes(enclave, lambda: pods["evil"].connects(*OUTSIDE))
    assert [pods["evil"].connects(*door) for door in doors] == [reached, reached]


def test_labels_decide_from_the_moment_they_change(
    enclave: Enclave, namespace: str, pods: Pods
) -> None:
    enclave.apply(policy(namespace, "closed", policyTypes=["Egress"]))
    label = ("--namespace", namespace, "label", "--overwrite", "pod/evil")
    assert pods["evil"].connects(*OUTSIDE)
    enclave.kubectl(*label, "app=closed")
    closes(enclave, lambda: pods["evil"].connects(*OUTSIDE))
    assert pods["good"].connects(*OUTSIDE)
    enclave.kubectl(*label, "app=evil")
    opens(enclave, lambda: pods["evil"].connects(*OUTSIDE))
