"""An operator as people write it with kopf's change handlers, making the same children as ours.

Run by `kopf run`. One handler creates or patches the children whenever the object is created,
changed, or found at start; one event handler per kind puts back what was deleted or edited.
"""

import os
from collections.abc import Mapping
from typing import Any

import kopf
from kubernetes.aio import client, config

from casemate.api.v1alpha1 import GROUP, PLURAL, VERSION, ModelDeploymentSpec
from casemate.controller.bundle import SHIPPED
from casemate.core.names import NAME_LABEL
from casemate.core.observed import Isolation, Observed, Replica, Settings
from casemate.core.permission import Permission
from casemate.core.render import render

WARDENS = (Replica("casemate-warden-0", "10.96.7.7"), Replica("casemate-warden-1", "10.96.7.8"))
SETTINGS = Settings(
    os.environ["CASEMATE_BENCH_GATEWAY_IMAGE"],
    Isolation(WARDENS, "casemate-system"),
    SHIPPED,
)
KINDS = {
    "NetworkPolicy": (client.NetworkingV1Api, "network_policy", "networkpolicies"),
    "ServiceAccount": (client.CoreV1Api, "service_account", "serviceaccounts"),
    "Service": (client.CoreV1Api, "service", "services"),
    "ConfigMap": (client.CoreV1Api, "config_map", "configmaps"),
    "PodDisruptionBudget": (client.PolicyV1Api, "pod_disruption_budget", "poddisruptionbudgets"),
    "Deployment": (client.AppsV1Api, "deployment", "deployments"),
}
Children = list[dict[str, Any]]


@kopf.on.startup()
async def connect(memo: kopf.Memo, **_: Any) -> None:
    await config.load_kube_config()
    memo.api = client.ApiClient()
    memo.children = {}


@kopf.on.cleanup()
async def disconnect(memo: kopf.Memo, **_: Any) -> None:
    await memo.api.close()


def wanted(name: str, namespace: str | None, body: Mapping[str, Any]) -> Children:
    spec = ModelDeploymentSpec.model_validate(dict(body["spec"]))
    plain = {"metadata": dict(body["metadata"]), "spec": dict(body["spec"])}
    observed = Observed(name=name, namespace=namespace or "", body=plain)
    permission = Permission((), spec.replicas, closed=False, until=None, agreement=None)
    stages = render(observed, spec, SETTINGS, permission)
    return [child for stage in stages for child in stage.values()]


async def put(api: client.ApiClient, child: dict[str, Any]) -> None:
    group, method, _ = KINDS[child["kind"]]
    meta = child["metadata"]
    try:
        await getattr(group(api), f"create_namespaced_{method}")(meta["namespace"], child)
    except client.ApiException as error:
        if error.status != 409:
            raise
        patch = getattr(group(api), f"patch_namespaced_{method}")
        await patch(meta["name"], meta["namespace"], child)


@kopf.on.create(GROUP, VERSION, PLURAL)
@kopf.on.update(GROUP, VERSION, PLURAL, field="spec")
@kopf.on.resume(GROUP, VERSION, PLURAL)
async def reconcile(
    memo: kopf.Memo, name: str, namespace: str | None, body: kopf.Body, **_: Any
) -> None:
    children = wanted(name, namespace, body)
    memo.children[namespace, name] = children
    for child in children:
        await put(memo.api, child)


@kopf.on.delete(GROUP, VERSION, PLURAL)
async def forget(memo: kopf.Memo, name: str, namespace: str | None, **_: Any) -> None:
    memo.children.pop((namespace, name), None)


def holds(desired: Any, live: Any) -> bool:
    """Whether everything desired is there; the server's defaults do not count."""
    if isinstance(desired, Mapping):
        found = live if isinstance(live, Mapping) else {}
        return all(holds(value, found.get(key)) for key, value in desired.items())
    if isinstance(desired, list) and isinstance(live, list):
        return len(desired) == len(live) and all(map(holds, desired, live))
    return bool(desired == live)


async def restore(
    memo: kopf.Memo,
    event: kopf.RawEvent,
    name: str,
    namespace: str | None,
    body: kopf.Body,
    **_: Any,
) -> None:
    if event["type"] not in {"DELETED", "MODIFIED"}:
        return
    parent = (namespace, body["metadata"].get("labels", {}).get(NAME_LABEL))
    for child in memo.children.get(parent, []):
        if (child["kind"], child["metadata"]["name"]) != (body["kind"], name):
            continue
        if event["type"] == "DELETED" or not holds(child, dict(body)):
            await put(memo.api, child)


for _, _, _plural in KINDS.values():
    kopf.on.event(_plural, labels={NAME_LABEL: kopf.PRESENT})(restore)
