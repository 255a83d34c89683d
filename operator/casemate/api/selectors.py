"""Label selectors, with the limits that keep admission cheap."""

import re
from typing import Annotated, ClassVar, Literal, Protocol

from pydantic import ConfigDict, Field

from casemate.api.model import ApiModel
from casemate.api.rules import Rule, literal, matching

_NAME = "[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_PART = "[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_KEY = rf"(?:{_PART}(?:\.{_PART})*/)?{_NAME}"
_KEY_ACCEPTED = (
    "a label key: a name of letters, digits, '-', '_' and '.' of at most 63 characters, "
    "after a DNS name and '/' if it has a prefix"
)

LabelKey = Annotated[str, Field(max_length=253), matching(_KEY, _KEY_ACCEPTED)]
LabelValue = Annotated[
    str,
    Field(max_length=63),
    matching(
        f"(?:{_NAME})?",
        "a label value: letters, digits, '-', '_' and '.', with a letter or digit at both ends",
    ),
]

_EVERYWHERE = "kubernetes.io/metadata.name"
"""The label that every namespace has."""

_BAD_KEYS = f"self.filter(key, !key.matches({literal(f'^(?:{_KEY})$')}))"

Labels = Annotated[
    dict[str, LabelValue],
    Field(max_length=16),
    Rule(
        cel=f"size({_BAD_KEYS}) == 0",
        message=f"every key must be {_KEY_ACCEPTED}",
        finding=_BAD_KEYS,
        holds=lambda labels: all(re.fullmatch(_KEY, key) for key in labels),
    ),
]


class LabelSelectorRequirement(ApiModel):
    """One condition on a label."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
            message="needs values for the operators In and NotIn, and none for Exists and "
            "DoesNotExist",
            finding="self.operator + ' for ' + self.key",
            holds=lambda self: (self.operator in {"In", "NotIn"}) == bool(self.values),
        ),
    )

    key: LabelKey
    """Label key."""
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    """How the label relates to the values."""
    values: Annotated[list[LabelValue], Field(max_length=32)] | None = None
    """Values for In and NotIn; must be absent for Exists and DoesNotExist."""


class LabelSelector(ApiModel):
    """A Kubernetes label selector. All conditions must hold."""

    model_config = ConfigDict(json_schema_extra={"x-kubernetes-map-type": "atomic"})

    match_labels: Labels | None = None
    """Labels that must have exactly these values."""
    match_expressions: Annotated[list[LabelSelectorRequirement], Field(max_length=16)] | None = None
    """Further conditions on labels."""

    def names_a_label(self) -> bool:
        """Tell whether some label must be there; if not, nearly everything is selected."""
        expressions = self.match_expressions or []
        return bool(self.match_labels) or any(
            one.operator == "In" or (one.operator == "Exists" and one.key != _EVERYWHERE)
            for one in expressions
        )


_NAMES_A_LABEL = (
    "(has(self.{0}) && (has(self.{0}.matchLabels) && size(self.{0}.matchLabels) > 0"
    " || has(self.{0}.matchExpressions)"
    " && self.{0}.matchExpressions.exists(one, one.operator == 'In' || "
    f"one.operator == 'Exists' && one.key != {literal(_EVERYWHERE)})))"
)
SELECTS = " || ".join(map(_NAMES_A_LABEL.format, ("podSelector", "namespaceSelector")))
"""CEL: a peer is named by at least one label, of pods or of namespaces."""
SELECTS_MESSAGE = (
    "a podSelector or a namespaceSelector that asks for at least one label (matchLabels, or "
    "matchExpressions with In or Exists); a whole namespace is selected by its label "
    f"{_EVERYWHERE}, and as every namespace has that, Exists asks for nothing there"
)
"""What is accepted, to be read after "needs"."""


class Selecting(Protocol):
    """What names pods by labels."""

    @property
    def namespace_selector(self) -> LabelSelector | None:
        """Which namespaces."""

    @property
    def pod_selector(self) -> LabelSelector | None:
        """Which pods in them."""


def selects(peer: Selecting) -> bool:
    """Tell the same as `SELECTS`."""
    return any(
        selector is not None and selector.names_a_label()
        for selector in (peer.pod_selector, peer.namespace_selector)
    )


class Client(ApiModel):
    """Pods that may call the gateway. Both selectors given: both must match."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(cel=SELECTS, message=f"needs {SELECTS_MESSAGE}", holds=selects),
    )

    namespace_selector: LabelSelector | None = None
    """Namespaces of the clients; absent: the deployment's own namespace."""
    pod_selector: LabelSelector | None = None
    """Pods of the clients; absent: every pod of the selected namespaces."""
