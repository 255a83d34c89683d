"""What is probed: a closed list of addresses, each with the reason why it must not answer."""

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address


class Protocol(StrEnum):
    """How a target is asked."""

    TCP = "tcp"
    UDP = "udp"


@dataclass(frozen=True)
class Target:
    """One address that no policy allows.

    Attributes:
        protocol: TCP: a connection is tried; UDP: a datagram that the warden's canary repeats.
        host: IP address; names would need a resolver, which model pods have not.
        port: Port.
        name: What it is, for people.
    """

    protocol: Protocol
    host: str
    port: int
    name: str = ""

    def __str__(self) -> str:
        label = f" ({self.name})" if self.name else ""
        return f"{self.protocol} {bracketed(self.host)}:{self.port}{label}"

    def argument(self) -> str:
        """Return the text that `parse` reads."""
        label = f"={self.name}" if self.name else ""
        return f"{self.protocol}:{bracketed(self.host)}:{self.port}{label}"


def bracketed(host: str) -> str:
    """Return an address as it stands before a port: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


def parse(text: str) -> Target:
    """Read `PROTOCOL:ADDRESS:PORT` or `PROTOCOL:ADDRESS:PORT=NAME`; IPv6 addresses in brackets.

    Raises:
        ValueError: says what was given and what is accepted.
    """
    where, _, name = text.partition("=")
    protocol, _, rest = where.partition(":")
    host, _, port = rest.rpartition(":")
    try:
        address = ip_address(host.removeprefix("[").removesuffix("]"))
        number = int(port)
        kind = Protocol(protocol)
    except ValueError:
        raise ValueError(_accepted(text)) from None
    if address.is_unspecified or address.is_multicast or not 1 <= number <= 65535:  # noqa: PLR2004
        raise ValueError(_accepted(text))
    return Target(kind, str(address), number, name)


def _accepted(text: str) -> str:
    return f"tcp:ADDRESS:PORT=NAME or udp:ADDRESS:PORT=NAME of one host is accepted; got {text!r}"
