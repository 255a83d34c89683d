"""Resource names and quantities, as far as a deployment needs them."""

import re
from decimal import Decimal
from typing import Annotated, ClassVar

from pydantic import Field

from casemate.api.model import ApiModel
from casemate.api.rules import Rule, literal

_NUMBER = r"([0-9]{1,18}(?:\.[0-9]{1,9})?)"
_SUFFIXES = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    **{letter: Decimal(1000) ** power for power, letter in enumerate("kMGTP", 1)},
    **{f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTP", 1)},
}
_QUANTITY = _NUMBER + "(|" + "|".join(filter(None, _SUFFIXES)) + ")"
_RESOURCE = (
    "cpu|memory|ephemeral-storage|hugepages-[0-9]+[KMG]i"
    r"|[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*"
    "/[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
)


def amount(quantity: int | str) -> Decimal | None:
    """Return the number that a quantity stands for, or None if it is not an accepted quantity."""
    parts = re.fullmatch(_QUANTITY, str(quantity))
    return Decimal(parts[1]) * _SUFFIXES[parts[2]] if parts else None


Quantity = Annotated[
    int | Annotated[str, Field(max_length=32)],
    Rule(
        cel=f"string(self).matches({literal(f'^(?:{_QUANTITY})$')})",
        message="must be a quantity such as 500m, 2, 1.5 or 4Gi: a number that is not negative, "
        "followed by nothing or one of m, k, M, G, T, P, Ki, Mi, Gi, Ti, Pi",
        holds=lambda value: amount(value) is not None,
    ),
]

_OTHER_NAMES = f"self.filter(key, !key.matches({literal(f'^(?:{_RESOURCE})$')}))"

Amounts = Annotated[
    dict[str, Quantity],
    Field(max_length=16),
    Rule(
        cel=f"size({_OTHER_NAMES}) == 0",
        message="accepts cpu, memory, ephemeral-storage, hugepages-<size>, and resources of "
        "devices such as example.com/gpu",
        finding=_OTHER_NAMES,
        holds=lambda value: all(re.fullmatch(_RESOURCE, key) for key in value),
    ),
]

# What is no quantity at all is for the quantity's own rule to refuse.
_ABOVE = (
    "self.requests.filter(key, key in self.limits"
    " && isQuantity(string(self.requests[key])) && isQuantity(string(self.limits[key]))"
    " && quantity(string(self.requests[key])).isGreaterThan(quantity(string(self.limits[key]))))"
)


def _above(resources: "Resources") -> list[str]:
    limits = resources.limits or {}
    return [
        key
        for key, value in (resources.requests or {}).items()
        if key in limits and (amount(value) or 0) > (amount(limits[key]) or 0)
    ]


class Resources(ApiModel):
    """Compute resources, as for a container."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel=f"!has(self.requests) || !has(self.limits) || size({_ABOVE}) == 0",
            message="accepts no request above its limit",
            finding=_ABOVE,
            holds=lambda self: not _above(self),
        ),
    )

    requests: Amounts | None = None
    """What is reserved, by resource name."""
    limits: Amounts | None = None
    """What may be used at most, by resource name."""
