"""The base of all API types, and the kinds of strings that more than one of them uses."""

from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import core_schema

from casemate.api.rules import VALIDATIONS, Rule, matching


class ApiModel(BaseModel):
    """An immutable API object; JSON in camel case, unknown fields and wrong types refused."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        strict=True,
        use_attribute_docstrings=True,
    )

    RULES: ClassVar[tuple[Rule, ...]] = ()
    """Rules over the object as a whole."""

    @model_validator(mode="after")
    def _rules_hold(self) -> Self:
        for rule in self.RULES:
            rule.enforce(self)
        return self

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Add the object's rules to its JSON Schema."""
        reference = handler(core)
        if cls.RULES:
            schema = handler.resolve_ref_schema(reference)
            schema[VALIDATIONS] = [rule.as_cel() for rule in cls.RULES]
        return reference


_LABEL = "[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_DOMAIN = rf"{_LABEL}(?:\.{_LABEL})*"
_REPOSITORY = "(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)+"
_SEGMENT = "[A-Za-z0-9_-][A-Za-z0-9._-]*"
_WORD = "[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"

# Line breaks, escape sequences, and characters that reorder or hide text: a name on an audit
# record must read the same everywhere. Written out, since RE2 and Python share no class for them.
_UNSEEN = "\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"

DnsLabel = Annotated[
    str,
    Field(max_length=63),
    matching(_LABEL, "a name of lower-case letters, digits and '-', at most 63 characters"),
]
ClaimName = Annotated[
    str,
    Field(max_length=253),
    matching(
        _DOMAIN,
        "the plain name of a PersistentVolumeClaim in this namespace, without a namespace or URL",
    ),
]
ImageDigest = Annotated[
    str,
    Field(max_length=512),
    matching(
        rf"{_DOMAIN}(?::[0-9]{{1,5}})?{_REPOSITORY}@sha256:[0-9a-f]{{64}}",
        "an image by digest, REGISTRY/REPOSITORY@sha256:<64 hex digits>, without tag or scheme",
    ),
]
RelativePath = Annotated[
    str,
    Field(max_length=512),
    matching(
        f"{_SEGMENT}(?:/{_SEGMENT})*",
        "a relative path of letters, digits, '.', '_' and '-', none of its parts starting with '.'",
    ),
]
ModelName = Annotated[
    str,
    Field(max_length=128),
    matching(
        f"{_WORD}(?:/{_WORD})?",
        "a model name of letters, digits, '.', '_' and '-', with at most one '/'",
    ),
]
Plain = Annotated[
    str,
    Field(max_length=256),
    matching(
        f"[^{_UNSEEN}]*[^ {_UNSEEN}][^{_UNSEEN}]*",
        "one line of text, not blank, without control or invisible characters",
    ),
]
Reasoning = Annotated[
    str,
    Field(min_length=10, max_length=1000),
    matching(
        f"[^{_UNSEEN}]*[^ {_UNSEEN}][^{_UNSEEN}]*",
        "one line of 10 to 1000 characters, not blank, without control or invisible characters",
    ),
]
"""Why a person did something, for whoever reads the record later."""
Hex64 = Annotated[
    str,
    Field(max_length=64),
    matching("[0-9a-f]{64}", "a SHA-256 of 64 lower-case hex digits"),
]
Uid = Annotated[
    str,
    Field(max_length=36),
    matching("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", "the uid of an object, a UUID"),
]
