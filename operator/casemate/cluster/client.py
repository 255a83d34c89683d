"""The connection to the API server: whole objects in and out, errors of our own kinds."""

import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any
from urllib.parse import urlencode

import aiohttp
import orjson
from kubernetes.aio import client as kubernetes
from kubernetes.aio import config
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_random_exponential

from casemate import telemetry
from casemate.cluster.clock import Clock
from casemate.cluster.errors import Transient, from_answer
from casemate.cluster.fence import Fence
from casemate.cluster.kinds import Kind
from casemate.core.names import FIELD_MANAGER

_APPLY = "application/apply-patch+yaml"
_JSON = "application/json"
_TIMEOUT_SECONDS = 15
_CONNECTIONS = 32
"""Concurrent requests; the API server's own priority and fairness limits the rest."""


def in_cluster_server() -> str:
    """Address of the API server as pods are told it; needs no DNS."""
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    return f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"


class Answer(dict[str, Any]):
    """A decoded object, with the status code that came with it."""

    code: int = 0


class Client:
    """A thin client over the official package: it adds what this operator always wants.

    Args:
        configuration: Where the API server is, and who asks.
        fence: Stands before every write; None where nobody else may lead.
        me: Which of several replicas this is; the API server's audit log tells it.
    """

    def __init__(
        self, configuration: kubernetes.Configuration, fence: Fence | None = None, me: str = ""
    ) -> None:
        self.fence = fence or Fence()
        configuration.connection_pool_maxsize = _CONNECTIONS
        configuration.client_session_kwargs = {
            # Else aiohttp looks for proxies and a netrc file before each request, in a thread.
            "trust_env": False,
            "trace_configs": [self.fence.trace()],
        }
        self._configuration = configuration
        self._agent = f"{FIELD_MANAGER}/{me}" if me else FIELD_MANAGER
        self.clock = Clock()
        self._api = kubernetes.ApiClient(configuration)
        self._retrying = AsyncRetrying(
            stop=stop_after_attempt(2),
            wait=wait_random_exponential(multiplier=0.1, max=2),
            retry=retry_if_exception_type(_Unanswered),
            reraise=True,
        )

    @classmethod
    async def connect(cls, fence: Fence | None = None, me: str = "") -> "Client":
        """Connects as this pod's account, or else as $KUBECONFIG (or ~/.kube/config) says."""
        configuration = kubernetes.Configuration()
        if os.environ.get("KUBERNETES_SERVICE_HOST"):
            config.load_incluster_config(client_configuration=configuration)
        else:
            # Read here: the package reads the variable once, when it is imported.
            file = os.environ.get("KUBECONFIG")
            await config.load_kube_config(file, client_configuration=configuration)
        return cls(configuration, fence, me)

    async def close(self) -> None:
        """Closes all connections."""
        await self._api.close()

    async def apply(
        self,
        kind: Kind,
        body: Mapping[str, Any],
        *,
        force: bool = True,
        sub: str = "",
        accept: frozenset[int] = frozenset(),
    ) -> Answer:
        """Applies a whole object server-side; `force` takes fields over from other managers."""
        meta = body["metadata"]
        params = {"fieldManager": FIELD_MANAGER, "force": "true" if force else "false"}
        path = kind.path(meta.get("namespace"), meta["name"], sub)
        return await self.request(
            "PATCH", path, params, body=body, content_type=_APPLY, accept=accept
        )

    async def replace(self, kind: Kind, body: Mapping[str, Any], sub: str = "") -> Answer:
        """Replaces an object; it must not have changed since its resourceVersion."""
        meta = body["metadata"]
        params = {"fieldManager": FIELD_MANAGER}
        return await self.request(
            "PUT", kind.path(meta.get("namespace"), meta["name"], sub), params, body=body
        )

    async def create(self, kind: Kind, body: Mapping[str, Any]) -> Answer:
        """Creates an object."""
        params = {"fieldManager": FIELD_MANAGER}
        path = kind.path(body["metadata"].get("namespace"))
        return await self.request("POST", path, params, body=body)

    async def get(self, kind: Kind, namespace: str | None, name: str) -> Answer | None:
        """One object, or None when there is none."""
        path = kind.path(namespace, name)
        answer = await self.request("GET", path, accept=frozenset({404}))
        return None if answer.code == 404 else answer  # noqa: PLR2004

    async def delete(self, kind: Kind, namespace: str, name: str, uid: str) -> None:
        """Deletes this very object; if it is gone or another one has its name, that is fine."""
        body = {"preconditions": {"uid": uid}, "propagationPolicy": "Background"}
        path = kind.path(namespace, name)
        await self.request("DELETE", path, body=body, accept=frozenset({404, 409}))

    async def request(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        body: Mapping[str, Any] | None = None,
        content_type: str = _JSON,
        accept: frozenset[int] = frozenset(),
    ) -> Answer:
        """Sends one request, up to three times where the server could not answer.

        Raises:
            Stalled, Waiting, Transient: as `errors.from_answer` maps the answer.
            Fenced: it is a write, and this replica does not lead.
        """
        url = self._configuration.host + path + (f"?{urlencode(params)}" if params else "")
        with self.fence.passing(method):
            try:
                return await self._once(method, url, body, content_type, accept)
            except _Unanswered:
                send = self._retrying.copy().wraps(self._once)
                return await send(method, url, body, content_type, accept)

    async def watch(
        self, kind: Kind, version: str, seconds: int, namespace: str | None = None
    ) -> AsyncGenerator[dict[str, Any]]:
        """Yields the events of a collection since a resourceVersion, for some seconds at most.

        Bookmarks are among them: they tell the newest version where no object has changed.

        Raises:
            Expired: the API server has forgotten that version.
            Stalled, Waiting, Transient: as `errors.from_answer` maps the answer.
        """
        params = {"watch": "true", "resourceVersion": version, "timeoutSeconds": str(seconds)}
        params["allowWatchBookmarks"] = "true"
        url = f"{self._configuration.host}{kind.path(namespace)}?{urlencode(params)}"
        headers = await self._headers(_JSON)
        limit = seconds + _TIMEOUT_SECONDS
        try:
            answer = await self._api.call_api("GET", url, headers, _request_timeout=limit)
            # What the official package wraps can only be read whole.
            response: aiohttp.ClientResponse = answer.response
            try:
                telemetry.API_REQUESTS.labels("GET", str(response.status)).inc()
                if response.status != 200:  # noqa: PLR2004
                    _decode(response.status, await response.read(), response.headers, frozenset())
                async for line in _lines(response):
                    yield _event(line)
            finally:
                response.close()
        except (aiohttp.ClientError, OSError) as error:
            raise _Unanswered(f"GET {url}: {str(error) or type(error).__name__}") from error

    async def _once(
        self,
        method: str,
        url: str,
        body: Mapping[str, Any] | None,
        content_type: str,
        accept: frozenset[int],
    ) -> Answer:
        headers = await self._headers(content_type)
        self.fence.check(method)
        try:
            response = await self._api.call_api(
                method, url, headers, body, _request_timeout=_TIMEOUT_SECONDS
            )
            data = await response.read()
        except (aiohttp.ClientError, OSError) as error:
            telemetry.API_REQUESTS.labels(method, "0").inc()
            text = str(error) or type(error).__name__
            raise _Unanswered(f"{method} {url}: no answer: {text}") from error
        telemetry.API_REQUESTS.labels(method, str(response.status)).inc()
        self.clock.observe(response.headers.get("Date"))
        return _decode(response.status, data, response.headers, accept)

    async def _headers(self, content_type: str) -> dict[str, str]:
        headers = {"Content-Type": content_type, "Accept": _JSON, "User-Agent": self._agent}
        token = await self._configuration.get_api_key_with_prefix("BearerToken")
        return {**headers, "authorization": token} if token else headers


class _Unanswered(Transient):
    """Nothing came back, or the server was too busy: the same request may be sent again."""


async def _lines(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """Yields whole lines, however long; aiohttp's own way takes none of more than 128 KiB."""
    rest = b""
    while part := await response.content.readany():
        *whole, rest = (rest + part).split(b"\n")
        for line in whole:
            yield line


def _event(line: bytes) -> dict[str, Any]:
    event: dict[str, Any] = orjson.loads(line)
    if event["type"] == "ERROR":
        status = event["object"]
        raise from_answer(int(status.get("code", 0)), str(status.get("message", "")), None)
    return event


def _decode(code: int, data: bytes, headers: Mapping[str, str], accept: frozenset[int]) -> Answer:
    answer = Answer(orjson.loads(data)) if data[:1] == b"{" else Answer()
    answer.code = code
    if code < 300 or code in accept:  # noqa: PLR2004
        return answer
    message = answer.get("message") or data[:200].decode(errors="replace")
    error = from_answer(code, message, headers.get("Retry-After"))
    if isinstance(error, Transient) and code in {429, 502, 503, 504}:
        raise _Unanswered(str(error), error.after)
    raise error
