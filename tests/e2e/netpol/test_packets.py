"""The rendered ruleset against real packets, between bare namespaces that stand for pods."""

import socket
from collections.abc import Iterator

import pytest

from e2e.netpol.lab import GATEWAY, NODE, OUTSIDE, Lab
from e2e.netpol.probes import SCTP, connects, delivers, echoes, listening, sctp_init
from enclave.netpol.model import (
    BlockPeer,
    ContainerPort,
    Operator,
    PodPeer,
    Policy,
    PolicyPort,
    Protocol,
    Requirement,
    Rule,
    Selector,
)

ALL = Selector()


def app(name: str) -> Selector:
    return Selector((Requirement("app", Operator.IN, frozenset({name})),))


def receives(name: str, *rules: Rule) -> Policy:
    return Policy("default", f"{name}-in", app(name), ingress=rules, egress=None)


def sends(name: str, *rules: Rule) -> Policy:
    return Policy("default", f"{name}-out", app(name), ingress=None, egress=rules)


def peer(name: str) -> tuple[PodPeer]:
    return (PodPeer(None, app(name)),)


def tcp(port: str | int, end: int | None = None) -> tuple[PolicyPort]:
    return (PolicyPort(Protocol.TCP, port, end),)


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab() as made:
        made.pod("web", ports=(ContainerPort("http", Protocol.TCP, 8080),))
        made.pod("good")
        made.pod("evil")
        yield made


def address(lab: Lab, name: str) -> str:
    return next(pod.address for pod in lab.snapshot.pods if pod.name == name)


def test_a_pod_that_no_policy_selects_is_open(lab: Lab) -> None:
    with listening(lab, "web", 8080):
        assert connects(lab, "evil", address(lab, "web"), 8080)


def test_ingress_lets_the_named_peer_in_and_nobody_else(lab: Lab) -> None:
    lab.policies(receives("web", Rule(peer("good"))))
    with listening(lab, "web", 8080):
        assert connects(lab, "good", address(lab, "web"), 8080)
        assert not connects(lab, "evil", address(lab, "web"), 8080)


def test_egress_lets_out_to_the_named_peer_and_nowhere_else(lab: Lab) -> None:
    lab.policies(sends("evil", Rule(peer("good"))))
    with listening(lab, "web", 8080), listening(lab, "good", 8080), listening(lab, "outside", 80):
        assert connects(lab, "evil", address(lab, "good"), 8080)
        assert not connects(lab, "evil", address(lab, "web"), 8080)
        assert not connects(lab, "evil", OUTSIDE, 80)
        assert connects(lab, "good", OUTSIDE, 80)


def test_a_port_range_and_a_port_name_open_just_these_ports(lab: Lab) -> None:
    lab.policies(receives("web", Rule((), tcp("http")), Rule((), tcp(9000, 9002))))
    web = address(lab, "web")
    with listening(lab, "web", 8080, 8081, 9000, 9002, 9003):
        assert [connects(lab, "evil", web, port) for port in (8080, 9000, 9002)] == [True] * 3
        assert [connects(lab, "evil", web, port) for port in (8081, 9003)] == [False] * 2


def test_a_block_lets_in_from_outside_but_not_from_its_exception(lab: Lab) -> None:
    with listening(lab, "web", 8080):
        web = address(lab, "web")
        lab.policies(receives("web", Rule((BlockPeer("203.0.113.0/24", ("203.0.113.64/26",)),))))
        assert connects(lab, "outside", web, 8080)
        assert not connects(lab, "evil", web, 8080)
        lab.policies(receives("web", Rule((BlockPeer("203.0.113.0/24", (f"{OUTSIDE}/32",)),))))
        assert not connects(lab, "outside", web, 8080)


def test_an_open_connection_is_cut_when_a_policy_tightens_and_heals_when_it_loosens(
    lab: Lab,
) -> None:
    web = address(lab, "web")
    with listening(lab, "web", 8080) as (server,), lab.socket("good", socket.SOCK_STREAM) as client:
        client.connect((web, 8080))
        far, _ = server.accept()
        far.settimeout(client.gettimeout())
        assert echoes(client, far, b"before")
        lab.policies(receives("web"))
        assert not echoes(client, far, b"during")
        lab.policies()
        client.settimeout(5)  # the kernel sends again by itself, after growing pauses
        far.settimeout(5)
        assert far.recv(64) == b"during"
        far.close()


@pytest.mark.parametrize("tightened", ["client", "server"])
def test_the_server_of_an_open_connection_cannot_push_after_the_cut(
    lab: Lab, tightened: str
) -> None:
    with listening(lab, "web", 8080) as (server,), lab.socket("good", socket.SOCK_STREAM) as client:
        client.connect((address(lab, "web"), 8080))
        far, _ = server.accept()
        far.sendall(b"one")
        assert client.recv(64) == b"one"
        lab.policies(sends("good") if tightened == "client" else receives("web"))
        far.sendall(b"two")
        with pytest.raises(TimeoutError):
            client.recv(64)
        far.close()


def test_policies_see_the_pod_behind_a_service_not_the_service(lab: Lab) -> None:
    lab.service("10.96.0.80", 80, address(lab, "web"), 8080)
    lab.policies(sends("evil", Rule(peer("good"))), sends("good", Rule(peer("web"), tcp(8080))))
    with listening(lab, "web", 8080):
        assert connects(lab, "good", "10.96.0.80", 80)
        assert not connects(lab, "evil", "10.96.0.80", 80)


def test_a_closed_pod_reaches_itself_through_its_service(lab: Lab) -> None:
    lab.service("10.96.0.80", 80, address(lab, "web"), 8080)
    lab.policies(sends("web"), receives("web"))
    with listening(lab, "web", 8080):
        assert connects(lab, "web", "10.96.0.80", 80)
        assert not connects(lab, "good", "10.96.0.80", 80)


def test_egress_to_the_nodes_own_address_obeys_policy_also_through_a_service(lab: Lab) -> None:
    lab.service("10.96.0.1", 443, NODE, 6443)
    lab.policies(
        sends("evil"),
        sends("good", Rule((BlockPeer(f"{NODE}/32"),), tcp(6443))),
    )
    with listening(lab, "node", 6443):
        for target, port in ((NODE, 6443), ("10.96.0.1", 443)):
            assert connects(lab, "good", target, port)
            assert not connects(lab, "evil", target, port)
        assert not connects(lab, "evil", GATEWAY, 6443)


def test_the_node_cannot_push_over_a_connection_that_a_policy_has_cut(lab: Lab) -> None:
    with listening(lab, "node", 6443) as (server,), lab.socket("evil", socket.SOCK_STREAM) as pod:
        pod.connect((NODE, 6443))
        far, _ = server.accept()
        far.sendall(b"one")
        assert pod.recv(64) == b"one"
        lab.policies(sends("evil"))
        far.sendall(b"two")
        with pytest.raises(TimeoutError):
            pod.recv(64)
        far.close()


def test_the_node_always_reaches_its_pods(lab: Lab) -> None:
    lab.policies(receives("web"), sends("web"))
    with listening(lab, "web", 8080):
        assert connects(lab, "node", address(lab, "web"), 8080)
        assert not connects(lab, "good", address(lab, "web"), 8080)


def test_a_pod_is_closed_until_the_filter_knows_it(lab: Lab) -> None:
    fresh = lab.pod("fresh", known=False)
    with listening(lab, "fresh", 80), listening(lab, "web", 8080), listening(lab, "node", 6443):
        before = [
            connects(lab, "web", fresh.address, 80),
            connects(lab, "fresh", address(lab, "web"), 8080),
            connects(lab, "fresh", OUTSIDE, 80),
            connects(lab, "fresh", NODE, 6443),
        ]
        lab.learn(fresh)
        assert before == [False] * 4
        assert connects(lab, "web", fresh.address, 80)
        assert connects(lab, "fresh", address(lab, "web"), 8080)
        assert connects(lab, "fresh", NODE, 6443)


def test_datagrams_obey_their_own_protocols_ports(lab: Lab) -> None:
    lab.policies(receives("web", Rule((), (PolicyPort(Protocol.UDP, 53),)), Rule((), tcp(54))))
    web = address(lab, "web")
    with lab.socket("web", socket.SOCK_DGRAM) as dns, lab.socket("web", socket.SOCK_DGRAM) as other:
        dns.bind(("0.0.0.0", 53))
        other.bind(("0.0.0.0", 54))
        assert delivers(lab, "good", dns, web)
        assert not delivers(lab, "good", other, web)


def test_sctp_obeys_its_ports(lab: Lab) -> None:
    lab.policies(receives("web", Rule((), (PolicyPort(Protocol.SCTP, 7),))))

    def arrives(port: int) -> bool:
        with (
            lab.socket("web", socket.SOCK_RAW, SCTP) as server,
            lab.socket("good", socket.SOCK_RAW, SCTP) as client,
        ):
            client.sendto(sctp_init(4000 + port, port), (address(lab, "web"), 0))
            try:
                return bool(server.recv(1500))
            except TimeoutError:
                return False

    assert arrives(7)
    assert not arrives(8)


def test_an_icmp_error_comes_back_over_a_connection_that_is_allowed_by_port(lab: Lab) -> None:
    lab.policies(
        receives("web", Rule(peer("good"), (PolicyPort(Protocol.UDP, 99),))),
        sends("good", Rule(peer("web"), (PolicyPort(Protocol.UDP, 99),))),
    )
    with lab.socket("good", socket.SOCK_DGRAM) as client:
        client.connect((address(lab, "web"), 99))
        client.send(b"nobody listens")
        with pytest.raises(ConnectionRefusedError):
            client.recv(64)


def test_a_policy_without_ports_covers_ping_and_one_with_ports_does_not(lab: Lab) -> None:
    def pings(name: str) -> bool:
        echo = bytes.fromhex("0800f7ff00000000")
        with lab.socket(name, socket.SOCK_RAW, socket.IPPROTO_ICMP) as client:
            client.connect((address(lab, "web"), 0))
            client.send(echo)
            try:
                return bool(client.recv(1500))
            except TimeoutError:
                return False

    lab.policies(receives("web", Rule(peer("good")), Rule(peer("evil"), tcp(8080))))
    assert pings("good")
    assert not pings("evil")
