"""Objects to write: what the operator really renders, and what lives beside it."""

import json
from typing import Any

from casemate.api.v1alpha1 import ModelDeploymentSpec
from casemate.controller.bundle import SHIPPED
from casemate.core.guard_policy import policy
from casemate.core.names import BREAK_GLASS_ANNOTATION, NAME_LABEL, TERMS_ANNOTATION
from casemate.core.observed import Settings
from casemate.core.resources import containers, guard, network, workload
from casemate.core.resources.service import service
from support.operators import DIGEST, GATEWAY_IMAGE, ISOLATION, Json, model_deployment
from support.policies import ENCLAVE
from support.terms import AGREEMENT

ABSENT: Any = object()
"""As a value: take the field away."""

Changes = dict[str, Any]
"""Values by JSON pointer."""

IMAGE = f"registry.enclave.local/tools/t@sha256:{'7' * 64}"
POLICY = policy(None, [], SHIPPED)
"""Of the guard, in rendered pods."""
MARK = {NAME_LABEL: "m"}
REASON = "the site is cut off"


def put(body: Json, changes: Changes) -> Json:
    """Return a copy with fields set; an index at the end of a list appends."""
    copy: Json = json.loads(json.dumps(body))  # rendered objects share parts; a copy must not
    for pointer, value in changes.items():
        *parents, last = [part.replace("~1", "/") for part in pointer.strip("/").split("/")]
        place: Any = copy
        for part in parents:
            place = place[int(part)] if isinstance(place, list) else place.setdefault(part, {})
        if isinstance(place, list):
            place[int(last) : int(last) + 1] = [] if value is ABSENT else [value]
        elif value is ABSENT:
            del place[last]
        else:
            place[last] = value
    return copy


def noted(user: str, reason: str = REASON) -> Json:
    """A change that leaves the note of who breaks the glass."""
    return {"metadata": {"annotations": {BREAK_GLASS_ANNOTATION: f"{user}: {reason}"}}}


def with_note(user: str, body: Json) -> Json:
    """The object with such a note."""
    return put(body, {"/metadata/annotations": noted(user)["metadata"]["annotations"]})


def rendered_deployment(name: str = "m") -> Json:
    """The Deployment as the operator renders it, without what every child gets."""
    body = model_deployment(name, ENCLAVE)
    spec = ModelDeploymentSpec.model_validate(body["spec"])
    settings = Settings(GATEWAY_IMAGE, ISOLATION, SHIPPED)
    gate = containers.start_gate(spec, settings.gateway_image, settings.isolation)
    gateway = containers.gateway(spec, settings.gateway_image, settings.isolation, POLICY.digest)
    engine = containers.engine(spec)
    shape = workload.Shape(
        replicas=1, sidecars=[gate, gateway], engine=engine, place=None, policy=POLICY.digest
    )
    return put(workload.deployment(name, spec, settings, shape), {"/metadata/labels": MARK})


def owner(kind: str = "ReplicaSet", group: str = "apps/v1") -> Json:
    return {"apiVersion": group, "kind": kind, "name": "m-1", "uid": "u-1", "controller": True}


def model_pod(name: str = "m-1-x", under: str = f"{AGREEMENT}@{DIGEST}") -> Json:
    """The pod that a ReplicaSet makes of the rendered template."""
    template = rendered_deployment()["spec"]["template"]
    meta = {**template["metadata"], "name": name, "ownerReferences": [owner()]}
    meta["labels"] = {**meta["labels"], "pod-template-hash": "1"}
    meta["annotations"] = {**meta["annotations"], TERMS_ANNOTATION: under}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": template["spec"]}


def client_pod(name: str = "client") -> Json:
    """A pod of somebody else, which ends as a loader of weights must."""
    container = {"name": "client", "image": "registry.enclave.local/tools/client:1"}
    spec = {
        "serviceAccountName": "client",
        "containers": [container],
        "restartPolicy": "Never",
        "activeDeadlineSeconds": 600,
    }
    meta = {"name": name, "labels": {"app": "client"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}


def sidecar(name: str, **more: Any) -> Json:
    """A container of a model pod that has everything that is asked for."""
    restricted = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    return {"name": name, "image": IMAGE, "securityContext": restricted, **more}


def children() -> dict[str, Json]:
    """Rendered children by plural."""
    found = {
        "deployments": rendered_deployment(),
        "networkpolicies": network.default_deny("m"),
        "services": service("m"),
        "serviceaccounts": {"metadata": {"name": "m-model"}},
        "configmaps": guard.config_map("m", POLICY),
        "replicasets": replicaset(),
        "poddisruptionbudgets": {
            "metadata": {"name": "m"},
            "spec": {"maxUnavailable": 1, "selector": {"matchLabels": MARK}},
        },
    }
    return {kind: put(body, {"/metadata/labels": MARK}) for kind, body in found.items()}


def child(plural: str, name: str) -> Json:
    """A child named for its deployment; of ConfigMaps the operator may write no others."""
    own = f"{name}-guard" if plural == "configmaps" else name
    return put(children()[plural], {"/metadata/name": own, "/metadata/labels": {NAME_LABEL: name}})


def replicaset(name: str = "m-1") -> Json:
    whole = rendered_deployment()["spec"]
    return {
        "metadata": {"name": name, "labels": MARK},
        "spec": {"replicas": 0, "selector": whole["selector"], "template": whole["template"]},
    }
