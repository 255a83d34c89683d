"""A minimal Kubernetes API client on the standard library's HTTP, for the enclave's start-up."""

import base64
import http.client
import json
import ssl
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

import yaml
from tenacity import RetryCallState, retry, retry_if_exception, stop_after_delay

from enclave.errors import EnclaveError

_TIMEOUT = 30.0
_BUSY_SECONDS = 30.0
"""For how long a server is asked again that says when to: a kind that was changed has no storage
for a moment, and an overloaded server sends requests away."""
_APPLY = "application/apply-patch+yaml"


class ApiError(EnclaveError):
    """The API server refused a request.

    Attributes:
        status: HTTP status code.
        again: Seconds after which the server wants to be asked again, or None.
    """

    def __init__(
        self, method: str, path: str, status: int, message: str, again: str | None = None
    ) -> None:
        super().__init__(f"{method} {path} answered {status}: {message}")
        self.status = status
        self.again = float(again) if again is not None and again.isdecimal() else None


def _sent_away(error: BaseException) -> bool:
    """Whether a request was not looked at, so that it can be sent again, whatever it asks."""
    busy = http.HTTPStatus.TOO_MANY_REQUESTS
    return isinstance(error, ApiError) and error.status == busy and error.again is not None


def _as_told(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    return (error.again or 0) if isinstance(error, ApiError) else 0


class KubeApi:
    """Requests to one API server with a client certificate."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext) -> None:
        self._host = host
        self._port = port
        self._context = context

    @classmethod
    def load(cls, kubeconfig: Path) -> Self:
        """Read server and credentials from a kubeconfig with one cluster and embedded keys."""
        document = yaml.safe_load(kubeconfig.read_text())
        cluster = document["clusters"][0]["cluster"]
        user = document["users"][0]["user"]
        server = urlsplit(cluster["server"])
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        context = ssl.create_default_context(cadata=authority)
        with tempfile.NamedTemporaryFile(suffix=".pem") as pair:  # ssl reads pairs from files only
            pair.write(base64.b64decode(user["client-key-data"]))
            pair.write(base64.b64decode(user["client-certificate-data"]))
            pair.flush()
            context.load_cert_chain(pair.name)
        return cls(server.hostname or "", server.port or 443, context)

    @retry(
        retry=retry_if_exception(_sent_away),
        wait=_as_told,
        stop=stop_after_delay(_BUSY_SECONDS),
        reraise=True,
    )
    def _send(
        self, method: str, path: str, body: Any, content_type: str, timeout: float
    ) -> tuple[http.client.HTTPSConnection, http.client.HTTPResponse]:
        connection = http.client.HTTPSConnection(
            self._host, self._port, context=self._context, timeout=timeout
        )
        payload = None if body is None else json.dumps(body)
        try:
            connection.request(method, path, payload, {"Content-Type": content_type})
            response = connection.getresponse()
        except BaseException:
            connection.close()
            raise
        if response.status < http.HTTPStatus.BAD_REQUEST:
            return connection, response
        with closing(connection):
            message = response.read().decode(errors="replace")
        again = response.headers.get("Retry-After")
        raise ApiError(method, path, response.status, message, again)

    def request(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json"
    ) -> Any:
        """Send one request and return the decoded answer.

        Raises:
            ApiError: The server answered with an error status; with 429, after half a minute of
                asking as often as it said.
            OSError: The server cannot be reached.
        """
        connection, response = self._send(method, path, body, content_type, _TIMEOUT)
        with closing(connection):
            content = response.read()
        try:
            return json.loads(content)
        except json.JSONDecodeError:
            return content.decode(errors="replace")

    def apply(self, path: str, document: dict[str, Any]) -> Any:
        """Apply one object server-side under the enclave's field manager."""
        query = urlencode({"fieldManager": "casemate-enclave", "force": "true"})
        return self.request("PATCH", f"{path}?{query}", document, _APPLY)

    def watch(self, path: str, resource_version: str, seconds: int) -> Iterator[dict[str, Any]]:
        """Yield watch events from a resource version on, for at most `seconds`."""
        query = urlencode(
            {"watch": "1", "resourceVersion": resource_version, "timeoutSeconds": seconds}
        )
        url = f"{path}?{query}"
        connection, response = self._send("GET", url, None, "application/json", seconds + _TIMEOUT)
        with closing(connection):
            for line in response:
                yield json.loads(line)

    def wait_ready(self, seconds: float) -> None:
        """Wait until the server says that it is ready.

        Raises:
            EnclaveError: It did not within the time; the message has the last answer.
        """
        deadline = time.monotonic() + seconds
        last = "no answer"
        while time.monotonic() < deadline:
            try:
                self.request("GET", "/readyz")
            except (EnclaveError, OSError, http.client.HTTPException) as error:
                last = str(error)
            else:
                return
            time.sleep(0.1)
        raise EnclaveError(f"the API server was not ready within {seconds:.0f} s: {last}")
