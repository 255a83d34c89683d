"""The programs of the node provider and their configuration."""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from enclave import cni, containerd, parts, paths, servers
from enclave.daemons import Daemon
from enclave.layout import DNS_SERVICE_IP, POD_RANGE, REGISTRY_PORT, Layout
from enclave.servers import Credentials

API_PORT = 6443
ETCD_PORT, PEER_PORT = 2379, 2380


def credentials(layout: Layout) -> Credentials:
    """Return the keys of the enclave's control plane."""
    ends = servers.Endpoints(layout.node_address, API_PORT, ETCD_PORT, PEER_PORT)
    return Credentials(layout.state / "pki", ends)


class Programs:
    """Makes each program's configuration when, and only when, it is about to be started."""

    def __init__(
        self, layout: Layout, *, network_policy: bool, api_flags: Sequence[str] = ()
    ) -> None:
        self._layout = layout
        self._api_flags = api_flags
        self._network_policy = network_policy
        self._credentials = credentials(layout)

    def first(self) -> dict[str, Callable[[], Daemon]]:
        """Return what needs no API server, by name."""
        return {
            "outside": lambda: _module("enclave.outside", "outside"),
            "registry": self._registry,
            "containerd": lambda: containerd.daemon(self._layout),
            "etcd": lambda: servers.etcd(self._layout.state / "etcd", self._credentials),
            "kube-apiserver": self._api_server,
        }

    def second(self) -> dict[str, Callable[[], Daemon]]:
        """Return what talks to the API server, by name."""
        programs = {
            "kube-controller-manager": self._controller_manager,
            "kube-scheduler": self._scheduler,
            "kube-proxy": self._proxy,
            "storage": self._storage,
            "discovery": self._discovery,
        }
        if self._network_policy:
            programs["netpol"] = self._netpol
        # Last, so that the first pod finds its network and its enforcer.
        return {**programs, "kubelet": self._kubelet}

    def admin(self) -> Path:
        """Write the administrator's kubeconfig, unless there is one, and return its path."""
        path = self._layout.kubeconfig
        if path.is_file():
            return path
        return self._credentials.kubeconfig(path, "admin", [servers.ADMIN_GROUP])

    def _client(self, name: str, user: str, *groups: str) -> Path:
        path = self._layout.state / "config" / f"{name}.kubeconfig"
        return self._credentials.kubeconfig(path, user, groups)

    def _config(self, name: str, document: dict[str, Any]) -> Path:
        path = self._layout.state / "config" / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, indent=1))
        return path

    def _api_server(self) -> Daemon:
        config = self._layout.state / "config" / "admission.json"
        static = servers.static_admission_flags(config)
        # A flag of the caller's comes after ours, and counts.
        return servers.api_server(self._credentials, [*static, *self._api_flags])

    def _registry(self) -> Daemon:
        document = {
            "version": "0.1",
            "log": {"level": "warn"},
            "storage": {"filesystem": {"rootdirectory": str(paths.cache() / "registry")}},
            "http": {"addr": f"{self._layout.node_address}:{REGISTRY_PORT}"},
        }
        config = self._config("registry", document)
        command = ["docker-registry", "serve", str(config)]
        return Daemon("registry", command, {"OTEL_TRACES_EXPORTER": "none"})

    def _controller_manager(self) -> Daemon:
        client = self._client("kube-controller-manager", "system:kube-controller-manager")
        folder = self._credentials.folder
        command: list[str | Path] = [
            parts.path_of("kube-controller-manager"),
            f"--kubeconfig={client}",
            f"--authentication-kubeconfig={client}",
            f"--authorization-kubeconfig={client}",
            "--bind-address=127.0.0.1",
            f"--root-ca-file={folder / 'ca.crt'}",
            f"--service-account-private-key-file={self._credentials.service_account_key}",
            f"--cluster-signing-cert-file={folder / 'ca.crt'}",
            f"--cluster-signing-key-file={folder / 'ca.key'}",
            "--use-service-account-credentials",
            "--leader-elect=false",
        ]
        return Daemon("kube-controller-manager", command)

    def _scheduler(self) -> Daemon:
        client = self._client("kube-scheduler", "system:kube-scheduler")
        command: list[str | Path] = [
            parts.path_of("kube-scheduler"),
            f"--kubeconfig={client}",
            f"--authentication-kubeconfig={client}",
            f"--authorization-kubeconfig={client}",
            "--bind-address=127.0.0.1",
            "--leader-elect=false",
        ]
        return Daemon("kube-scheduler", command)

    def _proxy(self) -> Daemon:
        client = self._client("kube-proxy", "system:kube-proxy")
        # Zero means: leave the kernel's connection tracking limits as they are.
        conntrack = {"maxPerCore": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"}
        document = {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "mode": "nftables",
            "clusterCIDR": POD_RANGE,
            "clientConnection": {"kubeconfig": str(client)},
            "conntrack": conntrack,
            "hostnameOverride": self._layout.name,
            "metricsBindAddress": "127.0.0.1:10249",
        }
        config = self._config("kube-proxy", document)
        return Daemon("kube-proxy", [parts.path_of("kube-proxy"), f"--config={config}"])

    def _storage(self) -> Daemon:
        client = self._client("storage", "casemate:storage")
        volumes = self._layout.state / "volumes"
        volumes.mkdir(parents=True, exist_ok=True)
        return _module("enclave.storage", "storage", f"--kubeconfig={client}", f"--root={volumes}")

    def _discovery(self) -> Daemon:
        client = self._client("discovery", "casemate:discovery")
        arguments = [f"--kubeconfig={client}", f"--address={self._layout.node_address}"]
        return _module("enclave.discovery", "discovery", *arguments)

    def _netpol(self) -> Daemon:
        client = self._client("netpol", "casemate:netpol")
        arguments = [f"--kubeconfig={client}", f"--socket={self._layout.netpol_socket}"]
        return _module("enclave.netpol", "netpol", *arguments, f"--pod-cidr={POD_RANGE}")

    def _kubelet(self) -> Daemon:
        name = self._layout.name
        cni.install(self._layout)
        client = self._client("kubelet", f"system:node:{name}", "system:nodes")
        serving = self._credentials.authority.issue(name, hosts=(name, self._layout.node_address))
        certificate, key = serving.write(self._credentials.folder, "kubelet")
        folder = self._layout.state / "kubelet"
        document = {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": self._layout.node_address,
            "tlsCertFile": str(certificate),
            "tlsPrivateKeyFile": str(key),
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": str(self._credentials.folder / "ca.crt")},
            },
            "authorization": {"mode": "Webhook"},
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{self._layout.cgroup}",
            "failCgroupV1": False,
            "failSwapOn": False,
            "clusterDNS": [DNS_SERVICE_IP],
            "clusterDomain": "cluster.local",
            "resolvConf": "",  # the node has no resolver to hand on
            "containerRuntimeEndpoint": f"unix://{self._layout.containerd_socket}",
            "imageGCHighThresholdPercent": 100,
            "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%"},
            "podLogsDir": str(self._layout.state / "pod-logs"),
            "volumePluginDir": str(folder / "volume-plugins"),
            "healthzPort": 0,
            "nodeStatusUpdateFrequency": "2s",
            "registerNode": True,
            "serializeImagePulls": False,
        }
        command: list[str | Path] = [
            parts.path_of("kubelet"),
            f"--config={self._config('kubelet', document)}",
            f"--kubeconfig={client}",
            f"--root-dir={folder}",
            f"--cert-dir={folder / 'pki'}",
            f"--hostname-override={name}",
            f"--node-ip={self._layout.node_address}",
        ]
        return Daemon("kubelet", command)


def _module(module: str, name: str, *arguments: str) -> Daemon:
    """Return a program of our own, run by this Python from this checkout."""
    environment = {"PYTHONPATH": str(paths.REPOSITORY / "hack"), "PYTHONUNBUFFERED": "1"}
    return Daemon(name, [sys.executable, "-m", module, *arguments], environment)
