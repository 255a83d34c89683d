"""What these tests do with an API server, through the two clients that users have."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from kubernetes import client
from kubernetes.config import new_client_from_config

from casemate.api.crd import DEFINITIONS
from enclave import parts

Json = dict[str, Any]


@dataclass(frozen=True)
class Kubectl:
    """kubectl as administrator."""

    kubeconfig: Path

    def run(self, *arguments: str, stdin: str = "") -> str:
        """Return what kubectl prints; fail with its error if it fails."""
        done = self.attempt(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def attempt(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Return the finished kubectl, whatever came of it."""
        command = [str(parts.path_of("kubectl")), f"--kubeconfig={self.kubeconfig}", *arguments]
        return subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=60, check=False
        )


@dataclass(frozen=True)
class Cluster:
    """The official client in one namespace."""

    objects: client.CustomObjectsApi
    namespace: str

    @classmethod
    @contextmanager
    def connect(cls, kubeconfig: Path, namespace: str) -> Iterator[Self]:
        """Make the namespace and hold a connection."""
        with new_client_from_config(str(kubeconfig)) as connection:
            client.CoreV1Api(connection).create_namespace({"metadata": {"name": namespace}})
            yield cls(client.CustomObjectsApi(connection), namespace)

    def _target(self, kind: str = "ModelDeployment") -> Json:
        (definition,) = (one for one in DEFINITIONS if one.kind == kind)
        place = {"namespace": self.namespace} if definition.namespaced else {}
        return {
            "group": "casemate.dev",
            "version": "v1alpha1",
            "plural": definition.plural,
            **place,
        }

    def create(self, name: str, spec: Json, kind: str = "ModelDeployment", **options: str) -> Json:
        """Create an object under strict field validation; return it as stored."""
        body = {
            "apiVersion": "casemate.dev/v1alpha1",
            "kind": kind,
            "metadata": {"name": name},
            "spec": spec,
        }
        target = self._target(kind)
        create = self.objects.create_cluster_custom_object
        if "namespace" in target:
            create = self.objects.create_namespaced_custom_object
        stored: Json = create(**target, body=body, field_validation="Strict", **options)
        return stored

    def refusal(self, name: str, spec: Json, kind: str = "ModelDeployment") -> str:
        """Return the message with which an object is refused, or "" if it is accepted."""
        try:
            self.create(name, spec, kind, dry_run="All")
        except client.ApiException as error:
            if error.status not in {400, 422}:
                raise
            return str(json.loads(error.body)["message"])
        return ""

    def write_status(self, name: str, status: Json) -> Json:
        """Merge into the status as an operator would; return the object."""
        written: Json = self.objects.patch_namespaced_custom_object_status(
            **self._target(), name=name, body={"status": status}
        )
        return written

    def listed(self, **selection: str) -> list[str]:
        """Return the names that a list request gives."""
        answer = self.objects.list_namespaced_custom_object(**self._target(), **selection)
        return [item["metadata"]["name"] for item in answer["items"]]
