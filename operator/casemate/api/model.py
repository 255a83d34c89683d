"""The base of all API types, and the rules that more than one of them uses.

Each rule exists once, as a regular expression with a sentence. From here it reaches the CRD as CEL
(so that the API server refuses with that sentence) and the operator as a validator (so that an
object stored under an older schema is refused as well).
"""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

VALIDATIONS = "x-kubernetes-validations"
"""The schema key that holds CEL rules."""


class ApiModel(BaseModel):
    """An immutable API object; JSON in camel case, unknown fields refused."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
    )


def cel(rule: str, message: str) -> dict[str, Any]:
    """Schema extras with one CEL rule; `message` says what is accepted."""
    return {VALIDATIONS: [{"rule": rule, "message": message}]}


def matching(pattern: str, accepted: str, max_length: int) -> Any:
    """A string type: `pattern` must match as a whole, `accepted` ends the sentence "must be"."""
    expression = re.compile(pattern)
    quoted = pattern.replace("\\", "\\\\").replace("'", "\\'")

    def check(value: str) -> str:
        if expression.fullmatch(value) is None:
            raise ValueError(f"must be {accepted}; got {value!r}")
        return value

    rule = {
        "rule": f"self.matches('^(?:{quoted})$')",
        "message": f"must be {accepted}",
        "messageExpression": f"'must be {accepted.replace(chr(39), chr(92) + chr(39))}; got ' + self",
    }
    return Annotated[
        str,
        Field(min_length=1, max_length=max_length, json_schema_extra={VALIDATIONS: [rule]}),
        AfterValidator(check),
    ]


_HOST = r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?"
_PATH = r"(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)+"

DnsLabel = matching(
    r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?",
    "a name of lower-case letters, digits and '-', at most 63 characters",
    63,
)
ImageDigest = matching(
    _HOST + _PATH + r"@sha256:[0-9a-f]{64}",
    "an image by digest, REGISTRY/REPOSITORY@sha256:<64 hex digits>, without scheme or tag",
    512,
)
RelativePath = matching(
    r"(?:[A-Za-z0-9_-][A-Za-z0-9._-]*)(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*",
    "a relative path of letters, digits, '.', '_' and '-', without '..' or a leading '/' or '.'",
    512,
)
ModelName = matching(
    r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?(?:/[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)?",
    "a model name of letters, digits, '.', '_' and '-', with at most one '/'",
    128,
)
EnvName = matching(
    r"[A-Za-z_][A-Za-z0-9_]*",
    "an environment variable name of letters, digits and '_', not starting with a digit",
    128,
)
Plain = matching(
    r"[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*",
    "one line of text without control characters",
    256,
)
