"""What we render is accepted word for word by a real API server, under Pod Security `restricted`.

The objects come straight from `render`: what is read back from a server has lost its mistakes.
"""

import json
from typing import Any

import pytest

from api.crd.cluster import Kubectl
from casemate.api.agreement import UsageAgreementSpec
from casemate.api.v1alpha1 import ModelDeploymentSpec
from casemate.controller.bundle import SHIPPED
from casemate.core.observed import Observed, Settings
from casemate.core.permission import Permission
from casemate.core.render import render
from enclave.controlplane import ControlPlane
from support.operators import GATEWAY_IMAGE, ISOLATION, Api, model_deployment
from support.terms import AGREEMENT_SPEC

Json = dict[str, Any]

IMAGE = f"registry.enclave.local/engines/e@sha256:{'0' * 64}"
CLAIM = {"claim": {"name": "weights", "path": "smol/model.gguf"}}
MODEL = {"name": "m", "supplier": "maker", "source": CLAIM}
FULL_ENGINE = {
    "image": IMAGE,
    "command": ["/bin/engine"],
    "args": ["--model=$(CASEMATE_MODEL_PATH)"],
    "env": [{"name": "A", "value": "1"}, {"name": "EMPTY"}],
    "resources": {"requests": {"cpu": "1500m", "memory": "1Gi"}, "limits": {"memory": "2Gi"}},
    "port": 8000,
}
FULL_ACCESS = {
    "clients": [
        {"podSelector": {"matchLabels": {"app": "client"}}},
        {
            "namespaceSelector": {
                "matchExpressions": [{"key": "team", "operator": "In", "values": ["a", "b"]}]
            },
            "podSelector": {"matchExpressions": [{"key": "app", "operator": "Exists"}]},
        },
    ],
    "egress": [
        {"cidr": "10.20.0.0/24", "ports": [{"port": 443}]},
        {"cidr": "fd00:20::/48", "ports": [{"port": 514, "protocol": "UDP"}]},
        {"podSelector": {"matchLabels": {"app": "archive"}}, "ports": [{"port": 5432}]},
    ],
    "dns": True,
}
SPECS: dict[str, tuple[str, Json]] = {
    "the smallest": ("m", {"access": {}}),
    "everything set": (
        "m",
        {"model": MODEL, "engine": FULL_ENGINE, "access": FULL_ACCESS, "replicas": 3},
    ),
    "the longest name": ("m" * 52, {"replicas": 2}),
    "suspended": ("m", {"suspend": True, "replicas": 2}),
    "no replica": ("m", {"replicas": 0}),
}
APPLY = ("apply", "--server-side", "--dry-run=server", "--validate=strict", "--warnings-as-errors")


@pytest.fixture(scope="module")
def kubectl(plane: ControlPlane) -> Kubectl:
    return Kubectl(plane.kubeconfig)


@pytest.fixture
def closed(api: Api, namespace: str) -> str:
    """A namespace that enforces Pod Security, and warns of workloads that it would refuse."""
    levels = ("enforce", "warn")
    labels = {f"pod-security.kubernetes.io/{level}": "restricted" for level in levels}
    body = {"metadata": {"labels": labels}}
    target = f"/api/v1/namespaces/{namespace}"
    api.client.request("PATCH", target, body, "application/merge-patch+json")
    return namespace


def _rendered(namespace: str, name: str, changed: Json) -> list[Json]:
    body = model_deployment(name, namespace, **changed)
    body["metadata"] |= {"uid": "00000000-0000-0000-0000-000000000001", "generation": 1}
    observed = Observed(name, namespace, body)
    settings = Settings(GATEWAY_IMAGE, ISOLATION, SHIPPED, image_pull_secrets=("pull",))
    spec = ModelDeploymentSpec.model_validate(body["spec"])
    terms = UsageAgreementSpec.model_validate(AGREEMENT_SPEC)
    permission = Permission((), spec.replicas, closed=False, until=None, agreement=terms)
    stages = render(observed, spec, settings, permission)
    return [one for stage in stages for one in stage.values()]


def _listed(objects: list[Json]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})


@pytest.mark.parametrize("variant", SPECS)
def test_every_object_is_accepted_strictly_and_without_a_warning(
    kubectl: Kubectl, closed: str, variant: str
) -> None:
    name, changed = SPECS[variant]
    objects = _rendered(closed, name, changed)

    said = kubectl.run(*APPLY, "-f", "-", stdin=_listed(objects))

    assert said.count("serverside-applied") == len(objects)


@pytest.mark.parametrize("variant", SPECS)
def test_a_pod_of_it_is_admitted_where_restricted_is_enforced(
    kubectl: Kubectl, closed: str, variant: str
) -> None:
    name, changed = SPECS[variant]
    pod = _pod(_rendered(closed, name, changed), closed)

    kubectl.run(*APPLY, "-f", "-", stdin=json.dumps(pod))

    pod["spec"]["hostNetwork"] = True
    refused = kubectl.attempt(*APPLY, "-f", "-", stdin=json.dumps(pod))
    assert refused.returncode != 0, "control: nothing is enforced here"
    assert "violates PodSecurity" in refused.stderr


def _pod(objects: list[Json], namespace: str) -> Json:
    template = next(one for one in objects if one["kind"] == "Deployment")["spec"]["template"]
    meta = {**template["metadata"], "name": "p", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": template["spec"]}


@pytest.mark.parametrize("kind", ["Deployment", "Service", "NetworkPolicy", "ServiceAccount"])
def test_an_unknown_field_would_be_refused(kubectl: Kubectl, closed: str, kind: str) -> None:
    child = next(one for one in _rendered(closed, "m", {}) if one["kind"] == kind)
    kubectl.run(*APPLY, "-f", "-", stdin=json.dumps(child))
    child["metadata"]["labelz"] = {}

    refused = kubectl.attempt(*APPLY, "-f", "-", stdin=json.dumps(child))

    assert refused.returncode != 0
    assert "labelz" in refused.stderr
