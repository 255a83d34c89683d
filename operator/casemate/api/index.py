"""casemate.dev/v1alpha1: TermsIndex, the list of all terms that admission looks names up in."""

from typing import Annotated

from pydantic import Field

from casemate.api.model import ApiModel

_ENTRIES = 10_000
_State = Annotated[str, Field(max_length=63)]


class TermsIndex(ApiModel):
    """Which agreements and suppliers there are. The operator writes the one that counts."""

    data: Annotated[dict[str, _State], Field(max_length=_ENTRIES)] = Field(default={})
    """`agreement.NAME` with its phase, and `supplier.NAME` with its standing."""
