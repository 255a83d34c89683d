"""The client side of HTTP/1.1, as much of it as engines speak, and strictly.

An answer has a length or is chunked. One that ends when the connection does is refused: the
death of the engine would look like the end of its answer.
"""

import re
from dataclasses import dataclass

MAX_HEAD_BYTES = 32 << 10
MAX_LINE_BYTES = 4 << 10
MAX_TRAILERS = 16
MAX_INTERIM = 4

_STATUS = re.compile(rb"HTTP/1\.1 ([1-5][0-9]{2})(?: [^\x00-\x08\x0a-\x1f\x7f]*)?")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*?)[ \t]*")
_LENGTH = re.compile(r"[0-9]{1,15}")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n")


class EngineBrokenError(Exception):
    """The engine's answer ended early or is not HTTP/1.1 as read here."""


@dataclass(frozen=True, slots=True)
class Head:
    """The head of an answer.

    Attributes:
        status: HTTP status.
        headers: Values by lower-case name; of repeated headers the last.
        length: Size of the body in bytes; None when it is chunked.
        reusable: Whether the connection may carry another request.
    """

    status: int
    headers: dict[str, str]
    length: int | None
    reusable: bool


class Decoder:
    """Reads one answer from bytes as they arrive.

    Attributes:
        head: The head of the answer, once it is complete.
        complete: Whether the proper end of the answer was seen.
    """

    def __init__(self) -> None:
        self.head: Head | None = None
        self.complete = False
        self._rest = b""
        self._left = 0
        self._interim = 0
        self._trailers: int | None = None

    def feed(self, data: bytes) -> bytes:
        """Take bytes; return those of the body among them.

        Raises:
            EngineBrokenError: The answer is malformed, or more came than belongs to it.
        """
        if self._rest:
            data = self._rest + data
            self._rest = b""
        if self.head is None:
            data = self._feed_head(data)
            if self.head is None:
                return b""
        if self.complete:
            if data:
                raise EngineBrokenError("bytes behind the end of an answer")
            return b""
        return self._feed_plain(data) if self.head.length is not None else self._feed_chunks(data)

    def _feed_head(self, data: bytes) -> bytes:
        while True:
            end = data.find(b"\r\n\r\n")
            if end > MAX_HEAD_BYTES or (end < 0 and len(data) > MAX_HEAD_BYTES):
                raise EngineBrokenError(f"head larger than {MAX_HEAD_BYTES} bytes")
            if end < 0:
                self._rest = data
                return b""
            head = _parse_head(data[:end])
            data = data[end + 4 :]
            if head.status >= 200:  # noqa: PLR2004  final answers begin here
                self.head = head
                self._left = head.length or 0
                self.complete = head.length == 0
                return data
            self._interim += 1
            if self._interim > MAX_INTERIM:
                raise EngineBrokenError("too many interim answers")

    def _feed_plain(self, data: bytes) -> bytes:
        self._left -= len(data)
        if self._left < 0:
            raise EngineBrokenError("bytes behind the end of an answer")
        self.complete = not self._left
        return data

    def _feed_chunks(self, data: bytes) -> bytes:
        """Decode chunks; ``_left`` counts what is missing of the current one, line end included."""
        parts: list[bytes] = []
        at = 0
        while at < len(data):
            if self.complete:
                raise EngineBrokenError("bytes behind the end of an answer")
            if not self._left:
                end = data.find(b"\n", at) + 1
                if not end:
                    self._keep(data[at:])
                    break
                at = self._line(data[at:end], end)
                continue
            part = data[at : at + self._left]
            at += len(part)
            self._left -= len(part)
            # The last two bytes of a chunk are its line end; they may come in two pieces.
            text, tail = (part, b"") if self._left > 1 else _cut(part, self._left)
            if tail != b"\r\n"[2 - self._left - len(tail) : 2 - self._left]:
                raise EngineBrokenError("malformed end of a chunk")
            parts.append(text)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _line(self, line: bytes, end: int) -> int:
        if self._trailers is not None:
            self._trailers += 1
            self.complete = line == b"\r\n"
            if self._trailers > MAX_TRAILERS:
                raise EngineBrokenError("too many trailers")
            return end
        size = _CHUNK.fullmatch(line)
        if size is None:
            raise EngineBrokenError("malformed chunk size")
        length = int(size.group(1), 16)
        if length:
            self._left = length + 2
        else:
            self._trailers = 0
        return end

    def _keep(self, rest: bytes) -> None:
        if len(rest) > MAX_LINE_BYTES:
            raise EngineBrokenError("chunk line too long")
        self._rest = rest


def _cut(part: bytes, missing: int) -> tuple[bytes, bytes]:
    """Split a part that reaches into a chunk's line end, of which ``missing`` bytes are to come."""
    tail = min(len(part), 2 - missing)
    return part[: len(part) - tail], part[len(part) - tail :]


def _parse_head(raw: bytes) -> Head:
    first, *lines = raw.split(b"\r\n")
    status = _STATUS.fullmatch(first)
    if status is None:
        raise EngineBrokenError("status line is not HTTP/1.1")
    headers: dict[str, str] = {}
    for line in lines:
        match = _HEADER.fullmatch(line)
        if match is None:
            raise EngineBrokenError("malformed header line")
        name = match.group(1).decode("ascii").lower()
        if name in headers and name in {"content-length", "transfer-encoding", "content-type"}:
            raise EngineBrokenError(f"repeated header {name}")
        headers[name] = match.group(2).decode("latin-1")
    return _framed(int(status.group(1)), headers)


def _framed(status: int, headers: dict[str, str]) -> Head:
    length, coding = headers.get("content-length"), headers.get("transfer-encoding")
    bodiless = status < 200 or status in {204, 304}  # noqa: PLR2004
    if coding is not None and (coding.lower() != "chunked" or length is not None or bodiless):
        raise EngineBrokenError("ambiguous length of the body")
    if length is not None and _LENGTH.fullmatch(length) is None:
        raise EngineBrokenError("malformed Content-Length")
    if coding is None and length is None and not bodiless:
        raise EngineBrokenError("body of unknown length")
    size = None if coding is not None else int(length or 0)
    if bodiless:
        size = 0
    reusable = headers.get("connection", "").lower() != "close"
    return Head(status, headers, size, reusable)
