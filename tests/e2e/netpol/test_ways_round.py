"""Ways round a policy that a container can try from inside, each beside an honest packet."""

import socket
import struct
from collections.abc import Iterator

import pytest

from e2e.netpol.lab import Lab, run
from enclave.netpol.model import Operator, PodPeer, Policy, Requirement, Rule, Selector
from enclave.netpol.render import TABLE

ETH_IP, ETH_ARP, ETH_VLAN, ETH_CUSTOM = 0x0800, 0x0806, 0x8100, 0x88B5
PORT = 9999


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab() as made:
        made.pod("web")
        made.pod("good")
        made.pod("evil")
        good = Selector((Requirement("app", Operator.IN, frozenset({"good"})),))
        rules = (Rule((PodPeer(None, good),)),)
        made.policies(Policy("default", "web", Selector(), ingress=rules, egress=None))
        yield made


def datagram(source: str, target: str) -> bytes:
    """Build an IP packet that carries a UDP datagram without a checksum (0: not computed)."""
    udp = struct.pack("!HHHH", 4000, PORT, 12, 0) + b"ping"
    head = struct.pack("!BBHHHBBH", 0x45, 0, 32, 1, 0, 64, 17, 0)
    head += socket.inet_aton(source) + socket.inet_aton(target)
    total = sum(struct.unpack("!10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    return head[:10] + struct.pack("!H", ~total & 0xFFFF) + head[12:] + udp


def mac(lab: Lab, name: str, link: str = "eth0") -> str:
    return run("ip", "-n", f"{lab.prefix}-{name}", "-br", "link", "show", link).split()[2]


def hardware(lab: Lab, name: str) -> bytes:
    return bytes.fromhex(mac(lab, name).replace(":", ""))


def frame(lab: Lab, name: str, body: bytes, kind: int, *, to: bytes | None = None) -> None:
    """Send one Ethernet frame, to web's hardware address unless told otherwise."""
    with lab.socket(name, socket.SOCK_RAW, family=socket.AF_PACKET) as raw:
        raw.bind(("eth0", 0))
        target = to or hardware(lab, "web")
        raw.send(target + hardware(lab, name) + struct.pack("!H", kind) + body)


def heard(server: socket.socket) -> bool:
    try:
        return bool(server.recv(1500))
    except TimeoutError:
        return False


@pytest.fixture
def web(lab: Lab) -> Iterator[socket.socket]:
    with lab.socket("web", socket.SOCK_DGRAM) as server:
        server.bind(("0.0.0.0", PORT))
        yield server


def address(lab: Lab, name: str) -> str:
    return next(pod.address for pod in lab.snapshot.pods if pod.name == name)


def test_a_pod_cannot_borrow_the_address_of_another(lab: Lab, web: socket.socket) -> None:
    borrowed = datagram(address(lab, "good"), address(lab, "web"))
    frame(lab, "good", borrowed, ETH_IP)
    assert heard(web)
    frame(lab, "evil", borrowed, ETH_IP)
    assert not heard(web)


def test_a_pod_cannot_answer_arp_for_another(lab: Lab) -> None:
    def claims(sender: str, owner: str) -> bool:
        body = struct.pack("!HHBBH", 1, ETH_IP, 6, 4, 2) + hardware(lab, sender)
        body += socket.inet_aton(address(lab, owner)) + hardware(lab, "web")
        body += socket.inet_aton(address(lab, "web"))
        with lab.socket(
            "web", socket.SOCK_RAW, socket.htons(ETH_ARP), socket.AF_PACKET
        ) as listener:
            frame(lab, sender, body, ETH_ARP)
            return heard(listener)

    assert claims("good", "good")
    assert not claims("evil", "good")


def test_a_broadcast_does_not_reach_closed_pods(lab: Lab, web: socket.socket) -> None:
    frame(lab, "good", datagram(address(lab, "good"), address(lab, "web")), ETH_IP)
    assert heard(web)
    for target in ("255.255.255.255", "10.244.0.255", "224.0.0.1"):
        frame(lab, "evil", datagram(address(lab, "evil"), target), ETH_IP, to=b"\xff" * 6)
        assert not heard(web)


@pytest.mark.parametrize(
    ("kind", "prefix"), [(ETH_VLAN, struct.pack("!HH", 0, ETH_IP)), (ETH_CUSTOM, b"")]
)
def test_frames_of_other_kinds_do_not_cross(lab: Lab, kind: int, prefix: bytes) -> None:
    def crosses() -> bool:
        body = prefix + datagram(address(lab, "good"), address(lab, "web")) + b"\0" * 40
        with lab.socket("web", socket.SOCK_RAW, socket.htons(0x0003), socket.AF_PACKET) as all_:
            frame(lab, "good", body, kind)
            return heard_from(all_, hardware(lab, "good"))

    assert not crosses()
    lab.on_node("nft", "delete", "table", "bridge", TABLE)
    assert crosses()


def heard_from(listener: socket.socket, source: bytes) -> bool:
    try:
        while listener.recv(1500)[6:12] != source:
            pass
    except TimeoutError:
        return False
    return True


def test_ipv6_crosses_neither_to_pods_nor_to_the_node(lab: Lab) -> None:
    for name, link, own in (("good", "eth0", 1), ("web", "eth0", 2), ("node", "cni0", 3)):
        space = f"{lab.prefix}-{name}"
        run("ip", "-n", space, "addr", "add", f"fd00::{own}/64", "dev", link, "nodad")
        neighbour = ("neigh", "add", f"fd00::{own}", "lladdr", mac(lab, name, link), "dev", "eth0")
        if name != "good":
            run("ip", "-n", f"{lab.prefix}-good", *neighbour)

    def crosses(name: str, target: str) -> bool:
        with (
            lab.socket(name, socket.SOCK_DGRAM, family=socket.AF_INET6) as server,
            lab.socket("good", socket.SOCK_DGRAM, family=socket.AF_INET6) as client,
        ):
            server.bind(("::", PORT))
            client.sendto(b"ping", (target, PORT))
            return heard(server)

    paths = (("web", "fd00::2"), ("node", "fd00::3"))
    assert [crosses(*path) for path in paths] == [False, False]
    lab.on_node("nft", "delete", "table", "bridge", TABLE)
    assert [crosses(*path) for path in paths] == [False, False]
    lab.on_node("nft", "delete", "table", "inet", TABLE)
    assert [crosses(*path) for path in paths] == [True, True]
