"""The CustomResourceDefinition of ModelDeployment, whole, built from the types."""

from typing import Any

from casemate.api.rules import VALIDATIONS
from casemate.api.structural import Schema, structural
from casemate.api.v1alpha1 import (
    GROUP,
    KIND,
    NAME_LENGTH,
    NAME_RULE,
    PLURAL,
    SHORT_NAME,
    VERSION,
    ModelDeployment,
)

NAME = f"{PLURAL}.{GROUP}"

_SELECTABLE = (".spec.model.supplier", ".spec.use")


def custom_resource_definition() -> Schema:
    """Return the CustomResourceDefinition object."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": NAME},
        "spec": {
            "group": GROUP,
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": KIND.lower(),
                "shortNames": [SHORT_NAME],
                # `all`: what a person deployed belongs into `kubectl get all`.
                "categories": ["all", "casemate"],
            },
            "scope": "Namespaced",
            "versions": [_version()],
        },
    }


def _version() -> Schema:
    return {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": root_schema()},
        "subresources": {
            "status": {},
            "scale": {
                "specReplicasPath": ".spec.replicas",
                "statusReplicasPath": ".status.replicas",
                "labelSelectorPath": ".status.selector",
            },
        },
        "selectableFields": [{"jsonPath": path} for path in _SELECTABLE],
        "additionalPrinterColumns": columns(),
    }


def root_schema() -> Schema:
    """Return the schema of the whole object."""
    schema = structural(ModelDeployment.model_json_schema(by_alias=True))
    name = {"type": "string", "maxLength": NAME_LENGTH}
    envelope = {
        "apiVersion": {"type": "string", "description": "Version of this schema."},
        "kind": {"type": "string", "description": "Kind of this object."},
        "metadata": {"type": "object", "properties": {"name": name}},
    }
    schema["properties"] = {**envelope, **schema["properties"]}
    schema[VALIDATIONS] = [NAME_RULE.as_cel()]
    return schema


def columns() -> list[dict[str, Any]]:
    """Return the columns of `kubectl get`: is it up, what is it, who answers for it."""
    ready = '.status.conditions[?(@.type=="Ready")]'
    return [
        _column("Ready", f"{ready}.status"),
        _column("Reason", f"{ready}.reason"),
        _column("Model", ".spec.model.name"),
        _column("Supplier", ".spec.model.supplier"),
        _column("Use", ".spec.use"),
        _column("Serving", ".status.readyReplicas", kind="integer"),
        _column("Replicas", ".spec.replicas", kind="integer"),
        _column("Owner", ".spec.owner.name"),
        _column("Age", ".metadata.creationTimestamp", kind="date"),
        _column("URL", ".status.url", priority=1),
        _column("Message", f"{ready}.message", priority=1),
    ]


def _column(name: str, path: str, *, kind: str = "string", priority: int = 0) -> dict[str, Any]:
    return {"name": name, "type": kind, "jsonPath": path, "priority": priority}
