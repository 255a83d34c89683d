"""Accounts, pods, tokens and rights, made by the administrator of a real API server."""

from typing import Any

from casemate.core.names import NAME_LABEL, TERMS_ANNOTATION, WARDEN
from support.operators import GATEWAY_SIDECAR, SYSTEM, Api

Json = dict[str, Any]
ADDRESS, OTHER = "10.244.0.7", "10.244.0.8"
RBAC = "rbac.authorization.k8s.io"


def account(api: Api, namespace: str, name: str) -> str:
    """Make an account; returns its username."""
    meta = {"name": name, "namespace": namespace}
    api.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})
    return f"system:serviceaccount:{namespace}:{name}"


def pod(
    api: Api, namespace: str, name: str, labels: Json | None = None, address: str = ADDRESS,
    *, terms: str = "",
) -> Json:  # fmt: skip
    """A model's pod with an address, as the kubelet would write it; `terms` is its mark."""
    meta = {"name": name, "namespace": namespace, "labels": labels or {NAME_LABEL: "m"}}
    meta["annotations"] = {TERMS_ANNOTATION: terms} if terms else {}
    spec = {
        "containers": [{"name": "c", "image": "c"}],
        "initContainers": [GATEWAY_SIDECAR],
        "serviceAccountName": "m-model",
    }
    return _placed(api, meta, spec, address)


def warden_pod(
    api: Api, name: str, address: str = ADDRESS, account: str = WARDEN, labels: Json | None = None
) -> Json:
    """A pod in the warden's namespace."""
    meta = {"name": name, "namespace": SYSTEM, "labels": labels or {"app": WARDEN}}
    spec = {"containers": [{"name": "c", "image": "c"}], "serviceAccountName": account}
    return _placed(api, meta, spec, address)


def _placed(api: Api, meta: Json, spec: Json, address: str) -> Json:
    namespace, name = meta["namespace"], meta["name"]
    made = api.create({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})
    status = {"status": {"podIP": address, "podIPs": [{"ip": address}]}}
    api.patch("Pod", namespace, name, status, "status")
    return made


def token(
    api: Api, namespace: str, bound: Json | None, audience: str = "casemate-warden",
    account: str = "m-model",
) -> str:  # fmt: skip
    """A token as the kubelet asks for one, bound to a pod or to nothing."""
    spec: Json = {"audiences": [audience], "expirationSeconds": 600}
    if bound:
        meta = bound["metadata"]
        reference = {"apiVersion": "v1", "kind": "Pod", "name": meta["name"], "uid": meta["uid"]}
        spec["boundObjectRef"] = reference
    where = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
    made: str = api.client.request("POST", where, {"spec": spec})["status"]["token"]
    return made


def bind(api: Api, namespace: str, name: str, role: Json, *subjects: Json) -> str:
    """Bind a role in a namespace; returns the binding's path."""
    where = f"/apis/{RBAC}/v1/namespaces/{namespace}/rolebindings"
    reference = {"apiGroup": RBAC, **role}
    body = {"metadata": {"name": name}, "roleRef": reference, "subjects": [*subjects]}
    api.client.request("POST", where, body)
    return f"{where}/{name}"


USER_ROLE = {"kind": "ClusterRole", "name": "casemate-user"}
"""What the chart brings for callers of models."""


def subject(namespace: str, name: str) -> Json:
    """A service account, as bindings name it."""
    return {"kind": "ServiceAccount", "namespace": namespace, "name": name}
