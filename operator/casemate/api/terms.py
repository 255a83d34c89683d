"""Values that agreements, suppliers and deployments share: times, registries, guardrails."""

import keyword
import re
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from casemate.api.model import ApiModel, DnsLabel, ImageDigest, Plain
from casemate.api.quantities import Resources
from casemate.api.rules import Rule, literal, matching

FORCE = "use-of-force"
RED_LINES = {"domestic-mass-surveillance": "Refuse", FORCE: "Hold"}
"""The built-in red lines with their mildest verdicts; no agreement can lack or relax them."""

# The days that the months have are part of the pattern, so that CEL refuses the same ones as Python
# does, with the sentence of the rule and not with an error from timestamp().
_LEAP = "(?:[1-9][0-9](?:0[48]|[2468][048]|[13579][26])|(?:[2468][048]|[13579][26])00)"
_DAY = (
    "(?:[1-9][0-9]{3}-(?:"
    "(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    f"|02-(?:0[1-9]|1[0-9]|2[0-8]))|{_LEAP}-02-29)"
)
_INSTANT = f"{_DAY}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z"
_SPELLING = "%Y-%m-%dT%H:%M:%SZ"
_DOMAIN_PART = "[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_PATH_PART = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"


def instant(text: str) -> datetime:
    """Return the moment that a text such as `2026-03-01T00:00:00Z` names.

    Raises:
        ValueError: There is no such moment, such as on 30 February.
    """
    return datetime.strptime(text, _SPELLING).replace(tzinfo=UTC)


def spelled(moment: datetime) -> str:
    """Return the moment, in UTC, as API objects spell it: the inverse of `instant`."""
    return moment.strftime(_SPELLING)


Instant = Annotated[
    str,
    Field(max_length=20),
    matching(_INSTANT, "a moment in UTC such as 2026-03-01T00:00:00Z, on a day that exists"),
]
"""A moment, to the second."""

Registry = Annotated[
    str,
    Field(max_length=255),
    matching(
        rf"{_DOMAIN_PART}(?:\.{_DOMAIN_PART})*(?::[0-9]{{1,5}})?(?:/{_PATH_PART})*",
        "a registry, with or without the beginning of a repository, such as "
        "registry.enclave.local/models, without scheme, tag or digest",
    ),
]
Name = Annotated[
    str,
    Field(max_length=63),
    matching(
        "[a-z0-9](?:[-a-z0-9]*[a-z0-9])?",
        "the name of an object: lower-case letters, digits and '-', at most 63 characters",
    ),
]
Digest = Annotated[
    str,
    Field(max_length=71),
    matching("sha256:[0-9a-f]{64}", "a digest, sha256:<64 hex digits>"),
]
GuardrailName = Annotated[
    str,
    Field(max_length=53),
    matching(
        "[a-z0-9](?:[-a-z0-9]*[a-z0-9])?",
        "a name of lower-case letters, digits and '-', at most 53 characters",
    ),
]


def distinct(key: str) -> AfterValidator:
    """Return a check that no two items of a list have the same `key`."""

    def check(items: list[ApiModel]) -> list[ApiModel]:
        if len({getattr(item, key) for item in items}) < len(items):
            raise ValueError(f"needs a different {key} for every item")
        return items

    return AfterValidator(check)


def keyed(key: str) -> dict[str, object]:
    """Return the schema of a list whose items are told apart by `key`."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key]}


GATEWAY_PORT, METRICS_PORT = 8443, 9090
"""The gateway's ports in every model pod, whose containers share one network."""

LoopbackPort = Annotated[
    int,
    Field(ge=1024, le=65535),
    Rule(
        cel=f"self != {GATEWAY_PORT} && self != {METRICS_PORT}",
        message=f"must be another port than the gateway's own, {GATEWAY_PORT} and {METRICS_PORT}",
        holds=lambda port: port not in {GATEWAY_PORT, METRICS_PORT},
    ),
]
"""A port of a container beside the gateway."""


class Guardrail(ApiModel):
    """A further guard beside the gateway's own: a sidecar that speaks the detector API."""

    name: GuardrailName
    """Name; the container is called `guardrail-` and this."""
    image: ImageDigest
    """Its image, by digest."""
    contract: Literal["TextDetectorV1"] = "TextDetectorV1"
    """What it speaks: the FMS detector API for text."""
    port: LoopbackPort
    """Loopback port that it serves on."""
    resources: Resources = Resources()
    """Compute resources of its container."""


Guardrails = Annotated[
    list[Guardrail], Field(max_length=8, json_schema_extra=keyed("name")), distinct("name")
]


class AgreementRef(ApiModel):
    """Names the UsageAgreement that a deployment is made under."""

    name: Name
    """Name of a UsageAgreement."""


class ModelBase(ApiModel):
    """The model that a variant was made from."""

    supplier: DnsLabel
    """Name of the Supplier of the base: its blocks count for the variant too."""
    digest: Digest
    """Digest of the base's weights."""


class Accountable(ApiModel):
    """The person who answers for an agreement."""

    name: Plain
    """Name of the person."""
    office: Plain
    """The office they hold."""
    contact: Plain
    """How to reach them."""


def in_order(earlier: str, later: str) -> Rule:
    """Return the rule that one moment of an object lies before another, if both are given."""

    def holds(value: ApiModel) -> bool:
        first, second = (getattr(value, _snake(name)) for name in (earlier, later))
        return first is None or second is None or instant(first) < instant(second)

    both = f"!has(self.{earlier}) || !has(self.{later})"
    return Rule(
        cel=f"{both} || timestamp(self.{earlier}) < timestamp(self.{later})",
        message=f"needs {earlier} before {later}",
        holds=holds,
    )


def _snake(name: str) -> str:
    snake = re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", name)
    return f"{snake}_" if keyword.iskeyword(snake) else snake


def one_of(values: list[str]) -> str:
    """Return a CEL list of string literals."""
    return "[" + ", ".join(map(literal, values)) + "]"
