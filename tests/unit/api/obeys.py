"""The rules of a structural schema, as a list of what a schema breaks.

Written from the rules and not from our rewriter, which has no part in it.
"""

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]

FIELDS = {
    *("type", "format", "description", "default", "enum", "properties", "required", "items"),
    *("additionalProperties", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    *("multipleOf", "minLength", "maxLength", "minItems", "maxItems"),
    *("minProperties", "maxProperties", "x-kubernetes-validations", "x-kubernetes-list-type"),
    *("x-kubernetes-list-map-keys", "x-kubernetes-map-type", "x-kubernetes-int-or-string"),
}
BOUND = {"string": "maxLength", "array": "maxItems"}


def violations(schema: Schema) -> list[str]:
    """Return one line for each rule that a node breaks, with the node's path."""
    return [
        f"{path}: {fault}" for path, node in nodes(schema) for fault in (*_form(node), *_size(node))
    ]


def nodes(schema: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    """Give every node with its path."""
    yield path, schema
    for name, value in schema.get("properties", {}).items():
        yield from nodes(value, f"{path}.{name}")
    if "items" in schema:
        yield from nodes(schema["items"], f"{path}[]")
    if "additionalProperties" in schema:
        yield from nodes(schema["additionalProperties"], f"{path}{{}}")


def _form(node: Schema) -> Iterator[str]:
    if unknown := node.keys() - FIELDS:
        yield f"has unknown keywords {sorted(unknown)}"
    if ("type" in node) == ("x-kubernetes-int-or-string" in node):
        yield "needs a type, or int-or-string in its place"
    if "properties" in node and "additionalProperties" in node:
        yield "has fields and free keys"
    if not set(node.get("required", ())) <= node.get("properties", {}).keys():
        yield "requires a field that it does not have"
    if _has_null(node.get("default", 0)):
        yield "has null in its default"
    if not isinstance(node.get("exclusiveMinimum", True), bool):
        yield "has a number for exclusiveMinimum"
    for key in node.get("x-kubernetes-list-map-keys", ()):
        item = node["items"]
        if key not in item.get("required", ()) and "default" not in item["properties"][key]:
            yield f"is keyed by {key}, which may be absent"


def _size(node: Schema) -> Iterator[str]:
    bound = BOUND.get(node.get("type", ""), "")
    if "additionalProperties" in node:
        bound = "maxProperties"
    if "x-kubernetes-int-or-string" in node:
        bound = "maxLength"
    if "enum" in node or node.get("format") == "date-time":
        bound = ""
    if bound and bound not in node:
        yield f"lacks {bound}"


def _has_null(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_null, value.values()))
    if isinstance(value, list):
        return any(map(_has_null, value))
    return value is None
