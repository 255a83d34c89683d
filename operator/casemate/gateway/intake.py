"""What a client sends, checked before anything is made of it: head first, then the body's size."""

import asyncio
import re

from aiohttp import web
from aiohttp.http import HttpVersion11

from casemate.gateway.errors import Reason, Refusal, overloaded
from casemate.gateway.settings import Limits
from casemate.holds import APPROVAL_HEADER

_JSON = re.compile(r'application/json(?:[ \t]*;[ \t]*charset="?utf-8"?)?', re.IGNORECASE)
# Headers whose repetition lets two readers see two different requests.
_ONCE = (
    *("Host", "Authorization"),
    *("Content-Type", "Content-Length", "Transfer-Encoding", "Content-Encoding"),
    APPROVAL_HEADER,
)
_APPROVAL = re.compile("held-[0-9a-f]{16}")
# The only client headers that reach the engine, each with the only form that does.
FORWARDED = {
    "X-Request-Id": re.compile(r"[A-Za-z0-9._-]{1,128}"),
    "Traceparent": re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}"),
}


def bad_http(message: str) -> Refusal:
    """Return the refusal of a request whose head is not acceptable; ends the connection."""
    return Refusal(400, Reason.BAD_HTTP, message, close=True)


def check_head(request: web.BaseRequest) -> None:
    """Check what holds for every request, whatever its path.

    Raises:
        Refusal: 400, and the connection ends.
    """
    headers = request.headers
    if request.version != HttpVersion11:
        raise bad_http("HTTP/1.1 is required.")
    if "Host" not in headers:
        raise bad_http("A Host header is required.")
    if "Upgrade" in headers or "upgrade" in headers.get("Connection", "").lower():
        raise bad_http("Protocol upgrades are not accepted.")
    for name in _ONCE:
        if len(headers.getall(name, ())) > 1:
            raise bad_http(f"The header {name} must not be repeated.")
    if "Transfer-Encoding" in headers:
        if "Content-Length" in headers:
            raise bad_http("Content-Length and Transfer-Encoding exclude each other.")
        if headers["Transfer-Encoding"].lower() != "chunked":
            raise bad_http("Transfer-Encoding must be chunked.")


def check_no_body(request: web.BaseRequest) -> None:
    """Refuse a body where none belongs."""
    if "Transfer-Encoding" in request.headers or request.headers.get("Content-Length", "0") != "0":
        raise bad_http(f"{request.method} does not accept a body.")


def named_approval(request: web.BaseRequest) -> str | None:
    """Return the approval that a request names, if it names one.

    Its form is checked wherever it is sent; it means something only where a request is held.

    Raises:
        Refusal: 400, and the connection ends.
    """
    given = request.headers.get(APPROVAL_HEADER)
    if given is not None and not is_approval(given):
        raise bad_http(f"{APPROVAL_HEADER} accepts the name of one approval: held-, 16 hex digits.")
    return given


def is_approval(name: str) -> bool:
    """Whether a text can be the name of an approval."""
    return _APPROVAL.fullmatch(name) is not None


def forwarded_headers(request: web.BaseRequest) -> dict[str, str]:
    """Return the headers of the client that may reach the engine."""
    passed = {}
    for name, form in FORWARDED.items():
        value = request.headers.get(name)
        if value is not None and form.fullmatch(value):
            passed[name] = value
    return passed


class Intake:
    """Receives request bodies, bounded one by one and all together."""

    def __init__(self, limits: Limits, timeout: float) -> None:
        """Set the bounds.

        Args:
            limits: For ``max_body_bytes`` and ``max_buffered_bytes``.
            timeout: Seconds for one body.
        """
        self._limits = limits
        self._timeout = timeout
        self._held = 0

    async def receive(self, request: web.BaseRequest) -> bytes:
        """Return the whole body of a JSON request.

        Raises:
            Refusal: 415 for another type or an encoded body, 413 when too large, 408 when too
                slow, 417 for an expectation, 429 when too many bodies are being received.
        """
        _check_type(request)
        declared = request.content_length
        if declared is not None and declared > self._limits.max_body_bytes:
            raise self._too_large()
        if request.content.is_eof():
            # All of it came with the head, as most requests do; the parser bounded what it read.
            body = request.content.read_nowait()
            if len(body) > self._limits.max_body_bytes:
                raise self._too_large()
            return body
        _answer_expectation(request)
        return await self._collect(request)

    async def _collect(self, request: web.BaseRequest) -> bytes:
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._timeout):
                while not request.content.at_eof():
                    part = await request.content.readany()
                    size += len(part)
                    self._held += len(part)
                    parts.append(part)
                    self._check_sizes(size)
        except TimeoutError:
            raise Refusal(
                408, Reason.SLOW_CLIENT, "The request body took too long.", close=True
            ) from None
        except web.RequestPayloadError:
            raise bad_http("Malformed request body.") from None
        finally:
            self._held -= size
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _check_sizes(self, size: int) -> None:
        if size > self._limits.max_body_bytes:
            raise self._too_large()
        if self._held > self._limits.max_buffered_bytes:
            refusal = overloaded("Too many large requests at the same time.")
            refusal.close = True
            raise refusal

    def _too_large(self) -> Refusal:
        return Refusal(
            413,
            Reason.TOO_LARGE,
            f"The request body is larger than {self._limits.max_body_bytes} bytes.",
            close=True,
        )


def _check_type(request: web.BaseRequest) -> None:
    if "Content-Encoding" in request.headers:
        raise Refusal(
            415,
            Reason.UNSUPPORTED_MEDIA,
            "Content-Encoding is not accepted; send the JSON uncompressed.",
            close=True,
        )
    if not _JSON.fullmatch(request.headers.get("Content-Type", "")):
        raise Refusal(
            415,
            Reason.UNSUPPORTED_MEDIA,
            "Content-Type must be application/json, in UTF-8.",
            close=True,
        )


def _answer_expectation(request: web.BaseRequest) -> None:
    expected = request.headers.get("Expect")
    if expected is None:
        return
    if expected.lower() != "100-continue":
        raise Refusal(417, Reason.BAD_HTTP, "Expect accepts 100-continue only.", close=True)
    if request.transport is not None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
