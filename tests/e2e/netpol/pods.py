"""Real pods, probed from inside their network: no exec, so it works with the API server down."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from e2e.netpol.lab import SILENCE, entered


@dataclass(frozen=True)
class RealPod:
    """A running pod.

    Attributes:
        address: Its IP address.
        network: File that names its network namespace.
    """

    address: str
    network: Path

    def stream(self) -> socket.socket:
        """Make a TCP socket inside the pod."""
        with entered(self.network):
            made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        made.settimeout(SILENCE)
        return made

    @contextmanager
    def listening(self, port: int) -> Iterator[socket.socket]:
        """Accept TCP connections."""
        with self.stream() as server:
            server.bind(("0.0.0.0", port))
            server.listen()
            yield server

    def connects(self, address: str, port: int) -> bool:
        """Tell whether a TCP handshake completes."""
        with self.stream() as client:
            try:
                client.connect((address, port))
            except TimeoutError:
                return False
            return True


def network_of(uid: str) -> Path:
    """Return the network namespace of a pod, by way of any process in its cgroup."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if uid in (process / "cgroup").read_text():
                return process / "ns" / "net"
        except OSError:
            continue  # it has ended since it was listed
    raise LookupError(f"no process of pod {uid}")
