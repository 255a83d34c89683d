"""A fresh control plane with the CRD, namespaces and rights, and ModelDeployments to put in."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from operator_watch import Place

from casemate.api.v1alpha1 import API_VERSION, KIND, ModelDeploymentSpec
from casemate.cluster.kinds import MODEL_DEPLOYMENT, SUPPLIER, USAGE_AGREEMENT
from casemate.controller.bundle import SHIPPED
from casemate.core.observed import Isolation, Observed, Replica, Settings
from casemate.core.permission import Permission
from casemate.core.render import render
from enclave.controlplane import ControlPlane
from enclave.kubeapi import ApiError, KubeApi

ROOT = Path(__file__).parents[1]
SYSTEM = "casemate-system"
WARDENS = (Replica("casemate-warden-0", "10.96.7.7"), Replica("casemate-warden-1", "10.96.7.8"))
ISOLATION = Isolation(WARDENS, SYSTEM)
NAMESPACES = tuple(f"team-{number}" for number in range(5))
GATEWAY_IMAGE = f"registry.enclave.local/casemate/casemate@sha256:{'a' * 64}"
_RBAC = "/apis/rbac.authorization.k8s.io/v1"

SPEC: dict[str, Any] = {
    "model": {
        "name": "smollm2",
        "supplier": "huggingface",
        "source": {
            "oci": {
                "image": f"registry.enclave.local/models/smollm2@sha256:{'b' * 64}",
                "path": "model.gguf",
            }
        },
    },
    "engine": {
        "image": f"registry.enclave.local/casemate/engine-xllamacpp@sha256:{'c' * 64}",
        "env": [{"name": "ENGINE_CONTEXT", "value": "2048"}],
        "resources": {
            "requests": {"cpu": "250m", "memory": "384Mi"},
            "limits": {"cpu": "2", "memory": "1Gi"},
        },
    },
    "agreementRef": {"name": "logistics-2026"},
    "use": "logistics-optimization",
    "owner": {"name": "Logistics planning office", "contact": "planning@logistics.example"},
    "access": {
        "clients": [
            {
                "namespaceSelector": {
                    "matchLabels": {"kubernetes.io/metadata.name": "casemate-clients"}
                },
                "podSelector": {"matchLabels": {"app.kubernetes.io/name": "analyst"}},
            }
        ]
    },
}


def deployment(name: str, namespace: str) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": name, "namespace": namespace},
        "spec": SPEC,
    }


def places(name: str, namespace: str) -> list[Place]:
    """The children that a ModelDeployment must get."""
    body = {"metadata": {"uid": "unknown", "generation": 1}, "spec": SPEC}
    observed = Observed(name=name, namespace=namespace, body=body)
    spec = ModelDeploymentSpec.model_validate(SPEC)
    permission = Permission((), spec.replicas, closed=False, until=None, agreement=None)
    stages = render(
        observed,
        spec,
        Settings(GATEWAY_IMAGE, ISOLATION, SHIPPED),
        permission,
    )
    return [Place(ref.kind, namespace, ref.name) for stage in stages for ref in stage]


@contextlib.contextmanager
def world(workdir: Path) -> Iterator[ControlPlane]:
    """A control plane where ModelDeployments may be made."""
    with ControlPlane(workdir, audit_log=workdir / "audit.jsonl") as plane:
        api = KubeApi.load(plane.kubeconfig)
        for file in sorted((ROOT / "crds").glob("*.yaml")):
            crd = yaml.safe_load(file.read_text())
            name = crd["metadata"]["name"]
            api.apply(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}", crd)
        for name in (SYSTEM, *NAMESPACES):
            meta = {"name": name, "labels": {"casemate.dev/enclave": "true"}}
            body = {"apiVersion": "v1", "kind": "Namespace", "metadata": meta}
            api.apply(f"/api/v1/namespaces/{name}", body)
        ports = [{"name": "https", "port": 8444}]
        for one in WARDENS:
            spec = {"clusterIP": one.address, "ports": ports}
            meta = {"name": one.name}
            body = {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}
            api.apply(f"/api/v1/namespaces/{SYSTEM}/services/{one.name}", body)
        _grant(api)
        _wait_served(api)
        _agree(api)
        yield plane


def _grant(api: KubeApi) -> None:
    """Give the operator's account what the chart gives it, and no more."""
    text = (ROOT / "charts/casemate/templates/rbac.yaml").read_text()
    kept = (line for line in text.splitlines() if "casemate.labels" not in line)
    text = "\n".join(kept).replace("{{ .Release.Namespace }}", SYSTEM)
    for body in yaml.safe_load_all(text):
        meta = body["metadata"]
        inside = f"/namespaces/{meta['namespace']}" if "namespace" in meta else ""
        api.apply(f"{_RBAC}{inside}/{body['kind'].lower()}s/{meta['name']}", body)


def _agree(api: KubeApi) -> None:
    """Make the example's terms, with room for every object of a bench."""
    for body in yaml.safe_load_all((ROOT / "examples/15-terms.yaml").read_text()):
        if body["kind"] == USAGE_AGREEMENT.kind:
            body["spec"]["capacity"] = {"maxReplicas": 100_000}
        kind = USAGE_AGREEMENT if body["kind"] == USAGE_AGREEMENT.kind else SUPPLIER
        api.request("POST", kind.path(), body)


def _wait_served(api: KubeApi) -> None:
    """Wait until objects can be made: the API server takes a moment to serve a new CRD."""
    deadline = time.monotonic() + 30
    while True:
        try:
            for kind in (MODEL_DEPLOYMENT, USAGE_AGREEMENT, SUPPLIER):
                api.request("GET", kind.path())
        except ApiError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return
