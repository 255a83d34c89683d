"""Policies made with kubectl, packets between real pods, through kube-proxy's Services."""

from ipaddress import IPv4Address
from typing import Any

from e2e.netpol.pods import RealPod, closes, manifest, opens, policy, running
from e2e.netpol.probes import echoes
from support.enclaves import Enclave, enclave_command

PORT = 8080
API_SERVICE = ("10.96.0.1", 443)
Pods = dict[str, RealPod]


def only_from(*apps: str) -> dict[str, Any]:
    peers = [{"podSelector": {"matchLabels": {"app": app}}} for app in apps]
    return {"policyTypes": ["Ingress"], "ingress": [{"from": peers}] if peers else []}


def test_a_service_is_reached_by_the_allowed_pod_only(
    enclave: Enclave, namespace: str, pods: Pods
) -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": PORT}]},
    }
    enclave.apply(service)
    virtual = enclave.get("service", "web", "--namespace", namespace)["spec"]["clusterIP"]
    with pods["web"].listening(PORT):
        opens(enclave, lambda: served(pods["evil"], virtual))
        enclave.apply(policy(namespace, "web", **only_from("good")))
        closes(enclave, lambda: pods["evil"].connects(virtual, 80))
        assert not pods["evil"].connects(pods["web"].address, PORT)
        assert pods["good"].connects(virtual, 80)
        assert pods["good"].connects(pods["web"].address, PORT)
        assert pods["web"].connects(virtual, 80), "a pod reaches itself through its Service"


def served(pod: RealPod, virtual: str) -> bool:
    """Tell whether a Service answers; kube-proxy refuses while it knows no backend."""
    try:
        return pod.connects(virtual, 80)
    except ConnectionRefusedError:
        return False


def test_the_api_server_is_out_of_reach_of_a_pod_that_may_send_nothing(
    enclave: Enclave, namespace: str, pods: Pods
) -> None:
    assert pods["evil"].connects(*API_SERVICE)
    enclave.apply(policy(namespace, "evil", policyTypes=["Egress"]))
    closes(enclave, lambda: pods["evil"].connects(*API_SERVICE))
    assert not pods["evil"].connects(enclave.layout.node_address, 6443)
    assert pods["good"].connects(*API_SERVICE)


def test_an_open_connection_is_cut_when_the_policy_tightens(
    enclave: Enclave, namespace: str, pods: Pods
) -> None:
    enclave.apply(policy(namespace, "web", **only_from("good", "evil")))
    with pods["web"].listening(PORT) as server:
        lines = {}
        for name in ("good", "evil"):
            client = pods[name].stream()
            client.connect((pods["web"].address, PORT))
            far, _ = server.accept()
            far.settimeout(client.gettimeout())
            assert echoes(client, far, b"before")
            lines[name] = client, far
        enclave.apply(policy(namespace, "web", **only_from("good")))
        closes(enclave, lambda: pods["evil"].connects(pods["web"].address, PORT))
        assert not echoes(*lines["evil"], b"after")
        assert echoes(*lines["good"], b"after")
        for pair in lines.values():
            for end in pair:
                end.close()


def test_rules_stay_when_the_api_server_is_killed_and_follow_again_when_it_is_back(
    enclave: Enclave, namespace: str, pods: Pods
) -> None:
    def reached() -> list[bool]:
        address = pods["web"].address
        return [pods[name].connects(address, PORT) for name in ("good", "evil")]

    enclave.apply(policy(namespace, "web", **only_from("good")))
    with pods["web"].listening(PORT):
        opens(enclave, lambda: reached() == [True, False])
        try:
            enclave.kill("kube-apiserver")
            assert reached() == [True, False]
        finally:
            enclave_command("up", "--name", enclave.name)
        assert reached() == [True, False]
        enclave.apply(policy(namespace, "web", **only_from("evil")))
        opens(enclave, lambda: reached() == [False, True])


def test_an_address_in_use_again_inherits_nothing(
    enclave: Enclave, namespace: str, pods: Pods, tool_image: str
) -> None:
    """The old pod may be reached by all, the new one by nobody, at the old pod's address."""
    enclave.apply(policy(namespace, "heir", policyTypes=["Ingress"]))
    enclave.apply(manifest("testator", namespace, tool_image))
    testator = running(enclave, namespace, "testator")
    old = testator.address
    with testator.listening(PORT):
        assert pods["good"].connects(old, PORT)
    enclave.kubectl("--namespace", namespace, "delete", "pod", "testator", "--wait=true")
    hand_out_next(enclave, old)
    enclave.apply(manifest("heir", namespace, tool_image))
    heir = running(enclave, namespace, "heir")
    assert heir.address == old, "control: the address is in use again"
    with heir.listening(PORT):
        assert not pods["good"].connects(old, PORT)
        assert heir.connects(old, PORT)


def hand_out_next(enclave: Enclave, address: str) -> None:
    """Have the address plugin continue with ``address``; it goes round and would take long."""
    before = str(IPv4Address(address) - 1)
    folder = enclave.layout.state / "cni" / "addresses" / "enclave"
    enclave.eventually(lambda: not (folder / address).exists(), f"{address} is not given back")
    (folder / "last_reserved_ip.0").write_text(before, encoding="ascii")
