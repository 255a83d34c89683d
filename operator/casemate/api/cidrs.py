"""Blocks of addresses, spelled in one way only, and never so wide that they hold everything."""

from ipaddress import IPv6Network, ip_network
from typing import Annotated

from pydantic import Field

from casemate.api.rules import Rule
from casemate.api.terms import one_of

_LEAST_BITS = 8
"""The shortest prefix: two halves of all addresses are as wide as 0.0.0.0/0."""

_NEVER = {
    "0.0.0.0/8": "unspecified",
    "127.0.0.0/8": "loopback",
    "169.254.0.0/16": "link-local, with the metadata address",
    "224.0.0.0/4": "multicast",
    "255.255.255.255/32": "broadcast",
    "::/128": "unspecified",
    "::1/128": "loopback",
    "fe80::/10": "link-local",
    "ff00::/8": "multicast",
}
"""What no block may overlap: these addresses mean something else on every node."""


def within(inner: str, outer: str) -> bool:
    """Tell whether every address of one valid block is in another."""
    one, other = ip_network(inner), ip_network(outer)
    return one.network_address in other and one.prefixlen >= other.prefixlen


def _is_plain(text: str) -> bool:
    try:
        block = ip_network(text)
    except ValueError:
        return False
    # The API server's library has neither zones nor IPv4 addresses inside IPv6.
    mapped = isinstance(block, IPv6Network) and block.network_address.ipv4_mapped is not None
    plain = "%" not in text and not mapped
    return plain and str(block) == text and block.prefixlen >= _LEAST_BITS


def _is_ordinary(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return True
    return not any(within(text, one) or within(one, text) for one in _NEVER)


Cidr = Annotated[
    str,
    Field(max_length=43),
    Rule(
        cel="isCIDR(self) && string(cidr(self).masked()) == self && "
        f"cidr(self).prefixLength() >= {_LEAST_BITS}",
        message="must be a block of addresses such as 10.20.0.0/16 or fd00:20::/32: in its "
        f"shortest spelling, without bits behind the prefix, with a prefix of at least "
        f"{_LEAST_BITS} bits",
        holds=_is_plain,
    ),
    Rule(
        cel=f"!isCIDR(self) || {one_of([*_NEVER])}.all(one, "
        "!cidr(one).containsCIDR(self) && !cidr(self).containsCIDR(one))",
        message="must hold no address of "
        + ", ".join(f"{block} ({what})" for block, what in _NEVER.items()),
        holds=_is_ordinary,
    ),
]
"""A block of IPv4 or IPv6 addresses."""
