"""Label selectors, with the limits that keep admission cheap."""

from typing import Annotated, Literal

from pydantic import Field

from casemate.api.model import ApiModel, cel

LabelKey = Annotated[str, Field(min_length=1, max_length=317)]
LabelValue = Annotated[str, Field(max_length=63)]


class LabelSelectorRequirement(ApiModel):
    """One condition on a label."""

    key: LabelKey
    """Label key."""
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    """How the label relates to the values."""
    values: Annotated[list[LabelValue], Field(max_length=32)] | None = None
    """Values for In and NotIn; must be absent for Exists and DoesNotExist."""


class LabelSelector(ApiModel):
    """A Kubernetes label selector. All conditions must hold."""

    match_labels: Annotated[dict[LabelKey, LabelValue], Field(max_length=16)] | None = None
    """Labels that must have exactly these values."""
    match_expressions: (
        Annotated[list[LabelSelectorRequirement], Field(max_length=16)] | None
    ) = None
    """Further conditions on labels."""

    def is_empty(self) -> bool:
        """Whether this selects everything."""
        return not self.match_labels and not self.match_expressions


_SOME = (
    "(has(self.{0}.matchLabels) && size(self.{0}.matchLabels) > 0) || "
    "(has(self.{0}.matchExpressions) && size(self.{0}.matchExpressions) > 0)"
)


class Client(ApiModel):
    """Pods that may call the gateway. Both selectors given: both must match."""

    model_config = {
        "json_schema_extra": cel(
            f"(has(self.podSelector) && ({_SOME.format('podSelector')})) || "
            f"(has(self.namespaceSelector) && ({_SOME.format('namespaceSelector')}))",
            "needs a podSelector or a namespaceSelector that names at least one label; "
            "a client that matches every pod of the cluster is not accepted",
        )
    }

    namespace_selector: LabelSelector | None = None
    """Namespaces of the clients; absent: the deployment's own namespace."""
    pod_selector: LabelSelector | None = None
    """Pods of the clients; absent: every pod of the selected namespaces."""
