"""Pairs for where pods may connect to: blocks of addresses, peers by label, ports."""

from typing import Any

from unit.api import cases
from unit.api.cases import Json, Pair

_PLAIN = "must be a block of addresses such as 10.20.0.0/16 or fd00:20::/32"
_NONE_OF = "must hold no address of 0.0.0.0/8 (unspecified)"
_ONE_KIND = "needs exactly one kind of peer: cidr, or a podSelector or a namespaceSelector"
_ARCHIVE = {"matchLabels": {"app": "archive"}}
_NAMESPACE = "kubernetes.io/metadata.name"
_NAMED = {"matchExpressions": [{"key": _NAMESPACE, "operator": "In", "values": ["archive"]}]}
_NAMELESS = {"matchExpressions": [{"key": _NAMESPACE, "operator": "Exists"}]}
_ANY = {"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}


def _way(*ports: Json, **peer: Any) -> list[Json]:
    return [peer | {"ports": list(ports or ({"port": 443},))}]


def _peer(refuses: str, accepted: Json, refused: Json) -> Pair:
    return Pair(refuses, "access.egress", _way(**accepted), _way(**refused), (_ONE_KIND,),
                "access.egress[0]")  # fmt: skip


def _ports(refuses: str, accepted: Any, refused: Any, field: str, *says: str) -> Pair:
    near, bad = ([{"cidr": "10.20.0.0/16", "ports": ports}] for ports in (accepted, refused))
    return Pair(refuses, "access.egress", near, bad, says, f"access.egress[0].{field}")


SPELLINGS = [
    ("a block with bits behind the prefix", "10.20.0.0/16", "10.20.0.1/16"),
    ("a block without prefix", "10.20.0.1/32", "10.20.0.1"),
    ("a prefix too long", "10.20.0.1/32", "10.20.0.1/33"),
    ("a prefix with a zero before it", "10.0.0.0/8", "10.0.0.0/08"),
    ("a number with a zero before it", "10.8.0.0/16", "10.08.0.0/16"),
    ("a mask", "10.20.0.0/16", "10.20.0.0/255.255.0.0"),
    ("a name", "10.20.0.0/16", "archive/16"),
    ("no block at all", "10.20.0.0/16", ""),
    ("a space", "10.20.0.0/16", " 10.20.0.0/16"),
    ("foreign digits", "10.20.0.0/16", "10.20.0.\u0660/16"),
    ("capital letters in IPv6", "fd00:ab::/32", "fd00:AB::/32"),
    ("IPv6 written out", "fd00:20::/32", "fd00:20:0:0::/32"),
    ("IPv6 with zeros before", "fd00:20::/32", "fd00:0020::/32"),
    ("the wrong zeros left out", "fd00:0:0:1::/64", "fd00::1:0:0:0:0/64"),
    ("one zero left out", "fd00:0:1:1:1:1:1:1/128", "fd00::1:1:1:1:1:1/128"),
    ("IPv4 inside IPv6", "fd00::a01:0/112", "::ffff:10.1.0.0/112"),
    ("IPv4 inside IPv6, in hexadecimal", "fd00::a01:0/112", "::ffff:a01:0/112"),
    ("a zone", "fd00:20::/32", "fd00:20::%eth0/32"),
    ("half of all addresses", "10.0.0.0/8", "10.0.0.0/7"),
    ("half of IPv6", "fc00::/8", "fc00::/7"),
    ("all of IPv4", "10.0.0.0/8", "0.0.0.0/0"),
    ("all of IPv6", "fd00::/8", "::/0"),
]
"""Blocks as they may be spelled, and as not."""

FORBIDDEN = [
    ("an unspecified address", "1.0.0.0/8", "0.0.0.0/32"),
    ("loopback", "128.0.0.0/8", "127.0.0.1/32"),
    ("all of loopback", "126.0.0.0/8", "127.0.0.0/8"),
    ("the metadata address", "169.253.169.254/32", "169.254.169.254/32"),
    ("a block around link-local", "169.0.0.0/9", "169.0.0.0/8"),
    ("multicast", "223.0.0.0/8", "224.0.0.0/8"),
    ("the last of multicast", "240.0.0.0/8", "239.255.255.255/32"),
    ("broadcast", "255.255.255.254/32", "255.255.255.255/32"),
    ("the unspecified address of IPv6", "::2/128", "::/128"),
    ("loopback of IPv6", "::2/128", "::1/128"),
    ("a block around loopback of IPv6", "100::/8", "::/8"),
    ("link-local of IPv6", "fec0::/10", "fe80::/10"),
    ("a link-local address of IPv6", "fec0::1/128", "febf::1/128"),
    ("multicast of IPv6", "fd00::/8", "ff02::/16"),
    ("what is forbidden and all else", "10.0.0.0/8", "0.0.0.0/0"),
    ("what is forbidden and all else of IPv6", "fd00::/8", "::/0"),
]  # fmt: skip
"""Blocks that are ordinary, and such as no agreement can allow."""


def _blocks(kind: str, at: str, index: str) -> list[Pair]:
    """The pairs of blocks for one field; `at` is a list, `index` the refused string in it."""

    def wrapped(cidr: str) -> Any:
        return [cidr] if kind == "UsageAgreement" else _way(cidr=cidr)

    return [
        cases.Pair(f"{what} in {at}", at, wrapped(near), wrapped(bad), (f'"{bad}"', said),
                   f"{at}{index}", kind)
        for pairs, said in ((SPELLINGS, _PLAIN), (FORBIDDEN, _NONE_OF))
        for what, near, bad in pairs
    ]  # fmt: skip


BLOCKS = [
    *_blocks("ModelDeployment", "access.egress", "[0].cidr"),
    *_blocks("UsageAgreement", "enclaveCIDRs", "[0]"),
    cases.Pair("too many blocks", "enclaveCIDRs", ["10.0.0.0/8"] * 16, ["10.0.0.0/8"] * 17,
               ("Too many: 17: must have at most 16 items",), kind="UsageAgreement"),
]  # fmt: skip

PEERS = [
    _peer("a way out to nobody", {"podSelector": _ARCHIVE}, {}),
    _peer("a way out to pods by an empty selector", {"podSelector": _ARCHIVE}, {"podSelector": {}}),
    _peer("a way out to all namespaces", {"namespaceSelector": {}, "podSelector": _ARCHIVE},
          {"namespaceSelector": {}}),
    _peer("a way out to what lacks a label", {"podSelector": _ARCHIVE}, {"podSelector": _ANY}),
    _peer("a way out to any namespace that has a name", {"namespaceSelector": _NAMED},
          {"namespaceSelector": _NAMELESS}),
    _peer("a way out to a block and pods", {"cidr": "10.20.0.0/16"},
          {"cidr": "10.20.0.0/16", "podSelector": _ARCHIVE}),
    _peer("a way out to a block and namespaces", {"namespaceSelector": _ARCHIVE},
          {"cidr": "10.20.0.0/16", "namespaceSelector": _ARCHIVE}),
    _peer("a way out to a block and everything", {"cidr": "10.20.0.0/16"},
          {"cidr": "10.20.0.0/16", "podSelector": {}}),
    Pair("too many ways out", "access.egress", _way(podSelector=_ARCHIVE) * 16,
         _way(podSelector=_ARCHIVE) * 17, ("Too many: 17: must have at most 16 items",)),
    Pair("exceptions of a block", "access.egress", _way(cidr="10.20.0.0/16"),
         _way(cidr="10.20.0.0/16", **{"except": ["10.20.1.0/24"]}), ("unknown field",),
         "access.egress[0].except"),
    Pair("dns in words", "access.dns", accepted=True, refused="yes",
         says=("must be of type boolean",)),
]  # fmt: skip

_TCP = [{"port": 443}]
PORTS = [
    _ports("a way out without ports", _TCP, [], "ports", "should have at least 1 items"),
    Pair("a way out that names no ports", "access.egress", _way(cidr="10.20.0.0/16"),
         [{"cidr": "10.20.0.0/16"}], ("Required value",), "access.egress[0].ports"),
    _ports("too many ports", _TCP * 16, _TCP * 17, "ports", "must have at most 16 items"),
    _ports("port 0", [{"port": 1}], [{"port": 0}], "ports[0].port", "greater than or equal to 1"),
    _ports("port 65536", [{"port": 65535}], [{"port": 65536}], "ports[0].port",
           "less than or equal to 65535"),
    _ports("a port by name", _TCP, [{"port": "https"}], "ports[0].port", "must be of type integer"),
    _ports("a protocol without port", [{"protocol": "UDP", "port": 53}], [{"protocol": "UDP"}],
           "ports[0].port", "Required value"),
    _ports("SCTP", [{"protocol": "UDP", "port": 53}], [{"protocol": "SCTP", "port": 53}],
           "ports[0].protocol", 'Unsupported value: "SCTP"', '"TCP", "UDP"'),
    _ports("a range of ports", _TCP, [{"port": 1, "endPort": 9}], "ports[0].endPort",
           "unknown field"),
]  # fmt: skip

PAIRS = [*BLOCKS, *PEERS, *PORTS]
