"""The allow-list: which request targets exist at all.

The raw target is compared byte for byte, before any decoding or normalisation. So there is no
second reading of a path that could differ from this one: no ``//``, no ``%2e``, no query string,
no absolute form. Whatever is not literally in the list does not exist.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from casemate.gateway.errors import Reason, Refusal


class Route(StrEnum):
    """The paths that exist; the only values, with ``other``, of the metric label ``path``."""

    CHAT = "/v1/chat/completions"
    COMPLETIONS = "/v1/completions"
    EMBEDDINGS = "/v1/embeddings"
    MODELS = "/v1/models"
    MODEL = "/v1/models/{id}"
    RECEIPT = "/v1/casemate/receipts/{id}"


METHODS = {
    Route.CHAT: "POST",
    Route.COMPLETIONS: "POST",
    Route.EMBEDDINGS: "POST",
    Route.MODELS: "GET",
    Route.MODEL: "GET",
    Route.RECEIPT: "GET",
}
_EXACT = {route.value: route for route in Route if "{" not in route.value}
_MODEL = re.compile(r"/v1/models/([A-Za-z0-9](?:[A-Za-z0-9._:-]{0,126}[A-Za-z0-9])?)")
_RECEIPT = re.compile(
    r"/v1/casemate/receipts/([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?/(?:0|[1-9][0-9]{0,15}))"
)
_LISTED = ", ".join(f"{method} {route}" for route, method in METHODS.items())


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes: its route, and the id of a model or a record where it has one."""

    route: Route
    model: str | None = None
    record: str = ""


def find(target: str) -> Target:
    """Find the route of a raw request target.

    Raises:
        Refusal: 400 for a query string, else 404 for any target that is not on the list.
    """
    route = _EXACT.get(target)
    if route is not None:
        return Target(route)
    model = _MODEL.fullmatch(target)
    if model is not None and ".." not in target:
        return Target(Route.MODEL, model.group(1))
    record = _RECEIPT.fullmatch(target)
    if record is not None:
        return Target(Route.RECEIPT, record=record.group(1))
    if target.partition("?")[0] in _EXACT:
        raise Refusal(
            400, Reason.UNKNOWN_PATH, "Query strings are not accepted; send the path alone."
        )
    raise Refusal(
        404,
        Reason.UNKNOWN_PATH,
        f"This path does not exist here. Accepted, byte for byte: {_LISTED}.",
        code="unknown_url",
    )


def require_method(route: Route, method: str) -> None:
    """Refuse, with 405 and ``Allow``, any method but the route's own."""
    accepted = METHODS[route]
    if method != accepted:
        raise Refusal(
            405,
            Reason.WRONG_METHOD,
            f"{route} accepts {accepted} only.",
            headers={"Allow": accepted},
        )
