"""What gateways and the warden agree on about callers: the audience, the question, the answers.

The wire is loopback-simple on purpose: a gateway posts the token that a caller presents, and the
warden answers who that is. What is asked about (the ModelDeployment) is never part of the question.
"""

import binascii
import re
from base64 import urlsafe_b64decode

import orjson

AUDIENCE = "casemate"
"""Audience of the tokens that callers present."""
VERB = "use"
"""What a caller needs the right to, on the ModelDeployment that it asks."""
CALLERS_PATH = "/v1/callers"
KNOWN_SECONDS = 40.0
"""How long an answer holds at most.

The API server itself takes a token that it has just seen for good for 10 s more (its cache of
successes), and a question takes up to `ASK_SECONDS`: together they stay within a minute.
"""
REVIEW_SECONDS, ASK_SECONDS = 3.0, 4.0
"""How long the API server may take to answer the warden, and the warden to answer a gateway."""
BAD_CALLER, NO_RIGHT = "bad_caller", "no_right"
"""Reasons of the refusals that are the caller's own; any other means that nothing is known."""
MOST_TOKEN = 8192
"""Longest token, in characters; nothing longer fits into a header line."""
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_JWT_PARTS = 3


def is_token(text: str) -> bool:
    """Whether a text has the form of a bearer token (RFC 6750, section 2.1).

    No white space and no braces: so a JWT has one spelling, and its end can be read.
    """
    return len(text) <= MOST_TOKEN and _TOKEN.fullmatch(text) is not None


def expiry(token: str) -> float | None:
    """Return when a token ends by its own word, as Unix time.

    Args:
        token: One that the API server took for good; of another, this means nothing.

    Returns:
        None where it is no JWT, or does not say.
    """
    parts = token.split(".")
    if len(parts) != _JWT_PARTS:
        return None
    try:
        claims = orjson.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return None
    ends = claims.get("exp") if isinstance(claims, dict) else None
    return float(ends) if isinstance(ends, int | float) and not isinstance(ends, bool) else None
