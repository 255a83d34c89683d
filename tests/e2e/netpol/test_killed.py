"""The enforcer dies: not one packet slips through, and what it missed is made up for."""

import socket
import threading
from collections.abc import Iterator
from typing import Self

import pytest

from e2e.netpol.pods import RealPod, policy
from enclave import daemons
from support.enclaves import Enclave, enclave_command

PORT = 9999
NO_EGRESS = {"policyTypes": ["Egress"]}
Pods = dict[str, RealPod]


@pytest.fixture
def alive_again(enclave: Enclave) -> Iterator[None]:
    yield
    if daemons.recall(enclave.layout.pid_file("netpol")) is None:
        enclave_command("up", "--name", enclave.name)


class Gun:
    """Sends a datagram every few milliseconds, whatever happens."""

    def __init__(self, pod: RealPod, target: tuple[str, int]) -> None:
        self.shots = 0
        self._pod, self._target = pod, target
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._fire)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _fire(self) -> None:
        with self._pod.datagrams() as barrel:
            while not self._stop.wait(0.003):
                barrel.sendto(b"fire", self._target)
                self.shots += 1


class Target:
    """A pod that is shot at, and counts what arrives."""

    def __init__(self, enclave: Enclave, server: socket.socket, gun: Gun, port: int) -> None:
        server.bind(("0.0.0.0", port))
        server.settimeout(0)
        self._enclave, self._server, self._gun = enclave, server, gun

    def hits(self) -> int:
        """Return how many have arrived since the last call."""
        count = 0
        while True:
            try:
                self._server.recv(64)
            except BlockingIOError:
                return count
            count += 1

    def is_safe(self) -> bool:
        """Tell whether not one of the next thirty shots arrives."""
        self.hits()
        enough = self._gun.shots + 30
        self._enclave.eventually(lambda: self._gun.shots >= enough, "the gun jams")
        return self.hits() == 0

    def is_hit(self) -> bool:
        """Tell whether something has arrived since the last call."""
        return self.hits() > 0


@pytest.mark.usefixtures("alive_again")
def test_not_one_packet_of_a_closed_pod_passes_while_the_enforcer_dies_and_comes_back(
    enclave: Enclave, namespace: str, pods: Pods
) -> None:
    web = pods["web"]
    with (
        web.datagrams() as first,
        web.datagrams() as second,
        Gun(pods["evil"], (web.address, PORT)) as evil,
        Gun(pods["good"], (web.address, PORT + 1)) as good,
    ):
        closed = Target(enclave, first, evil, PORT)
        opened = Target(enclave, second, good, PORT + 1)
        enclave.eventually(closed.is_hit, "control: evil's shots arrive")
        enclave.apply(policy(namespace, "evil", **NO_EGRESS))
        enclave.eventually(closed.is_safe, "the policy does not bind")

        enclave.kill("netpol")
        enclave.apply(policy(namespace, "good", **NO_EGRESS))  # nobody is there to see it
        assert not opened.is_safe(), "control: an open pod stays open"
        enclave_command("up", "--name", enclave.name)
        enclave.eventually(opened.is_safe, "the policy that was missed does not bind")
        assert closed.hits() == 0

        enclave.kubectl("--namespace", namespace, "delete", "networkpolicy", "--all")
        enclave.eventually(closed.is_hit, "control: evil has fired all the time")


@pytest.mark.usefixtures("alive_again")
def test_a_crash_between_two_policies_never_opens_what_each_of_them_closes(
    enclave: Enclave, namespace: str, pods: Pods
) -> None:
    web = pods["web"]
    with web.datagrams() as server, Gun(pods["evil"], (web.address, PORT)) as evil:
        target = Target(enclave, server, evil, PORT)
        enclave.eventually(target.is_hit, "control: evil's shots arrive")
        enclave.apply(policy(namespace, "evil", **NO_EGRESS))
        enclave.eventually(target.is_safe, "the policy does not bind")

        enclave.kill("netpol")
        enclave.apply(policy(namespace, "web", policyTypes=["Ingress"]))
        enclave.kubectl("--namespace", namespace, "delete", "networkpolicy", "evil")
        enclave_command("up", "--name", enclave.name)
        assert target.hits() == 0
        assert target.is_safe()

        enclave.kubectl("--namespace", namespace, "delete", "networkpolicy", "web")
        enclave.eventually(target.is_hit, "control: evil has fired all the time")
