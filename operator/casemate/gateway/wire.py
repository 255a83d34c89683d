"""The client side of HTTP/1.1, as much of it as engines speak, and strictly.

An answer has a length or is chunked. One that ends when the connection does is refused: the
death of the engine would look like the end of its answer.
"""

import asyncio
import re
from dataclasses import dataclass

MAX_HEAD_BYTES = 32 << 10
MAX_TRAILER_LINES = 16
READ_BYTES = 64 << 10

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


async def read_head(reader: asyncio.StreamReader) -> Head:
    """Read the head of the final answer; interim answers (1xx) are skipped.

    Raises:
        EngineBrokenError: The connection ended or what came is malformed.
    """
    for _ in range(4):
        try:
            raw = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            raise EngineBrokenError("connection closed before an answer") from error
        except (asyncio.LimitOverrunError, OSError) as error:
            raise EngineBrokenError(f"no readable head: {error}") from error
        head = _parse_head(raw)
        if head.status >= 200:  # noqa: PLR2004  final answers begin here
            return head
    raise EngineBrokenError("too many interim answers")


class Body:
    """The body of one answer, read as it comes."""

    def __init__(self, reader: asyncio.StreamReader, length: int | None) -> None:
        """Begin to read.

        Args:
            reader: Stands right behind the head.
            length: Size in bytes; None for a chunked body.
        """
        self._reader = reader
        self._chunked = length is None
        self._left = length or 0
        self.complete = length == 0

    async def read(self) -> bytes:
        """Return the next bytes; none only after the body's proper end was seen.

        Raises:
            EngineBrokenError: The connection ended before, or the framing is malformed.
        """
        if self.complete:
            return b""
        try:
            return await (self._read_chunk() if self._chunked else self._read_plain())
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError) as error:
            raise EngineBrokenError("connection closed within an answer") from error

    async def _read_plain(self) -> bytes:
        data = await self._reader.read(min(self._left, READ_BYTES))
        if not data:
            raise EngineBrokenError("connection closed within an answer")
        self._left -= len(data)
        self.complete = not self._left
        return data

    async def _read_chunk(self) -> bytes:
        if not self._left:
            line = _CHUNK.fullmatch(await self._reader.readuntil(b"\n"))
            if line is None:
                raise EngineBrokenError("malformed chunk size")
            self._left = int(line.group(1), 16)
            if not self._left:
                await self._read_trailers()
                return b""
        if self._left > READ_BYTES:
            self._left -= READ_BYTES
            return await self._reader.readexactly(READ_BYTES)
        data = await self._reader.readexactly(self._left + 2)
        if data[-2:] != b"\r\n":
            raise EngineBrokenError("malformed end of a chunk")
        self._left = 0
        return data[:-2]

    async def _read_trailers(self) -> None:
        for _ in range(MAX_TRAILER_LINES):
            if await self._reader.readuntil(b"\r\n") == b"\r\n":
                self.complete = True
                return
        raise EngineBrokenError("too many trailers")


def _parse_head(raw: bytes) -> Head:
    if len(raw) > MAX_HEAD_BYTES:
        raise EngineBrokenError(f"head larger than {MAX_HEAD_BYTES} bytes")
    first, *lines = raw[:-4].split(b"\r\n")
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
