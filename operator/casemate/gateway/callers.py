"""Who asks: the one place that knows how callers are told apart.

A caller with a name is known by it, wherever it calls from. Where a gateway is told to ask for
none, callers are told apart by address. All of an IPv6 customer's network counts as one: whoever
has one address there has 2^64 of them.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import web

_V6_PREFIX = 64


@dataclass(frozen=True, slots=True)
class Caller:
    """One caller.

    Attributes:
        key: What tells them apart from others, for quotas; never a label, never logged.
        username: As the API server knows them; empty where nobody was asked for a name.
        uid: Tells a new account of that name from the old one; may be empty.
        groups: Theirs.
    """

    key: str
    username: str = ""
    uid: str = ""
    groups: tuple[str, ...] = ()


UNKNOWN = Caller("")
"""All whose address is not known share one quota."""


def named(username: str, uid: str, groups: Iterable[str]) -> Caller:
    """Return the caller of a name; two of one name and different UIDs are two callers."""
    return Caller(f"{username}\0{uid}", username, uid, tuple(groups))


async def by_address(request: web.BaseRequest) -> Caller:
    """Return who sent a request, where nobody has a name."""
    peer = request.transport.get_extra_info("peername") if request.transport else None
    return of_address(peer[0]) if isinstance(peer, tuple) and peer else UNKNOWN


def of_address(address: str) -> Caller:
    """Return the caller at an IP address."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return UNKNOWN
    if isinstance(ip, ipaddress.IPv4Address):
        return Caller(str(ip))
    if ip.ipv4_mapped:
        return Caller(str(ip.ipv4_mapped))
    return Caller(str(ipaddress.ip_network((ip, _V6_PREFIX), strict=False)))
