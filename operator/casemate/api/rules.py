"""Rules that a schema keyword cannot say, each stated once for both sides that enforce it.

The API server gets the rule as CEL and refuses with its sentence. The operator gets the same rule
as Python, so that an object stored under an older schema is refused as well.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import core_schema

VALIDATIONS = "x-kubernetes-validations"
"""The schema key that holds CEL rules."""


@dataclass(frozen=True)
class Rule:
    """One rule; as `Annotated` metadata it binds a field, in `ApiModel.RULES` a whole object.

    Attributes:
        cel: Expression over `self` that must be true.
        message: What is accepted, to be read after the field's path.
        holds: The same rule over the parsed value.
        finding: CEL value that names what was found, added to the message. Needed only for objects,
            lists and maps: a refused string or number is printed by the API server itself.
        field: Path below the object that the API server shall name, such as `.metadata.name`.
    """

    cel: str
    message: str
    holds: Callable[[Any], bool]
    finding: str = ""
    field: str = ""

    def as_cel(self) -> dict[str, str]:
        """Return the rule as an entry of `x-kubernetes-validations`."""
        entry = {"rule": self.cel, "message": self.message}
        if self.finding:
            # format() and not "+": its cost does not grow with the length that a map's keys
            # could have, which the API server does not let us bound.
            text = self.message.replace("%", "%%") + "; found %s"
            entry["messageExpression"] = f"{literal(text)}.format([{self.finding}])"
        if self.field:
            entry["fieldPath"] = self.field
        return entry

    def enforce(self, value: Any) -> Any:
        """Return the value, or raise ValueError with the message when the rule is broken."""
        if not self.holds(value):
            raise ValueError(self.message)
        return value

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Check the rule after the field's own type."""
        return core_schema.no_info_after_validator_function(self.enforce, handler(source))

    def __get_pydantic_json_schema__(
        self, core: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Carry the rule into the JSON Schema."""
        schema = handler(core)
        return {**schema, VALIDATIONS: [*schema.get(VALIDATIONS, []), self.as_cel()]}


IMMUTABLE = Rule(
    cel="self == oldSelf",
    message="must stay as it was made",
    # Only a change can break it, and one value is no change.
    holds=lambda _: True,
)
"""The rule of what nobody may change once it is made."""


def matching(pattern: str, accepted: str) -> Rule:
    """Return the rule that a string matches `pattern` as a whole; `accepted` ends "must be".

    The pattern must mean the same to Python and to RE2: no look-around, no back-references.
    """
    expression = re.compile(pattern)
    return Rule(
        cel=f"self.matches({literal(f'^(?:{pattern})$')})",
        message=f"must be {accepted}",
        holds=lambda value: expression.fullmatch(value) is not None,
    )


def literal(text: str) -> str:
    r"""Return `text` as a CEL string literal of printable ASCII (others become \uXXXX)."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return "'" + "".join(_printable(character) for character in escaped) + "'"


def _printable(character: str) -> str:
    return character if " " <= character <= "~" else f"\\u{ord(character):04x}"
