"""The cluster as one person may see it: every call carries their token, none is the console's."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from kubernetes.aio import client as kubernetes

from casemate.cluster.client import Answer, Client
from casemate.cluster.errors import Error
from casemate.cluster.kinds import KILL_SWITCH, MODEL_DEPLOYMENT, Kind
from casemate.deciding.desk import Desk
from casemate.deciding.refusals import Away, refusal

_REFUSED = frozenset(range(400, 429))

Json = dict[str, Any]


class EndedTokenError(Exception):
    """The API server does not know the token (any more)."""


@dataclass(frozen=True)
class Server:
    """The API server.

    Attributes:
        url: Its address, https://…
        authority: File with the certificates that it is known by.
    """

    url: str
    authority: Path

    def enter(self, token: str) -> "Access":
        """Return what the holder of a token may do; nobody has looked at the token yet."""
        configuration = kubernetes.Configuration()
        configuration.host = self.url
        configuration.ssl_ca_cert = str(self.authority)
        configuration.api_key = {"BearerToken": f"Bearer {token}"}
        return Access(_Client(configuration, me="console"))


class Access:
    """What one person may do.

    Attributes:
        desk: Held requests, and what they say about them.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self.desk = Desk(client)

    async def deployments(self, namespace: str | None) -> list[Json]:
        """Return all ModelDeployments, or those of a namespace.

        Raises:
            DeskError: The API server refused, or did not answer.
            EndedTokenError: It does not know the token.
        """
        return await self._list(MODEL_DEPLOYMENT, namespace)

    async def switches(self) -> list[Json]:
        """Return all KillSwitches.

        Raises:
            DeskError: The API server refused, or did not answer.
            EndedTokenError: It does not know the token.
        """
        return await self._list(KILL_SWITCH, None)

    async def close(self) -> None:
        """Close all connections, and forget the token."""
        await self._client.close()

    async def _list(self, kind: Kind, namespace: str | None) -> list[Json]:
        try:
            answer = await self._client.request("GET", kind.path(namespace), accept=_REFUSED)
        except Error as error:
            raise Away(f"the API server could not answer: {error}") from error
        if answer.code >= HTTPStatus.BAD_REQUEST:
            raise refusal(answer, answer.code)
        return list(answer["items"])


class _Client(Client):
    """Tells a token that has ended from a right that is missing."""

    async def request(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        body: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
        accept: frozenset[int] = frozenset(),
    ) -> Answer:
        answer = await super().request(
            method,
            path,
            params,
            body=body,
            content_type=content_type,
            accept=accept | {HTTPStatus.UNAUTHORIZED},
        )
        if answer.code == HTTPStatus.UNAUTHORIZED:
            raise EndedTokenError("the API server does not know the token (any more)")
        return answer
