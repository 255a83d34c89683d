"""Who may reach whom: the one table that rendered policies and real packets are held to.

Written by hand from docs/isolation.md, not derived from anything that renders. What has no row is
closed, wherever a model, the warden or the operator is at one end.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

Json = dict[str, Any]

TCP, UDP = "TCP", "UDP"
GATEWAY, METRICS, ENGINE, WARDEN, CANARY, DNS = 8443, 9090, 8000, 8444, 8445, 53
TRANSPORTS = [
    *((TCP, port) for port in (GATEWAY, METRICS, ENGINE, WARDEN, CANARY, DNS)),
    *((TCP, port) for port in (443, 514, 5432, 8080, 8081)),
    *((UDP, port) for port in (GATEWAY, CANARY, DNS, 443, 514)),
]  # fmt: skip
"""What is tried between any two."""

BLOCKS = ["203.0.113.10/31", "fd00:20::/64"]
OUTSIDE = {
    "outside": "203.0.113.10",
    "outside-too": "203.0.113.11",
    "beside": "203.0.113.12",
    "outside6": "fd00:20::10",
    "beside6": "fd00:20:0:1::10",
}
"""Addresses that are no pods: three in the blocks, and two just beside them."""
NODE = {"api-server": 6443, "kubelet": 10250}
"""Doors of the node, by TCP."""


class Cell(NamedTuple):
    """One way; `source` and `target` are names of this file."""

    source: str
    target: str
    protocol: str
    port: int


class Place(NamedTuple):
    """A pod beside the models; its namespace is a name of this file."""

    namespace: str
    labels: dict[str, str]


MODELS = ("closed", "served", "sending", "routed", "asking")
"""Names of the deployments, all in the namespace `models`."""
PLACES = {
    "planner": Place("models", {"app": "planner"}),
    "scheduler": Place("models", {"shift": "night"}),
    "exposed": Place("models", {"shift": "night", "zone": "front"}),
    "archive": Place("models", {"kind": "archive"}),
    "analyst": Place("analysts", {"tier": "a"}),
    "visitor": Place("analysts", {"tier": "c"}),
    "watch": Place("watchers", {}),
    "store": Place("stores", {"app": "store"}),
    "namesake": Place("elsewhere", {"app": "planner", "kind": "archive", "k8s-app": "kube-dns"}),
    "impostor": Place("elsewhere", {"casemate.dev/model-deployment": "sending"}),
    "false-warden": Place("elsewhere", {"app.kubernetes.io/name": "casemate-warden"}),
    "prometheus": Place("monitoring", {}),
    "dns": Place("kube-system", {"k8s-app": "kube-dns"}),
    "agent": Place("kube-system", {"k8s-app": "agent"}),
}
"""Declared clients and peers, each beside pods that differ in one thing."""
SYSTEM = ("warden", "operator")
"""Casemate's own pods, in the namespace `system`; the chart labels them."""
TEAMS = {"watchers": {"team": "watch"}, "models": {"casemate.dev/enclave": "true"}}
"""Labels of namespaces."""


def access(space: Callable[[str], str]) -> dict[str, Json]:
    """Return what each deployment declares; `space` gives a namespace its real name."""

    def of(namespace: str) -> Json:
        return {"matchLabels": {"kubernetes.io/metadata.name": space(namespace)}}

    def ours(*names: str) -> Json:
        key = "casemate.dev/model-deployment"
        return {"matchExpressions": [{"key": key, "operator": "In", "values": [*names]}]}

    def ports(*numbers: int, **more: Any) -> Json:
        return {"ports": [{"port": number, **more} for number in numbers]}

    at_night = [
        {"key": "shift", "operator": "Exists"},
        {"key": "zone", "operator": "NotIn", "values": ["front", "back"]},
    ]
    upper = [{"key": "tier", "operator": "In", "values": ["a", "b"]}]
    return {
        "closed": {},
        "served": {
            "clients": [
                {"podSelector": {"matchLabels": {"app": "planner"}}},
                {"podSelector": {"matchExpressions": at_night}},
                {"namespaceSelector": of("analysts"), "podSelector": {"matchExpressions": upper}},
                {"namespaceSelector": {"matchLabels": {"team": "watch"}}},
                {"podSelector": ours("sending")},
            ]
        },
        "sending": {
            "egress": [
                {"podSelector": {"matchLabels": {"kind": "archive"}}, **ports(5432)},
                {"namespaceSelector": of("stores"), **ports(443)},
                {"namespaceSelector": of("stores"), **ports(514, protocol=UDP)},
                {"podSelector": ours("served", "closed"), **ports(GATEWAY)},
            ]
        },
        "routed": {"egress": [{"cidr": block, **ports(443)} for block in BLOCKS]},
        "asking": {"dns": True},
    }


ALLOWED = {
    *(Cell("prometheus", model, TCP, METRICS) for model in MODELS),
    *(Cell(model, "warden", TCP, WARDEN) for model in MODELS),
    *(Cell("warden", model, TCP, GATEWAY) for model in MODELS),
    Cell("planner", "served", TCP, GATEWAY),
    Cell("scheduler", "served", TCP, GATEWAY),
    Cell("analyst", "served", TCP, GATEWAY),
    Cell("watch", "served", TCP, GATEWAY),
    Cell("sending", "served", TCP, GATEWAY),  # not to `closed`, which names no client
    Cell("sending", "archive", TCP, 5432),
    Cell("sending", "store", TCP, 443),
    Cell("sending", "store", UDP, 514),
    Cell("routed", "outside", TCP, 443),
    Cell("routed", "outside-too", TCP, 443),
    Cell("routed", "outside6", TCP, 443),
    Cell("asking", "dns", TCP, DNS),
    Cell("asking", "dns", UDP, DNS),
    Cell("prometheus", "operator", TCP, 8080),
    Cell("prometheus", "warden", TCP, 8081),
    Cell("operator", "warden", TCP, WARDEN),
    Cell("operator", "warden", TCP, CANARY),
    Cell("operator", "warden", UDP, CANARY),
    Cell("operator", "api-server", TCP, NODE["api-server"]),
    Cell("warden", "api-server", TCP, NODE["api-server"]),
}
"""The table."""


def cells(guarded: tuple[str, ...]) -> Iterator[Cell]:
    """Give every way with one of these at an end, so that policies decide about it."""
    pods = [*MODELS, *PLACES, *SYSTEM]
    for source in pods:
        for target in [*pods, *OUTSIDE]:
            if source != target and (source in guarded or target in guarded):
                yield from (Cell(source, target, *transport) for transport in TRANSPORTS)
        if source in guarded:
            yield from (Cell(source, door, TCP, port) for door, port in NODE.items())
