"""The enclave is cut off; what answers proves that what does not was blocked."""

import socket
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from enclave.layout import OUTSIDE_ADDRESS
from support.enclaves import Enclave

MakePod = Callable[..., None]
DOCUMENTATION_ADDRESS = "192.0.2.1"  # never routed anywhere; only looked up here, never called


@pytest.fixture
def host_listener(enclave: Enclave) -> Iterator[int]:
    """A listener on the host's end of the link to the node, until the test ends."""
    with socket.create_server((enclave.layout.host_address, 0)) as server:

        def answer() -> None:
            while True:
                try:
                    server.accept()[0].close()
                except OSError:
                    return

        thread = threading.Thread(target=answer)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def knock(address: str, port: int) -> list[str]:
    return ["busybox", "nc", "-w", "2", address, str(port)]


def in_pod(enclave: Enclave, namespace: str, command: list[str]) -> bool:
    script = f"/{' '.join(command)} </dev/null >/dev/null && echo open || echo closed"
    shell = ("exec", "probe", "--", "/busybox", "sh", "-c", script)
    return enclave.kubectl("--namespace", namespace, *shell).strip() == "open"


def test_outside_answers_the_node_and_pods(
    enclave: Enclave, namespace: str, make_pod: MakePod
) -> None:
    make_pod("probe")
    for port in (7, 80):
        assert enclave.on_node(*knock(OUTSIDE_ADDRESS, port)).returncode == 0
        assert in_pod(enclave, namespace, knock(OUTSIDE_ADDRESS, port))
    assert not in_pod(enclave, namespace, knock(OUTSIDE_ADDRESS, 81)), "nobody listens there"


def test_outside_echoes_udp(enclave: Enclave) -> None:
    script = (
        "import socket, sys; s = socket.socket(type=socket.SOCK_DGRAM); s.settimeout(5);"
        " s.connect((sys.argv[1], 7)); s.send(b'ping'); print(s.recv(9))"
    )
    answer = enclave.on_node(sys.executable, "-c", script, OUTSIDE_ADDRESS)
    assert answer.stdout == "b'ping'\n"


def test_there_is_no_route_to_anywhere_else(enclave: Enclave) -> None:
    look_up = ("ip", "route", "get")
    assert enclave.on_node(*look_up, OUTSIDE_ADDRESS).returncode == 0
    assert "unreachable" in enclave.on_node(*look_up, DOCUMENTATION_ADDRESS).stderr
    from_pod = ("from", "10.244.0.250", "iif", "cni0")
    assert enclave.on_node(*look_up, OUTSIDE_ADDRESS, *from_pod).returncode == 0
    assert enclave.on_node(*look_up, DOCUMENTATION_ADDRESS, *from_pod).returncode != 0


def test_neither_node_nor_pod_can_call_the_host(
    enclave: Enclave, namespace: str, make_pod: MakePod, host_listener: int
) -> None:
    address = enclave.layout.host_address
    socket.create_connection((address, host_listener), timeout=2).close()
    assert enclave.on_node(*knock(address, host_listener)).returncode != 0
    make_pod("probe")
    assert not in_pod(enclave, namespace, knock(address, host_listener))
    assert in_pod(enclave, namespace, knock(enclave.layout.node_address, 6443))
