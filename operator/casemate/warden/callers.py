"""Who calls: a pod by the token that is bound to it, from its own address; or the operator."""

import hashlib
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from casemate.cluster.client import Client
from casemate.cluster.errors import Error
from casemate.cluster.kinds import POD, TOKEN_REVIEW
from casemate.core import names
from casemate.evidence import ELSEWHERE, ELSEWHERE_STATUS

KNOWN_SECONDS = 300.0
"""How long a pod stays known without being asked about again: an API server may be down as long."""
_MOST_KNOWN = 10_000
_EXTRA = "authentication.kubernetes.io"


class RefusedError(Exception):
    """Who calls is not who may.

    Attributes:
        status: HTTP status of the answer.
        reason: Why, as a metric's label.
        replica: Which replica is to be asked instead; empty: none.
    """

    def __init__(self, status: int, reason: str, message: str, replica: str = "") -> None:
        super().__init__(message)
        self.status, self.reason, self.replica = status, reason, replica


def elsewhere(replica: str) -> RefusedError:
    """Return the refusal of what another replica is to be asked."""
    return RefusedError(ELSEWHERE_STATUS, ELSEWHERE, f"{replica} is to be asked", replica)


class Pod(NamedTuple):
    """A model pod that proved who it is.

    Attributes:
        namespace: Where it is.
        name: Its own.
        uid: Tells it from others of that name.
        address: From which it called.
        deployment: The ModelDeployment that it serves, by its label.
        terms: Digest of the terms that it was made under, by its mark; empty: it has none.
    """

    namespace: str
    name: str
    uid: str
    address: str
    deployment: str
    terms: str = ""


class Callers:
    """Asks the API server about tokens."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client = client
        self._operator = f"system:serviceaccount:{namespace}:casemate-operator"
        self._itself = f"system:serviceaccount:{namespace}:{names.WARDEN}"
        self._known: dict[tuple[bytes, str], tuple[float, Pod]] = {}
        self._peers: dict[tuple[bytes, str], tuple[float, str]] = {}

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

    async def peer(self, token: str, address: str) -> str:
        """Return the name of the warden's replica that a token is bound to, if it called itself.

        Raises:
            RefusedError: It is none, or somebody else has its token.
        """
        key, now = (hashlib.sha256(token.encode()).digest(), address), time.monotonic()
        until, known = self._peers.get(key, (0.0, ""))
        if now < until:
            return known
        user = await self._user(token)
        if user["username"] != self._itself:
            raise RefusedError(403, "not_peer", f"{user['username']} is not {self._itself}")
        pod = await self._bound(user)
        name = str(pod["metadata"]["name"])
        if not names.is_warden(name):
            raise RefusedError(403, "not_peer", f"{name} is no replica of the warden")
        _require_own(pod, address)
        if len(self._peers) >= _MOST_KNOWN:
            self._peers.clear()
        self._peers[key] = (now + KNOWN_SECONDS, name)
        return name

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
        pod = await self._bound(user)
        meta = pod["metadata"]
        namespace, name = str(meta["namespace"]), str(meta["name"])
        deployment = meta.get("labels", {}).get(names.NAME_LABEL)
        if not deployment:
            raise RefusedError(403, "no_model", f"{namespace}/{name} is no model pod")
        _require_own(pod, address)
        marked = str(meta.get("annotations", {}).get(names.TERMS_ANNOTATION, ""))
        terms = marked.partition("@")[2]
        return Pod(namespace, name, str(meta["uid"]), address, deployment, terms)

    async def _bound(self, user: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the pod that a token is bound to."""
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
        return pod


def _require_own(pod: Mapping[str, Any], address: str) -> None:
    """Refuse a token that is used from another address than its pod's."""
    own = {one["ip"] for one in pod.get("status", {}).get("podIPs", [])}
    if address not in own:
        meta = pod["metadata"]
        told = f"the token of {meta['namespace']}/{meta['name']} was used from {address}"
        raise RefusedError(403, "foreign_token", told)
