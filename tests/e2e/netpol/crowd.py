"""Many pods at once: every way between them is tried together, from inside their networks."""

import errno
import selectors
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from e2e.netpol.lab import SILENCE, entered
from support.reach import TCP, TRANSPORTS, Cell

_AT_ONCE = 400  # well below the kernel's limits, and fast enough to be answered in time
_KINDS = {"TCP": socket.SOCK_STREAM, "UDP": socket.SOCK_DGRAM}


@dataclass
class Crowd:
    """Everybody who takes part.

    Attributes:
        networks: File of the network namespace, by name of who sends or listens.
        addresses: IPv4 address, by name of who can be reached.
    """

    networks: dict[str, Path]
    addresses: dict[str, str]
    _ears: dict[tuple[str, int], socket.socket] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=count)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listen everywhere: the kernel completes TCP, and keeps datagrams to be counted."""
        with ExitStack() as stack:
            for name in self.networks:
                for protocol, port in TRANSPORTS:
                    ear = stack.enter_context(self._socket(name, protocol))
                    ear.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    ear.bind(("0.0.0.0", port))
                    if protocol == TCP:
                        ear.listen(1024)
                    else:
                        self._ears[name, port] = ear
            yield
        self._ears.clear()

    def reached(self, cells: Iterable[Cell]) -> set[Cell]:
        """Try every way; return those that let something through."""
        every = sorted(cells)
        batches = (every[n : n + _AT_ONCE] for n in range(0, len(every), _AT_ONCE))
        return {cell for batch in batches for cell in self._try(batch)}

    def _try(self, batch: Iterable[Cell]) -> Iterator[Cell]:
        sent: dict[bytes, Cell] = {}
        with ExitStack() as stack, selectors.DefaultSelector() as waiting:
            for cell in batch:
                client = stack.enter_context(self._socket(cell.source, cell.protocol))
                far = (self.addresses[cell.target], cell.port)
                if cell.protocol == TCP:
                    client.connect_ex(far)
                    waiting.register(client, selectors.EVENT_WRITE, cell)
                else:
                    text = str(next(self._numbers)).encode()
                    sent[text] = cell
                    client.sendto(text, far)
            yield from _connected(waiting)
        yield from (sent[text] for text in self._heard() if text in sent)

    def _socket(self, name: str, protocol: str) -> socket.socket:
        with entered(self.networks[name]):
            made = socket.socket(socket.AF_INET, _KINDS[protocol])
        made.settimeout(0)
        return made

    def _heard(self) -> Iterator[bytes]:
        for ear in self._ears.values():
            try:
                while True:
                    yield ear.recv(64)
            except BlockingIOError:
                continue


def _connected(waiting: selectors.BaseSelector) -> Iterator[Cell]:
    """Give the ways whose handshake completes before silence counts as blocked."""
    end = time.monotonic() + SILENCE
    while waiting.get_map() and (left := end - time.monotonic()) > 0:
        for key, _ in waiting.select(left):
            client = key.fileobj
            assert isinstance(client, socket.socket)
            waiting.unregister(client)
            found = client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            assert not found, f"{key.data}: {errno.errorcode[found]}: nobody listens there"
            yield key.data
