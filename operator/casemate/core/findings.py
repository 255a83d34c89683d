"""What the checks on a deployment's terms take in, and what they find."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import ValidationError

from casemate.api.conditions import ConditionType, Reason
from casemate.api.v1alpha1 import ModelDeploymentSpec
from casemate.core.digests import digest_of


@dataclass(frozen=True)
class Terms:
    """What the cluster says about one deployment's terms. Nothing known: nothing permitted."""

    agreement: Mapping[str, Any] | None = None
    """The UsageAgreement object that it names."""
    suppliers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The Supplier objects behind its model, by name."""
    granted: int = 0
    """Pods that the agreement's capacity has for it."""
    clock_doubtful: str = ""
    """Why the clock is not to be trusted, or nothing."""


class Deployment(NamedTuple):
    """The deployment that is judged."""

    namespace: str
    uid: str
    created: str
    spec: ModelDeploymentSpec
    running: int
    """Pods that its Deployment is set to."""


class Finding(NamedTuple):
    """What one check found; `status` is that of its condition."""

    type: ConditionType
    status: str
    reason: Reason
    message: str
    until: datetime | None = None
    """When it ends by the clock, as far as that is known."""
    at_most: int | None = None
    """Pods that an order accepts; None: it says nothing."""


def asked(spec: ModelDeploymentSpec) -> int:
    """Pods that a deployment asks for: none while it is suspended."""
    return 0 if spec.suspend else spec.replicas


def suppliers_of(spec: ModelDeploymentSpec) -> dict[str, str]:
    """Names of the suppliers behind a model, by field."""
    base = {"spec.model.base.supplier": spec.model.base.supplier} if spec.model.base else {}
    return {"spec.model.supplier": spec.model.supplier, **base}


def images_of(spec: ModelDeploymentSpec) -> dict[str, str]:
    """All images that a spec names, by field."""
    found = {"spec.engine.image": spec.engine.image}
    if spec.model.source.oci:
        found["spec.model.source.oci.image"] = spec.model.source.oci.image
    return found | {f"spec.guardrails[{one.name}].image": one.image for one in spec.guardrails}


def ports_of(spec: ModelDeploymentSpec) -> dict[str, int]:
    """The loopback ports that a spec names, by field."""
    found = {f"spec.guardrails[{one.name}].port": one.port for one in spec.guardrails}
    return found | ({"spec.engine.port": spec.engine.port} if spec.engine.port else {})


def artifacts(spec: ModelDeploymentSpec) -> str:
    """Digest of what an order freezes: supplier, model, base and engine."""
    plain = {
        "model": spec.model.model_dump(mode="json", by_alias=True, exclude_none=True),
        "engine": spec.engine.image,
    }
    return digest_of(plain)


def broken(error: ValidationError) -> list[str]:
    """The broken rules of a stored object, each with its field, what was given and accepted."""
    return [f"{'.'.join(map(str, ('spec', *one['loc'])))}: {one['msg']}" for one in error.errors()]


def first(error: ValidationError) -> str:
    """The first of them."""
    return broken(error)[0]
