"""What the tests send, and how they see whether it arrived."""

import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from e2e.netpol.lab import Lab

SCTP = 132


@contextmanager
def listening(lab: Lab, where: str, *ports: int) -> Iterator[list[socket.socket]]:
    """Accept TCP connections on ``ports``; the kernel completes them without our help."""
    with ExitStack() as stack:
        made = []
        for port in ports:
            server = stack.enter_context(lab.socket(where, socket.SOCK_STREAM))
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind(("0.0.0.0", port))
            server.listen()
            made.append(server)
        yield made


def connects(lab: Lab, where: str, address: str, port: int) -> bool:
    """Tell whether a TCP handshake completes; a refusal by the far end is an error, not a no."""
    with lab.socket(where, socket.SOCK_STREAM) as client:
        try:
            client.connect((address, port))
        except TimeoutError:
            return False
        return True


def delivers(lab: Lab, where: str, server: socket.socket, address: str) -> bool:
    """Tell whether a datagram reaches ``server`` at ``address`` and its answer comes back."""
    with lab.socket(where, socket.SOCK_DGRAM) as client:
        client.sendto(b"ask", (address, server.getsockname()[1]))
        return answers(server, client)


def answers(server: socket.socket, client: socket.socket) -> bool:
    try:
        _, sender = server.recvfrom(64)
        server.sendto(b"answer", sender)
        return client.recvfrom(64)[0] == b"answer"
    except TimeoutError:
        return False


def echoes(client: socket.socket, server: socket.socket, text: bytes) -> bool:
    """Tell whether ``text`` crosses an open connection and comes back."""
    try:
        client.sendall(text)
        server.sendall(server.recv(64))
        return client.recv(64) == text
    except TimeoutError:
        return False


def sctp_init(source: int, target: int) -> bytes:
    """Build an SCTP packet with an INIT chunk: enough for connection tracking."""
    chunk = struct.pack("!BBHIIHHI", 1, 0, 20, 7, 65536, 1, 1, 7)
    bare = struct.pack("!HHII", source, target, 0, 0) + chunk
    return bare[:8] + struct.pack("<I", _crc32c(bare)) + bare[12:]


def _crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF
