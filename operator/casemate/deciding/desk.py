"""What people who decide ask of the API server, as themselves: it alone says who may what.

Nothing here is trusted by anybody else: admission checks each decision, and the warden checks all
again before it lets a request go.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from http import HTTPStatus
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from casemate.api.approval import OPEN, Verdict
from casemate.api.model import Plain
from casemate.api.names import decision_name
from casemate.api.persons import Approver
from casemate.api.v1alpha1 import API_VERSION
from casemate.cluster.client import Answer, Client
from casemate.cluster.errors import Transient
from casemate.cluster.kinds import (
    APPROVAL_DECISION,
    APPROVAL_REQUEST,
    APPROVAL_REVIEW,
    USAGE_AGREEMENT,
    Kind,
)
from casemate.deciding.facts import SAID, counted
from casemate.deciding.following import Collection, Listed, Seen, follow
from casemate.deciding.refusals import (
    Away,
    DeskError,
    Ended,
    NotFound,
    Refused,
    Unreadable,
    refusal,
)
from casemate.deciding.sealed import Envelope
from casemate.deciding.tables import ended, phase

WHOAMI = Kind("SelfSubjectReview", "authentication.k8s.io", "v1", "selfsubjectreviews")

REVIEW_SECONDS = 30.0
"""How long the warden may take to answer a review."""
_LOOK_SECONDS = 0.3
_MOST_GROUPS = 256
_PAGE = 500
_NO_SUCCESS = frozenset(range(400, 429))
"""Answers that are read here; those that say `later` the client tries again by itself."""

Json = dict[str, Any]


class Desk:
    """The held requests, and what one person says about them.

    Args:
        client: Asks as that person.
        patience: Seconds that the warden may take to answer a review.
    """

    def __init__(self, client: Client, patience: float = REVIEW_SECONDS) -> None:
        self._client, self._patience = client, patience

    async def whoami(self) -> Approver:
        """Return who the API server says that we are.

        Raises:
            Refused: It does not know us, or by a name that can stand on no decision.
        """
        body = {"apiVersion": WHOAMI.api_version, "kind": WHOAMI.kind, "metadata": {}}
        user = (await self._ask("POST", WHOAMI.path(), body))["status"]["userInfo"]
        # A kind has room for so many; whose right hangs on another one is told so by the status.
        groups = [one for one in user.get("groups", []) if _plain(one)][:_MOST_GROUPS]
        try:
            return Approver(username=user["username"], uid=user.get("uid", ""), groups=groups)
        except ValidationError as error:
            raise Refused(f"your user name can stand on no decision: {user['username']}") from error

    async def waiting(self, namespace: str | None) -> list[Json]:
        """Return the requests that have not ended, the oldest first.

        Args:
            namespace: Where; None: everywhere.
        """
        return [one for one in await self.all(namespace) if phase(one) in OPEN]

    async def all(self, namespace: str | None) -> list[Json]:
        """Return all requests that there are, the oldest first, those that have ended as well."""
        return sorted(await self._list(APPROVAL_REQUEST, namespace), key=_age)

    async def follow(self, namespace: str | None) -> AsyncGenerator[Seen]:
        """Yield all requests that there are, the oldest first, and again at each change.

        Args:
            namespace: Where; None: everywhere.

        Raises:
            Refused: They are not ours to list, or to watch.
            Away: The API server did not answer at the beginning; afterwards what is seen says so.
        """

        async def listed() -> Listed:
            return await self._listed(APPROVAL_REQUEST, namespace)

        what = Collection(APPROVAL_REQUEST, namespace, listed)
        async with aclosing(follow(self._client, what)) as changes:
            async for seen in changes:
                yield seen._replace(objects=sorted(seen.objects, key=_age))

    async def request(self, namespace: str, name: str) -> Json:
        """Return one request.

        Raises:
            NotFound: There is none of that name.
        """
        try:
            return await self._ask("GET", APPROVAL_REQUEST.path(namespace, name))
        except NotFound as error:
            text = f"there is no ApprovalRequest {name} in namespace {namespace}"
            raise NotFound(text) from error

    async def decisions(self, namespace: str, name: str) -> list[Json]:
        """Return what people have said about a request, the oldest first."""
        chosen = {"fieldSelector": f"spec.request.name={name}"}
        return sorted(await self._list(APPROVAL_DECISION, namespace, chosen), key=_age)

    async def agreement(self, name: str) -> Json | None:
        """Return an agreement, or None: it is gone, or not ours to read."""
        try:
            return await self._ask("GET", USAGE_AGREEMENT.path(None, name))
        except (NotFound, Refused):
            return None

    async def content(self, request: Mapping[str, Any]) -> bytes:
        """Return the very bytes that would be sent, as the warden keeps them for the request.

        Raises:
            Refused: We have no right to read it.
            Unreadable: The warden has it not, or does not answer, or it is another content.
        """
        meta, envelope = request["metadata"], Envelope()
        spec = {
            "request": {"name": meta["name"], "uid": meta["uid"]},
            "agreement": request["spec"]["agreement"]["name"],
            "reviewer": (await self.whoami()).model_dump(by_alias=True),
            "publicKey": envelope.public_key,
        }
        body = _object(
            APPROVAL_REVIEW, {"generateName": "review-", "namespace": meta["namespace"]}, spec
        )
        made = await self._ask("POST", APPROVAL_REVIEW.path(meta["namespace"]), body)
        where = APPROVAL_REVIEW.path(meta["namespace"], made["metadata"]["name"])
        try:
            status = await self._answered(where)
        finally:
            # The warden would take it away as well, after minutes.
            with suppress(DeskError):
                await self._ask("DELETE", where)
        return envelope.opened(status, request["spec"]["requestDigest"])

    async def decide(
        self, request: Mapping[str, Any], verdict: Verdict, justification: str
    ) -> Json:
        """Say something about a request, in our own name; return the ApprovalDecision.

        Args:
            request: The very ApprovalRequest that the person has seen.
            verdict: What.
            justification: Why: one line of 10 to 1000 characters.

        Raises:
            Refused: We may not, or have said something already.
            Ended: The request ended before.
            Away: It is not known whether it was said.
        """
        meta, me = request["metadata"], await self.whoami()
        spec = {
            "request": {"name": meta["name"], "uid": meta["uid"]},
            "requestDigest": request["spec"]["requestDigest"],
            "agreement": request["spec"]["agreement"]["name"],
            "verdict": verdict,
            "justification": justification,
            "approver": me.model_dump(by_alias=True),
        }
        name = decision_name(meta["name"], verdict, me.username)
        body = _object(APPROVAL_DECISION, {"name": name, "namespace": meta["namespace"]}, spec)
        answer = await self._send("POST", APPROVAL_DECISION.path(meta["namespace"]), body)
        if answer.code < HTTPStatus.BAD_REQUEST:
            return answer
        if answer.code == HTTPStatus.CONFLICT:
            raise Refused(await self._said(meta["namespace"], name, me.username))
        await self._check_open(meta)
        raise refusal(answer, answer.code)

    async def counted(self, decision: Mapping[str, Any], patience: float) -> Json:
        """Return the request of a decision once its status tells what became of the decision.

        Args:
            decision: What was said.
            patience: Seconds to wait for the warden; after that, the request as it is.
        """
        meta, name = decision["metadata"], decision["spec"]["request"]["name"]
        clock = asyncio.get_running_loop().time
        deadline = clock() + patience
        while True:
            request = await self.request(meta["namespace"], name)
            if counted(request, meta["name"]) or clock() >= deadline:
                return request
            await asyncio.sleep(_LOOK_SECONDS)

    async def _said(self, namespace: str, name: str, username: str) -> str:
        """What somebody has said already: a decision's name allows for one of a person."""
        before = await self._ask("GET", APPROVAL_DECISION.path(namespace, name))
        what = SAID.get(before["spec"]["verdict"], "decided about")
        when = before["metadata"]["creationTimestamp"]
        return f"{username} {what} this request at {when} already, and one person decides once"

    async def _check_open(self, meta: Mapping[str, Any]) -> None:
        """Tell an end from other refusals: the request may have ended since the person saw it."""
        now = await self.request(meta["namespace"], meta["name"])
        if now["metadata"]["uid"] == meta["uid"] and phase(now) not in OPEN:
            raise Ended(ended(now))

    async def _answered(self, path: str) -> Json:
        """Wait for the warden's answer to a review."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._patience
        while clock() < deadline:
            status: Json = (await self._ask("GET", path)).get("status", {})
            if status.get("sealed") or status.get("message"):
                return status
            await asyncio.sleep(_LOOK_SECONDS)
        raise Unreadable(f"the warden did not answer the review within {self._patience:g} s")

    async def _list(
        self, kind: Kind, namespace: str | None, chosen: Mapping[str, str] | None = None
    ) -> list[Json]:
        return (await self._listed(kind, namespace, chosen)).objects

    async def _listed(
        self, kind: Kind, namespace: str | None, chosen: Mapping[str, str] | None = None
    ) -> Listed:
        found: list[Json] = []
        params = {"limit": str(_PAGE), **(chosen or {})}
        while True:
            page = await self._ask("GET", kind.path(namespace), params=params)
            found += page["items"]
            if not (more := page["metadata"].get("continue")):
                return Listed(found, str(page["metadata"]["resourceVersion"]))
            params["continue"] = more

    async def _ask(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Answer:
        answer = await self._send(method, path, body, params)
        if answer.code >= HTTPStatus.BAD_REQUEST:
            raise refusal(answer, answer.code)
        return answer

    async def _send(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Answer:
        try:
            return await self._client.request(method, path, params, body=body, accept=_NO_SUCCESS)
        except (Transient, orjson.JSONDecodeError) as error:
            raise Away(f"the API server could not answer: {error}") from error


def _object(kind: Kind, meta: Json, spec: Json) -> Json:
    return {"apiVersion": API_VERSION, "kind": kind.kind, "metadata": meta, "spec": spec}


def _age(one: Mapping[str, Any]) -> tuple[str, str, str]:
    meta = one["metadata"]
    return meta["creationTimestamp"], meta["namespace"], meta["name"]


_PLAIN: TypeAdapter[str] = TypeAdapter(Plain)


def _plain(group: str) -> bool:
    try:
        _PLAIN.validate_python(group)
    except ValidationError:
        return False
    return True
