"""The programs that the enclave is made of: which Go module, which version, which build flags."""

from collections.abc import Iterator
from dataclasses import dataclass, field

KUBERNETES = "1.37.2"


@dataclass(frozen=True)
class Binary:
    """One program of a family.

    Attributes:
        name: File name of the program.
        package: Go import path to build.
        test: Whether the program is the package's test binary (`go test -c`).
    """

    name: str
    package: str
    test: bool = False


@dataclass(frozen=True)
class Family:
    """Programs that share one `hack/parts/<name>/go.mod`, so that versions agree inside it only.

    Attributes:
        name: Folder below `hack/parts`.
        version: Version that the programs report; part of the cache key.
        binaries: What to build, in this order.
        tags: Go build tags.
        variables: String variables set at link time.
    """

    name: str
    version: str
    binaries: tuple[Binary, ...]
    tags: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)

    def flags(self) -> list[str]:
        """Return the build flags of every binary in the family."""
        variables = "".join(f" -X {name}={value}" for name, value in self.variables.items())
        flags = ["-trimpath", f"-ldflags=-s -w{variables}"]
        return [*flags, f"-tags={','.join(self.tags)}"] if self.tags else flags


def _kubernetes_variables() -> dict[str, str]:
    # Clients read these to decide what the server can do; unset they say v0.0.0.
    major, minor, _ = KUBERNETES.split(".")
    values = {"gitVersion": f"v{KUBERNETES}", "gitMajor": major, "gitMinor": minor}
    return {f"k8s.io/component-base/version.{key}": value for key, value in values.items()}


def _commands(prefix: str, *names: str) -> tuple[Binary, ...]:
    return tuple(Binary(name, f"{prefix}/{name}") for name in names)


_CONTAINERD = "github.com/containerd/containerd/v2"

FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        Family("etcd", "3.7.3", (Binary("etcd", "go.etcd.io/etcd/server/v3"),)),
        Family(
            "kubernetes",
            KUBERNETES,
            _commands(
                "k8s.io/kubernetes/cmd",
                "kube-apiserver",
                "kubectl",
                "kube-controller-manager",
                "kube-scheduler",
                "kubelet",
                "kube-proxy",
            ),
            variables=_kubernetes_variables(),
        ),
        Family(
            "containerd",
            "2.4.2",
            _commands(f"{_CONTAINERD}/cmd", "containerd", "containerd-shim-runc-v2", "ctr"),
            tags=("no_btrfs", "no_devmapper", "no_zfs", "no_aufs"),
            variables={f"{_CONTAINERD}/version.Version": "v2.4.2"},
        ),
        Family(
            "conformance",
            KUBERNETES,
            (
                Binary("e2e.test", "k8s.io/kubernetes/test/e2e", test=True),
                Binary("agnhost", "k8s.io/kubernetes/test/images/agnhost"),
            ),
            variables=_kubernetes_variables(),
        ),
        Family("coredns", "1.15.0", (Binary("coredns", "."),)),
        Family("pause", "1", (Binary("pause", "."),)),
        Family("kind", "0.33.0", (Binary("kind", "sigs.k8s.io/kind"),)),
        Family(
            "helm",
            "3.22.0",
            (Binary("helm", "helm.sh/helm/v3/cmd/helm"),),
            variables={"helm.sh/helm/v3/internal/version.version": "v3.22.0"},
        ),
    )
}


def all_binaries() -> Iterator[tuple[Family, Binary]]:
    """Yield every program together with its family."""
    for family in FAMILIES.values():
        for binary in family.binaries:
            yield family, binary
