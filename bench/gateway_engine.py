"""A fake engine for the gateway's benchmark: as fast as possible, each streamed event stamped.

Usage: gateway_engine.py SOCKET. A stamp is ``@NANOSECONDS@`` on the clock that all processes of
one machine share. The prompt of a streamed request says ``COUNT/PAUSE``: how many events, and how
many milliseconds between two of them.
"""

import asyncio
import json
import re
import sys
import time

import uvloop
from typing_extensions import override

ASKED = re.compile(rb"(\d+)/([\d.]+)")
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
USAGE = {"prompt_tokens": 200, "completion_tokens": 150, "total_tokens": 350}
EVENT = (
    b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m",'
    b'"choices":[{"index":0,"delta":{"content":"@%d@"},"finish_reason":null}]}\n\n'
)


def whole() -> bytes:
    message = {"role": "assistant", "content": "word " * 150}
    body = json.dumps(
        {
            "id": "c",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": USAGE,
        }
    ).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % len(body) + body


WHOLE = whole()
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def framed(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


class Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self.buffer = b""
        self.resumed = asyncio.Event()
        self.resumed.set()
        self.task: asyncio.Task[None] | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self.task is not None:
            self.task.cancel()

    @override
    def pause_writing(self) -> None:
        self.resumed.clear()

    @override
    def resume_writing(self) -> None:
        self.resumed.set()

    @override
    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, body = self.buffer.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        if not found or (length and len(body) < int(length[1])):
            return
        self.buffer = b""
        if b'"stream":true' in body or b'"stream": true' in body:
            asked = ASKED.search(body)
            count, pause = (int(asked[1]), float(asked[2]) / 1000) if asked else (1, 0.0)
            self.task = asyncio.get_running_loop().create_task(self.stream(count, pause))
        else:
            self.transport.write(WHOLE)

    async def stream(self, count: int, pause: float) -> None:
        self.transport.write(STREAM)
        for _ in range(count):
            self.transport.write(framed(EVENT % time.monotonic_ns()))
            await self.resumed.wait()
            await asyncio.sleep(pause)
        self.transport.write(framed(b"data: [DONE]\n\n") + b"0\r\n\r\n")


async def serve(path: str) -> None:
    server = await asyncio.get_running_loop().create_unix_server(Connection, path)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1]))
