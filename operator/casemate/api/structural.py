"""JSON Schema as pydantic emits it → structural schema as a CustomResourceDefinition wants it.

What a structural schema cannot say is refused with the path of the place, never dropped: a rule
that is lost on the way to the API server is a rule that nobody enforces.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from casemate.api.rules import VALIDATIONS

Schema = dict[str, Any]

_DROPPED = {"title", "$defs", "additionalProperties"}
_KEPT = {
    *("description", "type", "format", "enum", "default", "required", "properties", "items"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    *("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"),
    *("x-kubernetes-int-or-string", "x-kubernetes-list-type", "x-kubernetes-list-map-keys"),
    *("x-kubernetes-map-type", VALIDATIONS),
}
_ADVICE = {
    "prefixItems": "a tuple cannot be expressed: use an object with named fields",
    "oneOf": "a union cannot be expressed: use one optional field per variant and a Rule",
    "anyOf": "only `T | None` and `int | str` can be expressed: for other unions use one optional "
    "field per variant and a Rule",
    "pattern": "a pattern's message says nothing to a person: use rules.matching",
    "propertyNames": "keys cannot be constrained: use a Rule on the whole map",
    "patternProperties": "keys cannot be constrained: use a Rule on the whole map",
}
_BOUNDS = {"string": "maxLength", "array": "maxItems"}


class NotStructuralError(ValueError):
    """A type that a structural schema cannot express, or that has no upper bound."""


@dataclass(frozen=True)
class _Place:
    """Where in the schema we are, and which definitions we are inside of."""

    definitions: Mapping[str, Schema]
    path: str = ""
    inside: tuple[str, ...] = ()
    in_list: bool = False

    def below(self, step: str) -> "_Place":
        return replace(self, path=f"{self.path}{step}".lstrip("."))

    def refusal(self, reason: str) -> NotStructuralError:
        return NotStructuralError(f"{self.path or 'the root'}: {reason}")


def structural(schema: Schema) -> Schema:
    """Return the structural schema of a pydantic JSON Schema.

    Raises:
        NotStructuralError: A part cannot be expressed or has no bound; the message has its path.
    """
    return _node(schema, _Place(schema.get("$defs", {})))


def _node(raw: Schema, place: _Place) -> Schema:
    flat, place = _flatten(raw, place)
    for key in flat:
        if key not in _KEPT | _DROPPED:
            raise place.refusal(_ADVICE.get(key, f"{key} cannot be expressed"))
    node = {key: value for key, value in flat.items() if key in _KEPT}
    match flat.get("type"):
        case "object":
            node |= _object(flat, place)
        case "array":
            node |= _array(flat, place)
        case "integer":
            node["format"] = _integer_format(flat)
        case "string" | "boolean":
            pass
        case other:
            if other or "x-kubernetes-int-or-string" not in flat:
                raise place.refusal(f"needs one plain type, not {other or 'any'}")
    return _bounded(_undefaulted(node) if place.in_list else node, place)


def _undefaulted(node: Schema) -> Schema:
    """Say the default instead of setting it: clients compare a list as a whole with what was sent.

    What the API server adds to an item would be a difference for ever; see ADR 7.
    """
    rest = {key: value for key, value in node.items() if key != "default"}
    if default := node.get("default"):
        rest["description"] = f"{node.get('description', '')} Absent: {default}.".lstrip()
    return rest


def _flatten(raw: Schema, place: _Place) -> tuple[Schema, _Place]:
    """Inline references and optional types, and rewrite keywords that have another spelling."""
    while True:
        rest = dict(raw)
        if reference := rest.pop("$ref", None):
            name = reference.removeprefix("#/$defs/")
            if name in place.inside:
                raise place.refusal(f"{name} contains itself: recursion cannot be expressed")
            place = replace(place, inside=(*place.inside, name))
            raw = _overlaid(place.definitions[name], rest)
        elif variants := rest.pop("anyOf", None):
            raw = _overlaid(_only_variant(variants, place), rest)
        else:
            return _respelled(rest), place


def _only_variant(variants: list[Schema], place: _Place) -> Schema:
    real = [variant for variant in variants if variant.get("type") != "null"]
    if len(real) == 1:
        return real[0]
    by_type = {variant.get("type"): variant for variant in real}
    if by_type.keys() == {"integer", "string"} and len(real) == len(by_type):
        merged = {**by_type["integer"], **by_type["string"], "x-kubernetes-int-or-string": True}
        return {key: value for key, value in merged.items() if key != "type"}
    raise place.refusal(_ADVICE["anyOf"])


def _overlaid(inner: Schema, outer: Schema) -> Schema:
    """Put what stands beside a reference over what it refers to; the rules of both hold."""
    rules = [*inner.get(VALIDATIONS, []), *outer.get(VALIDATIONS, [])]
    return {**inner, **outer, **({VALIDATIONS: rules} if rules else {})}


def _respelled(flat: Schema) -> Schema:
    if "default" in flat:
        default = _without_nulls(flat.pop("default"))
        flat |= {} if default is None else {"default": default}
    if "const" in flat:
        flat["enum"] = [flat.pop("const")]
    if flat.pop("uniqueItems", False):
        flat["x-kubernetes-list-type"] = "set"
    for end in ("Minimum", "Maximum"):
        if f"exclusive{end}" in flat:
            flat |= {end.lower(): flat[f"exclusive{end}"], f"exclusive{end}": True}
    return flat


def _without_nulls(value: Any) -> Any:
    """Drop absent fields from default objects: null is not the same as absent to the API server."""
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value


def _object(flat: Schema, place: _Place) -> Schema:
    others = flat.get("additionalProperties", False)
    if "properties" in flat:
        if others is not False:
            raise place.refusal("fields and free keys cannot be combined: forbid extra fields")
        required = flat.get("required", [])
        return {
            "properties": {
                name: _property(value, place.below(f".{name}"), required=name in required)
                for name, value in flat["properties"].items()
            }
        }
    if not isinstance(others, dict) or not others:
        raise place.refusal("an object needs named fields or one type for all values")
    return {"additionalProperties": _node(others, place.below("{}"))}


def _property(raw: Schema, place: _Place, *, required: bool) -> Schema:
    optional = {"type": "null"} in raw.get("anyOf", [])
    if required and optional:
        raise place.refusal("may be null but not absent: give it the default None")
    if not required and "default" not in raw:
        raise place.refusal("a default factory leaves no default in the schema: write the default")
    return _node(raw, place)


def _integer_format(flat: Schema) -> str:
    lowest, highest = flat.get("minimum", -(2**63)), flat.get("maximum", 2**63 - 1)
    return "int32" if lowest >= -(2**31) and highest < 2**31 else "int64"


def _array(flat: Schema, place: _Place) -> Schema:
    if "items" not in flat:
        raise place.refusal("a list needs one type for all items")
    list_type = flat.get("x-kubernetes-list-type", "atomic")
    item = replace(place.below("[]"), in_list=True)
    return {"items": _node(flat["items"], item), "x-kubernetes-list-type": list_type}


def _bounded(node: Schema, place: _Place) -> Schema:
    """Refuse what has no upper bound: the cost of a rule is estimated from the bounds."""
    bound = _BOUNDS.get(node.get("type", ""))
    if "additionalProperties" in node:
        bound = "maxProperties"
    elif "x-kubernetes-int-or-string" in node:
        bound = "maxLength"
    elif "enum" in node or node.get("format") == "date-time":
        bound = None
    if bound and bound not in node:
        raise place.refusal(f"needs an upper bound ({bound}): use Field(max_length=...)")
    return node
