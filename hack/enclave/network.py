"""The networks of an enclave: a node with no uplink, and an outside world of our own making.

The node has a link on which the host can call it (kubectl, registry, metrics) but not the other way
round, a link to `outside`, and no default route: everything else is unreachable.
"""

from collections.abc import Iterator
from pathlib import Path

from enclave import servers
from enclave.commands import run, succeeds
from enclave.layout import OUTSIDE_ADDRESS, OUTSIDE_GATEWAY, POD_RANGE, Layout
from enclave.waiting import until

_NODE_SYSCTLS = (
    "net.ipv4.ip_forward=1",
    # Pods on one bridge must pass the packet filter, or policies between them would do nothing.
    "net.bridge.bridge-nf-call-iptables=1",
    "net.ipv6.conf.all.disable_ipv6=1",
    "net.ipv6.conf.default.disable_ipv6=1",
)
_NETNS = Path("/run/netns")
_GONE_SECONDS = 5.0
# The host may call the node; neither the node nor a pod may call the host. Otherwise the host's
# own services would be a way out of the enclave.
_ONE_WAY = """
table inet casemate-uplink {
    chain output {
        type filter hook output priority filter; policy accept;
        oifname "eth0" ct state new drop
    }
    chain forward {
        type filter hook forward priority filter; policy accept;
        oifname "eth0" ct state new drop
    }
}
"""


def enter(layout: Layout) -> list[str]:
    """Return the command prefix that runs a program in the node's network."""
    return _enter(layout.name)


def enter_outside(layout: Layout) -> list[str]:
    """Return the command prefix that runs a program in the outside world."""
    return _enter(layout.outside)


def _enter(namespace: str) -> list[str]:
    # Not `ip netns exec`: it would also unshare the mounts.
    return ["nsenter", f"--net={_NETNS / namespace}", "--"]


def node_commands(layout: Layout) -> Iterator[str]:
    """Yield the `ip` commands for the node's namespace."""
    yield "link set lo up"
    yield f"address add {layout.node_address}/24 dev eth0"
    yield "link set eth0 up"
    yield f"link add outside0 type veth peer name eth0 netns {layout.outside}"
    yield f"address add {OUTSIDE_GATEWAY}/24 dev outside0"
    yield "link set outside0 up"
    # Service addresses are rewritten after the route is chosen, so programs on the node need a
    # route for them; one that leads nowhere, for those that no Service has.
    yield f"route add {servers.SERVICE_RANGE} dev lo src {layout.node_address}"


def outside_commands() -> Iterator[str]:
    """Yield the `ip` commands for the outside namespace."""
    yield "link set lo up"
    yield f"address add {OUTSIDE_ADDRESS}/24 dev eth0"
    yield "link set eth0 up"
    # Answers to pods: they arrive with their own addresses, nothing is masqueraded.
    yield f"route add {POD_RANGE} via {OUTSIDE_GATEWAY}"


def create(layout: Layout) -> None:
    """Make namespaces and links, replacing whatever a crash left of them."""
    delete(layout)
    host, node = layout.host_link, layout.name
    for namespace in (node, layout.outside):
        run(["ip", "netns", "add", namespace])
    run(["ip", "link", "add", host, "type", "veth", "peer", "name", "eth0", "netns", node])
    run(["ip", "address", "add", f"{layout.host_address}/24", "dev", host])
    run(["ip", "link", "set", host, "up"])
    _batch(node, node_commands(layout))
    _batch(layout.outside, outside_commands())
    run([*enter(layout), "sysctl", "-q", *_NODE_SYSCTLS])
    run([*enter(layout), "nft", "-f", "-"], text=_ONE_WAY)


def delete(layout: Layout) -> None:
    """Remove namespaces and links that exist; processes in them must have ended."""
    for namespace in (layout.name, layout.outside):
        if layout.namespace_path(namespace).exists():
            run(["ip", "netns", "delete", namespace])
    link = Path("/sys/class/net") / layout.host_link
    # The kernel takes the link along with the namespace, at a moment of its own.
    if link.exists() and not succeeds(["ip", "link", "delete", layout.host_link]):
        until(lambda: not link.exists(), _GONE_SECONDS, f"{layout.host_link} stays")
    # `ip netns add` makes this folder a mount of its own; the last one out takes it away.
    if _NETNS.is_mount() and not any(_NETNS.iterdir()):
        succeeds(["umount", _NETNS])


def _batch(namespace: str, commands: Iterator[str]) -> None:
    run(["ip", "-netns", namespace, "-batch", "-"], text="\n".join(commands) + "\n")
