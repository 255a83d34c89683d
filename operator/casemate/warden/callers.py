"""Who calls: a pod by the token that is bound to it, from its own address; or the operator."""

import hashlib
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from casemate.cluster.client import Client
from casemate.cluster.errors import Error
from casemate.cluster.kinds import POD, TOKEN_REVIEW
from casemate.core import names

KNOWN_SECONDS = 300.0
"""How long a pod stays known without being asked about again: an API server may be down as long."""
_MOST_KNOWN = 10_000
_EXTRA = "authentication.kubernetes.io"


class RefusedError(Exception):
    """Who calls is not who may.

    Attributes:
        status: HTTP status of the answer.
        reason: Why, as a metric's label.
    """

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason = status, reason


class Pod(NamedTuple):
    """A model pod that proved who it is."""

    namespace: str
    name: str
    uid: str
    address: str


class Callers:
    """Asks the API server about tokens."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client = client
        self._operator = f"system:serviceaccount:{namespace}:casemate-operator"
        self._known: dict[tuple[bytes, str], tuple[float, Pod]] = {}

    async def pod(self, token: str, address: str) -> Pod:
        """Return the model pod that a token is bound to, if it called from its own address.

        Raises:
            RefusedError: It is none, or somebody else has its token.
        """
        key, now = (hashlib.sha256(token.encode()).digest(), address), time.monotonic()
        until, known = self._known.get(key, (0.0, None))
        if known is not None and now < until:
            return known
        found = await self._found(await self._user(token), address)
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[key] = (now + KNOWN_SECONDS, found)
        return found

    async def operator(self, token: str) -> None:
        """Make sure that a token is the operator's.

        Raises:
            RefusedError: It is not.
        """
        user = await self._user(token)
        if user["username"] != self._operator:
            raise RefusedError(403, "not_operator", f"{user['username']} is not {self._operator}")

    async def _user(self, token: str) -> Mapping[str, Any]:
        body = {
            "apiVersion": TOKEN_REVIEW.api_version,
            "kind": TOKEN_REVIEW.kind,
            "metadata": {},
            "spec": {"token": token, "audiences": [names.WARDEN]},
        }
        try:
            status = (await self._client.create(TOKEN_REVIEW, body)).get("status", {})
        except Error as error:
            raise RefusedError(503, "unchecked", f"the token cannot be checked: {error}") from error
        if not status.get("authenticated") or names.WARDEN not in status.get("audiences", []):
            raise RefusedError(
                401, "bad_token", f"a token of audience {names.WARDEN} that is valid is accepted"
            )
        user: Mapping[str, Any] = status["user"]
        return user

    async def _found(self, user: Mapping[str, Any], address: str) -> Pod:
        extra = user.get("extra") or {}
        (name,) = extra.get(f"{_EXTRA}/pod-name") or [""]
        (uid,) = extra.get(f"{_EXTRA}/pod-uid") or [""]
        namespace = str(user["username"]).removeprefix("system:serviceaccount:").partition(":")[0]
        if not name or not uid:
            raise RefusedError(403, "unbound_token", "a token that is bound to a pod is accepted")
        try:
            pod = await self._client.get(POD, namespace, name)
        except Error as error:
            raise RefusedError(503, "unchecked", f"the pod cannot be read: {error}") from error
        if pod is None or pod["metadata"]["uid"] != uid:
            raise RefusedError(403, "no_such_pod", f"there is no pod {namespace}/{name} any more")
        if names.NAME_LABEL not in pod["metadata"].get("labels", {}):
            raise RefusedError(403, "no_model", f"{namespace}/{name} is no model pod")
        own = {one["ip"] for one in pod.get("status", {}).get("podIPs", [])}
        if address not in own:
            raise RefusedError(
                403, "foreign_token", f"the token of {namespace}/{name} was used from {address}"
            )
        return Pod(namespace, name, uid, address)
