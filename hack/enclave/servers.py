"""How etcd and the API server are run, on a node and on loopback alike."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from enclave import parts, paths, pki
from enclave.daemons import Daemon

ISSUER = "https://kubernetes.default.svc.cluster.local"
SERVICE_RANGE = "10.96.0.0/16"
API_SERVICE_IP = "10.96.0.1"
ADMIN_GROUP = "system:masters"
_API_HOSTS = (
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
    "127.0.0.1",
    API_SERVICE_IP,
)


@dataclass(frozen=True)
class Endpoints:
    """Addresses of the two servers.

    Attributes:
        address: IP address on which the API server listens.
        api: Port of the API server.
        etcd: Client port of etcd, on loopback.
        peer: Peer port of etcd, on loopback.
    """

    address: str
    api: int
    etcd: int
    peer: int

    @property
    def url(self) -> str:
        """Address of the API server."""
        return f"https://{self.address}:{self.api}"


class Credentials:
    """The keys and certificates of one control plane, kept in a folder."""

    def __init__(self, folder: Path, endpoints: Endpoints) -> None:
        self.folder = folder
        self.endpoints = endpoints
        self.authority = pki.Authority.at(folder, "ca")
        # Apart from the cluster's, so that no cluster certificate opens etcd.
        self.etcd_authority = pki.Authority.at(folder, "etcd-ca")
        self.service_account_key = pki.service_account_key(folder / "service-account.key")

    def kubeconfig(self, path: Path, user: str, groups: Sequence[str] = ()) -> Path:
        """Write a kubeconfig for a user and groups, and return its path."""
        client = self.authority.issue(user, groups)
        return pki.kubeconfig(path, self.endpoints.url, self.authority, client)


def etcd(data: Path, credentials: Credentials) -> Daemon:
    """Return etcd with TLS on loopback.

    Args:
        data: Folder of its database.
        credentials: Where its certificate comes from.
    """
    ports = credentials.endpoints
    pair = credentials.etcd_authority.issue("etcd", hosts=("localhost", "127.0.0.1"))
    certificate, key = pair.write(credentials.folder, "etcd")
    authority = credentials.folder / "etcd-ca.crt"
    client, peer = f"https://127.0.0.1:{ports.etcd}", f"https://127.0.0.1:{ports.peer}"
    command: list[str | Path] = [
        parts.path_of("etcd"),
        "--name=enclave",
        f"--data-dir={data}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=enclave={peer}",
        "--log-level=warn",
        "--unsafe-no-fsync",  # a cluster that a power cut would end anyway need not wait for disks
    ]
    for kind in ("", "peer-"):
        command += [
            f"--{kind}client-cert-auth",
            f"--{kind}cert-file={certificate}",
            f"--{kind}key-file={key}",
            f"--{kind}trusted-ca-file={authority}",
        ]
    return Daemon("etcd", command)


def api_server(credentials: Credentials, extra: Sequence[str] = ()) -> Daemon:
    """Return the API server with RBAC, client certificates and service account tokens.

    Args:
        credentials: Its keys, and where it listens.
        extra: Further flags; a flag given twice counts as given last.
    """
    folder, ends = credentials.folder, credentials.endpoints
    serving = credentials.authority.issue("kube-apiserver", hosts=(*_API_HOSTS, ends.address))
    serving_certificate, serving_key = serving.write(folder, "kube-apiserver")
    kubelet = credentials.authority.issue("kube-apiserver-kubelet-client", (ADMIN_GROUP,))
    kubelet_certificate, kubelet_key = kubelet.write(folder, "kube-apiserver-kubelet-client")
    store = credentials.etcd_authority.issue("kube-apiserver")
    store_certificate, store_key = store.write(folder, "kube-apiserver-etcd-client")
    command: list[str | Path] = [
        parts.path_of("kube-apiserver"),
        f"--bind-address={ends.address}",
        f"--advertise-address={ends.address}",
        f"--secure-port={ends.api}",
        f"--tls-cert-file={serving_certificate}",
        f"--tls-private-key-file={serving_key}",
        f"--client-ca-file={folder / 'ca.crt'}",
        f"--etcd-servers=https://127.0.0.1:{ends.etcd}",
        f"--etcd-cafile={folder / 'etcd-ca.crt'}",
        f"--etcd-certfile={store_certificate}",
        f"--etcd-keyfile={store_key}",
        f"--kubelet-client-certificate={kubelet_certificate}",
        f"--kubelet-client-key={kubelet_key}",
        f"--kubelet-certificate-authority={folder / 'ca.crt'}",
        # The node has no DNS.
        "--kubelet-preferred-address-types=InternalIP,Hostname",
        f"--service-account-issuer={ISSUER}",
        f"--service-account-key-file={credentials.service_account_key}",
        f"--service-account-signing-key-file={credentials.service_account_key}",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        "--profiling=false",
    ]
    return Daemon("kube-apiserver", [*command, *extra])


def audit_flags(log: Path, policy: Path) -> list[str]:
    """Return the flags for an audit log: one JSON line per finished request, never dropped."""
    document = {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [{"level": "Metadata"}],
    }
    policy.write_text(json.dumps(document))
    return [
        f"--audit-policy-file={policy}",
        f"--audit-log-path={log}",
        "--audit-log-format=json",
        "--audit-log-mode=blocking",
        "--audit-log-maxsize=4096",
    ]


def static_admission_flags(config: Path) -> list[str]:
    """Return the flags for the policies that no API call removes, as the chart ships them.

    Args:
        config: Where to write the configuration of admission.
    """
    policies = {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyConfiguration",
        "staticManifestsDir": str(paths.STATIC_POLICIES),
    }
    document = {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AdmissionConfiguration",
        "plugins": [{"name": "ValidatingAdmissionPolicy", "configuration": policies}],
    }
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(json.dumps(document))
    return [f"--admission-control-config-file={config}"]
