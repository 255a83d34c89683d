"""A node without Kubernetes: namespaces as pods on a bridge, real packets, real nft.

Sockets are made inside a pod's namespace and used from the test's own process, so that a probe
costs no program start.
"""

import ctypes
import secrets
import socket
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from enclave.netpol.compile import compile_snapshot
from enclave.netpol.model import ContainerPort, Pod, Policy, Snapshot
from enclave.netpol.render import render

CLONE_NEWNET = 0x40000000
NODE, OUTSIDE, GATEWAY = "10.89.99.2", "203.0.113.10", "10.244.0.1"
BRIDGE_SETTINGS = ("bridge/bridge-nf-call-iptables", "bridge/bridge-nf-call-ip6tables")
SILENCE = 0.4  # seconds without an answer that count as blocked; an allowed one takes under 5 ms
_PROXY = """\
table ip proxy-{port} {{
	chain in {{
		type nat hook prerouting priority dstnat
		ip daddr {address} tcp dport {port} dnat to {backend}:{target}
	}}
	chain out {{
		type nat hook postrouting priority srcnat
		ip saddr {backend} ip daddr {backend} masquerade
	}}
}}
"""
_libc = ctypes.CDLL(None, use_errno=True)


def run(*command: str, stdin: str | None = None) -> str:
    done = subprocess.run(command, input=stdin, text=True, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


@contextmanager
def entered(network: Path) -> Iterator[None]:
    """Run the calling thread in the network namespace that a file names, for a moment."""
    with Path("/proc/thread-self/ns/net").open("rb") as home, network.open("rb") as target:
        _setns(target.fileno())
        try:
            yield
        finally:
            _setns(home.fileno())


def inside(namespace: str) -> AbstractContextManager[None]:
    """Enter a namespace by its name."""
    return entered(Path("/run/netns") / namespace)


def _setns(descriptor: int) -> None:
    if _libc.setns(descriptor, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


@dataclass
class Lab:
    """One node ``<prefix>-node``, one neighbour outside, and pods as they are asked for."""

    prefix: str = field(default_factory=lambda: f"np{secrets.token_hex(3)}")
    snapshot: Snapshot = field(
        default_factory=lambda: Snapshot(cluster=("10.244.0.0/24",), namespaces={"default": {}})
    )
    _names: list[str] = field(default_factory=list)

    @property
    def node(self) -> str:
        return f"{self.prefix}-node"

    def __enter__(self) -> Self:
        self._namespace("node")
        self.on_node("ip", "link", "add", "cni0", "type", "bridge")
        self.on_node("ip", "addr", "add", f"{GATEWAY}/24", "dev", "cni0")
        self.on_node("ip", "addr", "add", f"{NODE}/32", "dev", "lo")
        self.on_node("ip", "link", "set", "cni0", "up")
        for name in ("ipv4/ip_forward", *BRIDGE_SETTINGS):
            self._sysctl(f"net/{name}")
        self._namespace("outside")
        self._wire("outside", "uplink", f"{OUTSIDE}/24", "203.0.113.1")
        self.on_node("ip", "addr", "add", "203.0.113.1/24", "dev", "uplink")
        return self

    def __exit__(self, *_: object) -> None:
        for name in reversed(self._names):
            run("ip", "netns", "del", name)

    def pod(
        self,
        name: str,
        labels: dict[str, str] | None = None,
        ports: tuple[ContainerPort, ...] = (),
        *,
        known: bool = True,
    ) -> Pod:
        """Wire a pod; with ``known`` the filter learns of it, as after the CNI plugin's ADD."""
        address = f"10.244.0.{len(self._names)}"
        self._namespace(name)
        link = f"veth-{name}"
        self._wire(name, link, f"{address}/24", GATEWAY)
        self.on_node("ip", "link", "set", link, "master", "cni0")
        self.on_node("ip", "link", "set", link, "type", "bridge_slave", "hairpin", "on")
        pod = Pod("default", name, f"uid-{name}", address, labels or {"app": name}, ports)
        if known:
            self.learn(pod)
        return pod

    def learn(self, pod: Pod) -> None:
        old = self.snapshot
        links = {**old.links, f"veth-{pod.name}": pod.address}
        self.snapshot = replace(old, pods=(*old.pods, pod), links=links)
        self.apply()

    def policies(self, *policies: Policy) -> None:
        """Replace all policies and put them in force."""
        self.snapshot = replace(self.snapshot, policies=policies)
        self.apply()

    def apply(self) -> None:
        self.on_node("nft", "-f", "-", stdin=render(compile_snapshot(self.snapshot)))

    def service(self, address: str, port: int, backend: str, target: int) -> None:
        """Do what kube-proxy does for a Service with one backend."""
        self.on_node("nft", "-f", "-", stdin=_PROXY.format_map(locals()))

    def on_node(self, *command: str, stdin: str | None = None) -> str:
        return run("nsenter", f"--net=/run/netns/{self.node}", *command, stdin=stdin)

    def socket(
        self, where: str, kind: int, protocol: int = 0, family: int = socket.AF_INET
    ) -> socket.socket:
        """Make a socket in the namespace of a pod, ``node`` or ``outside``."""
        with inside(f"{self.prefix}-{where}"):
            made = socket.socket(family, kind, protocol)
        made.settimeout(SILENCE)
        return made

    def _namespace(self, name: str) -> None:
        run("ip", "netns", "add", f"{self.prefix}-{name}")
        self._names.append(f"{self.prefix}-{name}")
        run("ip", "-n", f"{self.prefix}-{name}", "link", "set", "lo", "up")

    def _wire(self, name: str, far: str, address: str, gateway: str) -> None:
        space = f"{self.prefix}-{name}"
        link = ("link", "add", "eth0", "type", "veth", "peer", far, "netns", self.node)
        run("ip", "-n", space, *link)
        run("ip", "-n", space, "addr", "add", address, "dev", "eth0")
        run("ip", "-n", space, "link", "set", "eth0", "up")
        run("ip", "-n", space, "route", "add", "default", "via", gateway)
        self.on_node("ip", "link", "set", far, "up")

    def _sysctl(self, name: str) -> None:
        with inside(self.node):
            Path(f"/proc/sys/{name}").write_text("1", encoding="ascii")
