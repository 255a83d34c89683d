"""Where a model's pods may connect to: peers in the enclave, each with the ports."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from casemate.api.cidrs import Cidr
from casemate.api.model import ApiModel
from casemate.api.rules import Rule
from casemate.api.selectors import SELECTS, SELECTS_MESSAGE, LabelSelector, selects


class EgressPort(ApiModel):
    """One port of a peer."""

    protocol: Literal["TCP", "UDP"] = "TCP"
    """Its protocol."""
    port: Annotated[int, Field(ge=1, le=65535)]
    """Its number, on the pod itself: a Service's port is translated before."""


class Egress(ApiModel):
    """Peers that the pods may connect to: a block of addresses, or pods by label."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="has(self.cidr) ? !has(self.podSelector) && !has(self.namespaceSelector) : "
            f"({SELECTS})",
            message=f"needs exactly one kind of peer: cidr, or {SELECTS_MESSAGE}",
            holds=lambda self: (
                selects(self)
                if self.cidr is None
                else self.pod_selector is None and self.namespace_selector is None
            ),
        ),
    )

    cidr: Cidr | None = None
    """Addresses, inside one of the agreement's `enclaveCIDRs`."""
    namespace_selector: LabelSelector | None = None
    """Namespaces of the peers; absent: the deployment's own namespace."""
    pod_selector: LabelSelector | None = None
    """Pods of the peers; absent: every pod of the selected namespaces."""
    ports: Annotated[list[EgressPort], Field(min_length=1, max_length=16)]
    """Ports that they may be reached on."""
