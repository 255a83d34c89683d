"""Cuts an engine's event stream into events; only their data matters here."""

from collections.abc import Iterator

DONE = b"[DONE]"


class EventTooLargeError(Exception):
    """One event exceeds the size limit."""


class EventParser:
    """Incremental parser of server-sent events.

    Comments, event names, ids and retry times are dropped: the OpenAI format uses data alone,
    and what is not read here must not reach a client.
    """

    def __init__(self, max_event_bytes: int) -> None:
        """Begin a stream.

        Args:
            max_event_bytes: Size of one event, its framing included.
        """
        self._limit = max_event_bytes
        self._rest = b""
        self._data: list[bytes] = []
        self._size = 0

    @property
    def pending(self) -> bool:
        """Whether an event has begun and not ended."""
        return bool(self._rest.strip() or self._data)

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Take bytes; yield the data of each event that they complete.

        Raises:
            EventTooLargeError: An event is larger than allowed.
        """
        # A CR may be the first half of a line end whose LF is yet to come; engines end lines with
        # LF or CRLF, so splitting at LF and stripping one CR reads both.
        lines = (self._rest + chunk).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > self._limit:
            raise EventTooLargeError
        for raw in lines:
            line = raw[:-1] if raw.endswith(b"\r") else raw
            if not line:
                if self._data:
                    data, self._data, self._size = b"\n".join(self._data), [], 0
                    yield data
            elif line.startswith(b"data:"):
                self._add(line[6:] if line.startswith(b"data: ") else line[5:])

    def _add(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > self._limit:
            raise EventTooLargeError
        self._data.append(data)
