"""Every packet that the node handles, seen from the node itself."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import NamedTuple

from e2e.netpol.lab import entered
from support.enclaves import Enclave

_ALL, _OUTGOING, _IPV4 = 0x0003, 4, 0x0800
_MOST_BYTES = 2048
_BUFFER = 64 << 20
_DROPPED = struct.Struct("II")
_SOL_PACKET, _PACKET_STATISTICS, _RECEIVE_BUFFER_FORCE = 263, 6, 33
"""Of Linux; the socket module does not name them."""


class Packet(NamedTuple):
    """One packet on one interface."""

    interface: str
    leaving: bool
    """Whether the node sends it out there; else it came in."""
    source: str
    target: str
    source_port: int
    target_port: int
    payload: bytes


@dataclass
class Capture:
    """What was seen so far of packets from or to some addresses."""

    packets: list[Packet] = field(default_factory=list)
    lost: int = 0
    """Packets that came faster than they were read: with any, nothing is shown."""


@contextmanager
def capturing(enclave: Enclave, network: str) -> Iterator[Capture]:
    """Capture on every interface of the node what comes from or goes to pods, as `10.244.`."""
    found, stop = Capture(), threading.Event()
    with entered(enclave.layout.namespace_path(enclave.name)):
        link = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ALL))
    with link:
        link.setsockopt(socket.SOL_SOCKET, _RECEIVE_BUFFER_FORCE, _BUFFER)
        link.settimeout(0.2)
        reader = threading.Thread(target=_read, args=(link, network, found, stop))
        reader.start()
        try:
            yield found
        finally:
            stop.set()
            reader.join()
            counts = link.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, _DROPPED.size)
            found.lost = _DROPPED.unpack(counts)[1]


def _read(link: socket.socket, network: str, found: Capture, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            data, (interface, kind, way, *_) = link.recvfrom(_MOST_BYTES)
        except TimeoutError:
            continue
        packet = _parse(data, interface, way == _OUTGOING) if kind == _IPV4 else None
        if packet and (packet.source.startswith(network) or packet.target.startswith(network)):
            found.packets.append(packet)


def _parse(data: bytes, interface: str, leaving: bool) -> Packet | None:  # noqa: FBT001
    head = (data[0] & 15) * 4
    protocol = data[9]
    if protocol not in (socket.IPPROTO_TCP, socket.IPPROTO_UDP) or len(data) < head + 8:
        return None
    source, target = (str(IPv4Address(data[at : at + 4])) for at in (12, 16))
    source_port, target_port = struct.unpack("!HH", data[head : head + 4])
    skip = 8 if protocol == socket.IPPROTO_UDP else (data[head + 12] >> 4) * 4
    payload = data[head + skip : head + skip + 64]
    return Packet(interface, leaving, source, target, source_port, target_port, payload)
