"""All children of a ModelDeployment, complete, in the order in which they must come to exist."""

from typing import Any

from casemate.api.agreement import Profile, UsageAgreementSpec
from casemate.api.terms import Guardrail
from casemate.api.v1alpha1 import API_VERSION, KIND, Access, ModelDeploymentSpec
from casemate.core import agreements, names
from casemate.core.digests import digest_of
from casemate.core.guard_policy import Policy, policy
from casemate.core.observed import Observed, Ref, Settings
from casemate.core.permission import Permission
from casemate.core.resources import (
    containers,
    disruption,
    guard,
    identity,
    network,
    service,
    workload,
)

Stage = dict[Ref, dict[str, Any]]

_COMPONENTS = {"NetworkPolicy": "network", "ConfigMap": "guard"}


def render(
    observed: Observed, spec: ModelDeploymentSpec, settings: Settings, permission: Permission
) -> list[Stage]:
    """The stages of desired objects; a stage is applied only after the one before it.

    The first closes the network, so that no pod ever runs without its policies.
    """
    name, terms = observed.name, permission.agreement
    guarded = policy_of(spec, settings, permission)
    closed = [
        network.default_deny(name),
        network.allow(name, _access(spec, permission), settings),
        identity.service_account(name),
        service.service(name),
        guard.config_map(name, guarded),
    ]
    if spec.replicas > 1:
        closed.append(disruption.disruption_budget(name))
    place = _place(spec, terms)
    shape = workload.Shape(
        replicas=permission.replicas,
        sidecars=[
            containers.start_gate(spec, settings.gateway_image, settings.isolation),
            containers.gateway(spec, settings.gateway_image, settings.isolation, guarded.digest),
            *map(containers.guardrail, _guardrails(spec, terms)),
        ],
        engine=containers.engine(spec, place.resources if place else None),
        place=place,
        policy=guarded.digest,
    )
    running = [workload.deployment(name, spec, settings, shape)]
    stamp = f"{spec.agreement_ref.name}@{agreements.digest(terms)}" if terms else ""
    return [_stage(stage, observed, stamp) for stage in (closed, running)]


def policy_of(spec: ModelDeploymentSpec, settings: Settings, permission: Permission) -> Policy:
    """What the deployment's guard must keep to."""
    terms = permission.agreement
    return policy(terms, _guardrails(spec, terms), settings.guard_bundle)


def _guardrails(spec: ModelDeploymentSpec, terms: UsageAgreementSpec | None) -> list[Guardrail]:
    return [*(terms.required_guardrails if terms else []), *spec.guardrails]


def _access(spec: ModelDeploymentSpec, permission: Permission) -> Access:
    """What is open: nothing without permission, and never a block outside the terms.

    While the clock is in doubt nothing is judged, and what was written meanwhile is open: but out
    only as far as the terms say.
    """
    if permission.closed:
        return Access()
    terms, wanted = permission.agreement, spec.access
    inside = [one for one in wanted.egress if agreements.reaches(terms, one)] if terms else []
    return wanted.model_copy(update={"egress": inside})


def _place(spec: ModelDeploymentSpec, terms: UsageAgreementSpec | None) -> Profile | None:
    profiles = terms.capacity.profiles if terms else []
    return next((profile for profile in profiles if profile.name == spec.profile), None)


def _stage(objects: list[dict[str, Any]], observed: Observed, stamp: str) -> Stage:
    return {
        Ref(item["kind"], item["metadata"]["name"]): _stamp(item, observed, stamp)
        for item in objects
    }


def _owners(item: dict[str, Any], observed: Observed) -> list[dict[str, Any]]:
    """Who must be gone before an object is: its deployment; and what closes pods, the pods too.

    Without that, deleting a deployment would open the network of an engine that takes its time.
    """
    deployment = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "name": observed.name,
        "uid": observed.uid,
        "controller": True,
    }
    closing = item["metadata"]["name"] == names.default_deny(observed.name)
    pods = observed.pods if closing and item["kind"] == "NetworkPolicy" else ()
    return [
        deployment,
        *({"apiVersion": "v1", "kind": "Pod", "name": pod.name, "uid": pod.uid} for pod in pods),
    ]


def _stamp(item: dict[str, Any], observed: Observed, terms: str) -> dict[str, Any]:
    """Adds what every child carries: namespace, labels, owner, terms, and the digest of it all."""
    component = _COMPONENTS.get(item["kind"], "model")
    item["metadata"] |= {
        "namespace": observed.namespace,
        "labels": names.labels(observed.name, component),
        "ownerReferences": _owners(item, observed),
    }
    annotations = {names.TERMS_ANNOTATION: terms}
    item["metadata"]["annotations"] = annotations
    if item["kind"] == "Deployment":
        item["spec"]["template"]["metadata"]["annotations"] |= annotations
    item["metadata"]["annotations"] = {**annotations, names.DIGEST_ANNOTATION: digest_of(item)}
    return item
