"""JSON Schema → structural schema: what is rewritten, and what is refused with its path."""

from typing import Annotated, Any, ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, create_model

from casemate.api.model import ApiModel
from casemate.api.rules import Rule
from casemate.api.structural import NotStructuralError, structural
from unit.api.obeys import violations

Text = Annotated[str, Field(max_length=9)]
EVEN = Rule("self % 2 == 0", "must be even", lambda number: number % 2 == 0)
SMALL = Rule("self < 9", "must be small", lambda number: number < 9)


class Inner(ApiModel):
    """An inner object."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule("self.b > 1", "needs more", lambda self: self.b > 1, "self.b"),
    )

    a: Text | None = None
    b: Annotated[int, Field(ge=1, le=5)] = 2


class Tree(ApiModel):
    """A type that contains itself."""

    children: Annotated[list["Tree"], Field(max_length=2)] = Field(default=[])


def field(kind: Any, default: Any = ...) -> dict[str, Any]:
    """Return the structural schema of one field `f`."""
    model = create_model("Holder", __base__=ApiModel, f=(kind, default))
    found: dict[str, Any] = structural(model.model_json_schema())["properties"]["f"]
    return found


INNER = {
    "type": "object",
    "description": "An inner object.",
    "properties": {
        "a": {"type": "string", "maxLength": 9},
        "b": {"type": "integer", "format": "int32", "minimum": 1, "maximum": 5, "default": 2},
    },
    "x-kubernetes-validations": [
        {
            "rule": "self.b > 1",
            "message": "needs more",
            "messageExpression": "'needs more; found %s'.format([self.b])",
        }
    ],
}

REWRITTEN: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "a string keeps its bound": (Text, ..., {"type": "string", "maxLength": 9}),
    "an optional field is absent, not null": (
        *(Text | None, None),
        {"type": "string", "maxLength": 9},
    ),
    "a reference is inlined": (Inner, ..., INNER),
    "an optional reference is inlined": (Inner | None, None, INNER),
    "a default object loses its nulls": (Inner, Inner(), INNER | {"default": {"b": 2}}),
    "one literal is an enum": (Literal["x"], ..., {"type": "string", "enum": ["x"]}),
    "an integer without bounds is wide": (int, ..., {"type": "integer", "format": "int64"}),
    "an open bound is a flag": (
        *(Annotated[int, Field(gt=0)], ...),
        {"type": "integer", "format": "int64", "minimum": 0, "exclusiveMinimum": True},
    ),
    "integer or string has its own keyword": (
        *(int | Text, ...),
        {"x-kubernetes-int-or-string": True, "maxLength": 9},
    ),
    "a list is atomic unless keyed": (
        *(Annotated[list[bool], Field(max_length=3)], ...),
        {
            "type": "array",
            "maxItems": 3,
            "items": {"type": "boolean"},
            "x-kubernetes-list-type": "atomic",
        },
    ),
    "a set says so": (
        *(Annotated[set[Text], Field(max_length=3)], ...),
        {
            "type": "array",
            "maxItems": 3,
            "items": {"type": "string", "maxLength": 9},
            "x-kubernetes-list-type": "set",
        },
    ),
    "a map keeps its bound": (
        *(Annotated[dict[str, bool], Field(max_length=3)], ...),
        {"type": "object", "maxProperties": 3, "additionalProperties": {"type": "boolean"}},
    ),
    "all rules of a field hold": (
        *(Annotated[int, EVEN, SMALL], ...),
        {
            "type": "integer",
            "format": "int64",
            "x-kubernetes-validations": [EVEN.as_cel(), SMALL.as_cel()],
        },
    ),
    "rules of an object and of its field both hold": (
        *(Annotated[Inner, EVEN], ...),
        INNER | {"x-kubernetes-validations": [*INNER["x-kubernetes-validations"], EVEN.as_cel()]},
    ),
}


@pytest.mark.parametrize(("kind", "default", "wanted"), REWRITTEN.values(), ids=REWRITTEN)
def test_a_type_is_rewritten(kind: Any, default: Any, wanted: dict[str, Any]) -> None:
    assert field(kind, default) == wanted


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    x: bool


REFUSED: dict[str, tuple[Any, str, str]] = {
    "a tuple": (tuple[int, int], "f", "tuple"),
    "a union of types": (int | bool, "f", "only `T | None` and `int | str`"),
    "a union of objects": (Inner | Tree, "f", "one optional field per variant"),
    "a list of a union": (Annotated[list[Inner | Tree], Field(max_length=1)], "f[]", "variant"),
    "recursion": (Tree, "f.children[]", "Tree contains itself"),
    "an untyped value": (Any, "f", "one plain type"),
    "a fraction": (float, "f", "one plain type, not number"),
    "a pattern": (Annotated[Text, Field(pattern="^a$")], "f", "use rules.matching"),
    "constrained keys": (Annotated[dict[Text, bool], Field(max_length=1)], "f", "keys"),
    "an open object": (Open, "f", "fields and free keys"),
    "an untyped map": (Annotated[dict[str, Any], Field(max_length=1)], "f", "one type"),
    "a string without bound": (str, "f", "maxLength"),
    "a list without bound": (list[Text], "f", "maxItems"),
    "a map without bound": (dict[str, Text], "f", "maxProperties"),
    "an unbounded string in a list": (
        Annotated[list[str], Field(max_length=1)],
        "f[]",
        "maxLength",
    ),
    "an unbounded string in a map": (
        *(Annotated[dict[str, str], Field(max_length=1)], "f{}"),
        "maxLength",
    ),
    "null that must be given": (Text | None, "f", "default None"),
}


@pytest.mark.parametrize(("kind", "path", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_expressed_is_refused_by_path(kind: Any, path: str, reason: str) -> None:
    with pytest.raises(NotStructuralError) as refused:
        field(kind)
    assert str(refused.value).startswith(f"{path}: ")
    assert reason in str(refused.value)


def test_a_default_factory_is_refused_since_no_default_would_fire() -> None:
    with pytest.raises(NotStructuralError, match="f: a default factory"):
        field(Inner, Field(default_factory=Inner))
    assert field(Inner, Inner())["default"] == {"b": 2}


def test_one_type_used_twice_is_no_recursion() -> None:
    model = create_model("Twice", __base__=ApiModel, f=(Inner, ...), g=(Inner, ...))
    fields = structural(model.model_json_schema())["properties"]
    assert fields["f"] == fields["g"] == INNER


SCALARS = st.sampled_from([Text, bool, int, Literal["a", "b"], Annotated[int, EVEN], int | Text])


def _list(kind: Any) -> Any:
    return Annotated[list[kind], Field(max_length=4)]


def _map(kind: Any) -> Any:
    return Annotated[dict[str, kind], Field(max_length=4)]


def _containers(kinds: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    fields = st.lists(kinds, min_size=1, max_size=4)
    return st.one_of(kinds.map(_list), kinds.map(_map), fields.map(_model))


def _model(kinds: list[Any]) -> Any:
    fields: dict[str, Any] = {
        f"f{number}": (kind, ...) if number % 2 else (kind | None, None)
        for number, kind in enumerate(kinds)
    }
    return create_model("Made", __base__=ApiModel, **fields)


@given(st.recursive(SCALARS, _containers, max_leaves=12))
def test_whatever_is_accepted_obeys_the_structural_rules(kind: Any) -> None:
    assert violations(field(kind)) == []
