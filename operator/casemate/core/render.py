"""All children of a ModelDeployment, complete, in the order in which they must come to exist."""

import hashlib
import json
from typing import Any

from casemate.api.v1alpha1 import API_VERSION, KIND, ModelDeploymentSpec
from casemate.core import names
from casemate.core.observed import Observed, Ref, Settings
from casemate.core.resources import containers, disruption, identity, network, service, workload

Stage = dict[Ref, dict[str, Any]]


def render(observed: Observed, spec: ModelDeploymentSpec, settings: Settings) -> list[Stage]:
    """The stages of desired objects; a stage is applied only after the one before it.

    The first closes the network, so that no pod ever runs without its policies.
    """
    name = observed.name
    closed = [
        network.default_deny(name),
        network.allow(name, spec, settings.monitoring_namespace),
        identity.service_account(name),
        service.service(name),
    ]
    if spec.replicas > 1:
        closed.append(disruption.disruption_budget(name))
    pair = (containers.gateway(spec, settings.gateway_image), containers.engine(spec))
    running = [workload.deployment(name, spec, settings, pair)]
    return [_stage(closed, observed), _stage(running, observed)]


def _stage(objects: list[dict[str, Any]], observed: Observed) -> Stage:
    return {Ref(item["kind"], item["metadata"]["name"]): _stamp(item, observed) for item in objects}


def _stamp(item: dict[str, Any], observed: Observed) -> dict[str, Any]:
    """Adds what every child carries: namespace, labels, owner and the digest of the whole."""
    component = "network" if item["kind"] == "NetworkPolicy" else "model"
    item["metadata"] |= {
        "namespace": observed.namespace,
        "labels": names.labels(observed.name, component),
        "ownerReferences": [
            {
                "apiVersion": API_VERSION,
                "kind": KIND,
                "name": observed.name,
                "uid": observed.uid,
                "controller": True,
            }
        ],
    }
    text = json.dumps(item, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).hexdigest()
    item["metadata"]["annotations"] = {names.DIGEST_ANNOTATION: f"sha256:{digest}"}
    return item
