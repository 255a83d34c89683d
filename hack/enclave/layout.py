"""Names, addresses and folders of one enclave; nothing here touches the machine."""

import re
from dataclasses import dataclass
from pathlib import Path

from enclave import paths
from enclave.errors import EnclaveError

POD_RANGE = "10.244.0.0/16"
POD_SUBNET = "10.244.0.0/24"
DNS_SERVICE_IP = "10.96.0.10"
REGISTRY_NAME = "registry.enclave.local"
OUTSIDE_ADDRESS = "203.0.113.10"
OUTSIDE_GATEWAY = "203.0.113.1"
METRICS_PORT = 9090
REGISTRY_PORT = 5000
SLOTS = 64
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")


def checked_name(name: str) -> str:
    """Return the name if it can name a namespace, a folder and a node.

    Raises:
        EnclaveError: It cannot.
    """
    if not _NAME.fullmatch(name):
        raise EnclaveError(
            f"enclave name {name!r} is not accepted: use up to 32 lower-case letters, digits and"
            " dashes, starting and ending with a letter or digit"
        )
    return name


@dataclass(frozen=True)
class Layout:
    """Where everything of an enclave is.

    Attributes:
        name: Name of the enclave, of its node and of its network namespace.
        slot: Number that keeps the host link's addresses apart between enclaves.
    """

    name: str
    slot: int

    @property
    def state(self) -> Path:
        """Folder that `down` removes."""
        return paths.STATE_ROOT / self.name

    @property
    def run(self) -> Path:
        """Folder of sockets, with a short name since socket paths are limited to 107 bytes."""
        return paths.RUN_ROOT / self.name

    @property
    def kubeconfig(self) -> Path:
        """Administrator credentials."""
        return self.state / "kubeconfig"

    @property
    def outside(self) -> str:
        """Network namespace that plays the rest of the world."""
        return f"{self.name}-outside"

    @property
    def host_link(self) -> str:
        """The host's end of the link to the node."""
        return f"casemate{self.slot}"

    @property
    def host_address(self) -> str:
        """The host's address on that link."""
        return f"10.89.{self.slot}.1"

    @property
    def node_address(self) -> str:
        """The node's address."""
        return f"10.89.{self.slot}.2"

    @property
    def registry(self) -> str:
        """Where the registry listens, as HOST:PORT."""
        return f"{self.node_address}:{REGISTRY_PORT}"

    @property
    def containerd_socket(self) -> Path:
        """Where containerd listens."""
        return self.run / "containerd.sock"

    @property
    def netpol_socket(self) -> Path:
        """Where the NetworkPolicy enforcer hears of new pods."""
        return self.run / "netpol.sock"

    @property
    def netpol_off(self) -> Path:
        """File whose presence says that NetworkPolicy is switched off on purpose."""
        return self.run / "netpol.off"

    @property
    def cgroup(self) -> str:
        """Root of all the enclave's cgroups, below each hierarchy."""
        return f"casemate-enclave/{self.name}"

    def namespace_path(self, namespace: str) -> Path:
        """Return the file that holds a network namespace open."""
        return Path("/run/netns") / namespace

    def log(self, name: str) -> Path:
        """Return the log file of a program."""
        return self.state / "logs" / f"{name}.log"

    def pid_file(self, name: str) -> Path:
        """Return the file that says which process runs a program."""
        return self.state / "pids" / name
