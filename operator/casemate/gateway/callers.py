"""Who asks: the one place that knows how callers are told apart.

Until callers have names, it is by address. All of an IPv6 customer's network counts as one:
whoever has one address there has 2^64 of them.
"""

import ipaddress
from dataclasses import dataclass

from aiohttp import web

_V6_PREFIX = 64


@dataclass(frozen=True, slots=True)
class Caller:
    """One caller, as quotas see them.

    Attributes:
        key: What tells them apart from others; never a label, never logged.
    """

    key: str


UNKNOWN = Caller("")
"""All whose address is not known share one quota."""


def caller_of(request: web.BaseRequest) -> Caller:
    """Return who sent a request."""
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
