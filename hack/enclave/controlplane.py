"""An API server on its own, for tests and benchmarks: etcd and kube-apiserver on loopback.

There is no controller and no node: namespaces are never finalized, pods never run, and service
accounts appear only when a test makes them.
"""

import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

from enclave import daemons, parts, servers
from enclave.daemons import Daemon, Process
from enclave.errors import EnclaveError
from enclave.kubeapi import KubeApi

_READY_SECONDS = 60.0
_POLL_SECONDS = 1.0
_ALONE = (
    # No controller makes service accounts here, so pods must be creatable without one.
    "--disable-admission-plugins=ServiceAccount",
    # A loopback address cannot be an endpoint of the `kubernetes` Service; nobody asks for it.
    "--endpoint-reconciler-type=none",
)
# If the test run is killed, its servers end with it.
_TIED = ("setpriv", "--pdeathsig", "KILL", "--")


def free_ports(count: int) -> list[int]:
    """Return loopback ports that are free now, all different."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


class ControlPlane:
    """A running API server; a context manager.

    Attributes:
        url: Address of the API server.
        kubeconfig: File with administrator credentials.
        audit_log: File with one JSON line per request, or None.
    """

    def __init__(
        self, workdir: Path, *, audit_log: Path | None = None, extra_args: Sequence[str] = ()
    ) -> None:
        """Prepare, but do not start.

        Args:
            workdir: Folder for data, keys and logs; best an empty one.
            audit_log: Where to write the audit log, if anywhere.
            extra_args: Further flags for kube-apiserver.
        """
        api, etcd, peer = free_ports(3)
        self._workdir = workdir
        self._extra = list(extra_args)
        self._credentials = servers.Credentials(
            workdir / "pki", servers.Endpoints("127.0.0.1", api, etcd, peer)
        )
        self._running: list[Process] = []
        self.audit_log = audit_log
        self.url = self._credentials.endpoints.url
        self.kubeconfig = self.client_config_for("admin", [servers.ADMIN_GROUP])

    def client_config_for(self, user: str, groups: Sequence[str] = ()) -> Path:
        """Return a kubeconfig file that authenticates as a user in groups."""
        name = user.replace("/", "_").replace(":", "_")
        return self._credentials.kubeconfig(self._workdir / f"{name}.kubeconfig", user, groups)

    def pid(self, name: str) -> int:
        """Return the process id of `etcd` or `kube-apiserver`."""
        return self._running[("etcd", "kube-apiserver").index(name)].pid

    def __enter__(self) -> Self:
        """Start both servers and wait until the API answers that it is ready."""
        parts.ensure(["etcd", "kubernetes"])
        try:
            data = self._workdir / "etcd"
            self._start(servers.etcd(data, self._credentials))
            self._start(self._api_server())
            self._wait()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop both servers."""
        self.stop()

    def stop(self) -> None:
        """Stop what runs, the API server first; harmless when nothing does."""
        while self._running:
            self._running.pop().stop()

    def restart_api_server(self) -> None:
        """Stop the API server and start it again over the same data, on the same port."""
        with self.api_server_down():
            pass

    @contextmanager
    def api_server_down(self) -> Iterator[None]:
        """Stop the API server; it starts again at the end, over the same data, on the same port."""
        self._running.pop().stop()
        yield
        self._start(self._api_server())
        self._wait()

    def _api_server(self) -> Daemon:
        static = servers.static_admission_flags(self._workdir / "admission.json")
        flags = [*_ALONE, *static, *self._extra]
        if self.audit_log:
            flags += servers.audit_flags(self.audit_log, self._workdir / "audit-policy.json")
        return servers.api_server(self._credentials, flags)

    def _log(self, name: str) -> Path:
        return self._workdir / "logs" / f"{name}.log"

    def _start(self, daemon: Daemon) -> None:
        self._running.append(daemons.spawn(daemon, self._log(daemon.name), prefix=_TIED))

    def _wait(self) -> None:
        api = KubeApi.load(self.kubeconfig)
        for _ in range(int(_READY_SECONDS / _POLL_SECONDS)):
            for process, name in zip(self._running, ("etcd", "kube-apiserver"), strict=True):
                daemons.check_alive(process, name, self._log(name))
            try:
                api.wait_ready(_POLL_SECONDS)
            except EnclaveError as error:
                last = error
            else:
                return
        raise EnclaveError(f"{last}; {daemons.log_tail(self._log('kube-apiserver'))}")
