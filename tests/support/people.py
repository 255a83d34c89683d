"""People who try something against an enclave, with kubectl and rights of their own."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from demo.cluster import Cluster
from enclave import parts

_GROUP = "rbac.authorization.k8s.io"
_VERBS = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"]
_PATIENCE_SECONDS = 30


@dataclass(frozen=True)
class Person:
    """Somebody who calls the API server; `name` is the user."""

    cluster: Cluster
    name: str

    def __call__(self, *command: str, stdin: Any = None) -> str:
        """Why a command of kubectl is refused, or ""."""
        return self.run(*command, stdin=stdin)[1]

    def run(self, *command: str, stdin: Any = None) -> tuple[str, str]:
        """What a command printed, and why it was refused or ""."""
        kubectl = [str(parts.path_of("kubectl")), f"--kubeconfig={self.cluster.kubeconfig}"]
        user = [f"--as={self.name}", "--as-group=system:authenticated"]
        done = subprocess.run(
            [*kubectl, *user, *command],
            input=json.dumps(stdin) if stdin else "",
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE_SECONDS,
        )
        return done.stdout, done.stderr if done.returncode else ""

    def create(self, body: Any, *extra: str) -> str:
        """Why an object is refused, or ""; it is not made."""
        return self("create", "--dry-run=server", "--filename=-", *extra, stdin=body)


@contextmanager
def writer(cluster: Cluster, name: str, namespaces: Sequence[str] = ()) -> Iterator[Person]:
    """Somebody who may write everything, in some namespaces or in all of them.

    That is more than the ClusterRole `edit`, and has none of Casemate's own verbs.
    """
    everything = {"apiGroups": ["*"], "resources": ["*"], "verbs": _VERBS}
    role = _rbac("ClusterRole", name, rules=[everything])
    reference = {"apiGroup": _GROUP, "kind": "ClusterRole", "name": name}
    subject = {"apiGroup": _GROUP, "kind": "User", "name": name}
    bound: dict[str, Any] = {"roleRef": reference, "subjects": [subject]}
    bindings = [_rbac("RoleBinding", name, namespace=one, **bound) for one in namespaces]
    bindings = bindings or [_rbac("ClusterRoleBinding", name, **bound)]
    for body in (role, *bindings):
        cluster.kubectl("apply", "--filename=-", stdin=json.dumps(body))
    yield Person(cluster, name)
    for body in (*bindings, role):
        cluster.kubectl("delete", "--ignore-not-found", "--filename=-", stdin=json.dumps(body))


def _rbac(kind: str, name: str, namespace: str = "", **more: Any) -> dict[str, Any]:
    meta = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": f"{_GROUP}/v1", "kind": kind, "metadata": meta, **more}
