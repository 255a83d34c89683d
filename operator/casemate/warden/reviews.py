"""Who presents a token to a model, and whether they may use it: two questions to the API server.

Nothing is kept here: gateways keep an answer as long as it says, and the sum must stay in a minute.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiohttp import web

from casemate.api.v1alpha1 import GROUP, PLURAL
from casemate.cluster.client import Client
from casemate.cluster.errors import Error
from casemate.cluster.kinds import ACCESS_REVIEW, TOKEN_REVIEW, Kind
from casemate.identity import (
    AUDIENCE,
    BAD_CALLER,
    CALLERS_PATH,
    KNOWN_SECONDS,
    NO_RIGHT,
    REVIEW_SECONDS,
    VERB,
    expiry,
    is_token,
)
from casemate.warden.answers import Callers
from casemate.warden.callers import Pod, RefusedError
from casemate.warden.metrics import CALLERS
from casemate.warden.requests import bad_report, bearer, body_of, refusal

log = logging.getLogger(__name__)

AT_ONCE = 16
"""Questions to the API server at once: proofs of isolation need some of the connections to it."""


class Named(NamedTuple):
    """A caller who may use a model.

    Attributes:
        username: As the API server knows them.
        uid: Tells a new account of that name from the old one; may be empty.
        groups: Theirs.
        seconds: How long this holds.
    """

    username: str
    uid: str
    groups: list[str]
    seconds: float


class Reviews:
    """Asks the API server about callers of models."""

    def __init__(self, client: Client, clock: Callable[[], float] = time.time) -> None:
        self._client, self._clock = client, clock
        self._places = asyncio.Semaphore(AT_ONCE)

    async def named(self, pod: Pod, token: str) -> Named:
        """Return who presents a token to a pod, where they may use its ModelDeployment.

        Args:
            pod: The pod that asks, as the API server has it: its label says which deployment.
            token: What the caller presented.

        Raises:
            RefusedError: 401 or 403 by the caller's fault; 503 where nobody knows.
        """
        async with self._asking():
            user, ends = await self._user(token)
            seconds = min(KNOWN_SECONDS, ends - self._clock())
            # The API server bears with a token for a minute after its end; we do not.
            if seconds <= 0:
                raise RefusedError(401, BAD_CALLER, "the token has expired")
            await self._require_right(pod, user)
        groups = [str(one) for one in user.get("groups") or []]
        return Named(str(user["username"]), str(user.get("uid") or ""), groups, seconds)

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[None]:
        """Hold a place among those that ask, for a while."""
        try:
            async with asyncio.timeout(REVIEW_SECONDS), self._places:
                yield
        except TimeoutError:
            raise _unknown("the API server did not answer in time") from None
        except Error as error:
            raise _unknown(str(error)) from error

    async def _user(self, token: str) -> tuple[Mapping[str, Any], float]:
        """Return whose token it is, and when that ends."""
        spec = {"token": token, "audiences": [AUDIENCE]}
        status = await self._review(TOKEN_REVIEW, spec)
        known = status.get("authenticated") is True and AUDIENCE in (status.get("audiences") or [])
        user = status.get("user") or {}
        if not known or not user.get("username"):
            message = f"a token of audience {AUDIENCE} that is valid is accepted"
            raise RefusedError(401, BAD_CALLER, message)
        ends = expiry(token)
        return user, float("inf") if ends is None else ends

    async def _require_right(self, pod: Pod, user: Mapping[str, Any]) -> None:
        asked = {
            "verb": VERB,
            "group": GROUP,
            "resource": PLURAL,
            "namespace": pod.namespace,
            "name": pod.deployment,
        }
        who = {"user": user["username"]}
        who |= {key: user[key] for key in ("uid", "groups", "extra") if user.get(key)}
        status = await self._review(ACCESS_REVIEW, who | {"resourceAttributes": asked})
        if status.get("allowed") is not True:
            what = f"{PLURAL}.{GROUP} {pod.namespace}/{pod.deployment}"
            raise RefusedError(403, NO_RIGHT, f"{user['username']} may not {VERB} {what}")

    async def _review(self, kind: Kind, spec: Mapping[str, Any]) -> Mapping[str, Any]:
        body = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {}, "spec": spec}
        status: Mapping[str, Any] = (await self._client.create(kind, body)).get("status") or {}
        return status


def route(callers: Callers, reviews: Reviews) -> web.RouteDef:
    """Return where gateways ask who calls them.

    Args:
        callers: Knows the pod that asks.
        reviews: Knows the caller that it asks about.
    """

    async def answer(request: web.Request) -> web.Response:
        pod = await callers.pod(bearer(request), request.remote or "")
        body = await body_of(request)
        try:
            named = await reviews.named(pod, _asked(body))
        except RefusedError as error:
            CALLERS.labels(error.reason).inc()
            # Whoever has no name may send as many tokens as they like: the log need not grow.
            level = logging.DEBUG if error.reason == BAD_CALLER else logging.INFO
            log.log(level, "to %s/%s: %s", pod.namespace, pod.name, error)
            return refusal(error)
        CALLERS.labels("named").inc()
        return web.json_response(named._asdict())

    return web.post(CALLERS_PATH, answer)


def _asked(body: Any) -> str:
    token = body.get("token") if isinstance(body, dict) else None
    if not isinstance(token, str) or set(body) != {"token"}:
        raise bad_report("an object with a token alone is accepted")
    if not is_token(token):
        raise RefusedError(401, BAD_CALLER, "that is no bearer token")
    return token


def _unknown(why: str) -> RefusedError:
    return RefusedError(503, "unchecked", f"the caller cannot be checked: {why}")
