"""The token that a caller presents, and the refusals of those who present no good one.

They are the ones of OpenAI's API, so that clients raise what they always raise. No word of the
token is in any of them.
"""

from aiohttp import web

from casemate.gateway.errors import Reason, Refusal
from casemate.identity import AUDIENCE, VERB, is_token

_HOW = f"Present a Kubernetes token of audience {AUDIENCE} as API key (Authorization: Bearer TOKEN)"
_UNKNOWN = (
    "Incorrect API key provided: it is no token, or of another audience or cluster, or has ended,"
    f" or its account is gone. {_HOW}."
)
_RIGHTLESS = (
    f"You have no right to use this model: it needs the verb {VERB} on this ModelDeployment, as the"
    " ClusterRole casemate-user has it."
)
_TOLD = {
    Reason.NO_TOKEN: (401, f"You didn't provide an API key. {_HOW}.", "invalid_api_key"),
    Reason.BAD_TOKEN: (401, _UNKNOWN, "invalid_api_key"),
    Reason.NO_RIGHT: (403, _RIGHTLESS, "permission_denied"),
    Reason.IDENTITY_UNAVAILABLE: (
        503,
        "Nobody can tell at the moment who you are, so nothing is answered; try again shortly.",
        None,
    ),
}
_HEADERS = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "5"}}


def presented(request: web.BaseRequest) -> str:
    """Return the token of a request.

    Raises:
        Refusal: 401, as there is none, or nothing that could be one.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise refused(Reason.NO_TOKEN)
    if not is_token(token):
        raise refused(Reason.BAD_TOKEN)
    return token


def refused(reason: Reason) -> Refusal:
    """Return the refusal of a caller; its body is not read, so the connection ends."""
    status, message, code = _TOLD[reason]
    headers = _HEADERS.get(status)
    return Refusal(status, reason, message, code=code, headers=headers, close=True)
