"""NetworkPolicy enforcement can be switched off and on again, on purpose only."""

from collections.abc import Callable, Iterator

import pytest

from enclave.layout import OUTSIDE_ADDRESS
from support.enclaves import Enclave, enclave_command

MakePod = Callable[..., None]
DENY = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "deny"},
    "spec": {"podSelector": {"matchLabels": {"deny": "yes"}}, "policyTypes": ["Egress"]},
}
KNOCK = f"/busybox nc -w 2 {OUTSIDE_ADDRESS} 7 </dev/null && echo open || echo closed"


@pytest.fixture
def switched_on_again(enclave: Enclave) -> Iterator[None]:
    yield
    enclave_command("up", "--name", enclave.name)


def knock(enclave: Enclave, namespace: str) -> str:
    shell = ("exec", "probe", "--", "/busybox", "sh", "-c", KNOCK)
    return enclave.kubectl("--namespace", namespace, *shell).strip()


@pytest.mark.usefixtures("switched_on_again")
def test_a_policy_binds_unless_enforcement_is_switched_off(
    enclave: Enclave, namespace: str, make_pod: MakePod
) -> None:
    make_pod("probe")
    assert knock(enclave, namespace) == "open"
    enclave.apply({**DENY, "metadata": {"name": "deny", "namespace": namespace}})
    enclave.kubectl("--namespace", namespace, "label", "pod", "probe", "deny=yes")
    enclave.eventually(lambda: knock(enclave, namespace) == "closed", "the policy does not bind")

    enclave_command("up", "--name", enclave.name, "--no-network-policy")
    assert knock(enclave, namespace) == "open"
    make_pod("born-unguarded")
    assert "casemate" not in enclave.on_node("nft", "list", "tables").stdout.replace(
        "casemate-uplink", ""
    )

    enclave_command("up", "--name", enclave.name)
    assert knock(enclave, namespace) == "closed"
    make_pod("born-guarded")


@pytest.mark.usefixtures("switched_on_again")
def test_a_pod_waits_while_the_enforcer_is_dead(
    enclave: Enclave, namespace: str, make_pod: MakePod
) -> None:
    enclave.kill("netpol")
    with pytest.raises(AssertionError, match="timed out"):
        make_pod("early", ready_seconds=5)
    enclave_command("up", "--name", enclave.name)
    enclave.wait(namespace, "pod/early", "condition=Ready", 60)
