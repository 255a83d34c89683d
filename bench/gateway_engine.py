"""A fake engine for the gateway's benchmark: as fast as possible, each streamed event stamped.

Usage: gateway_engine.py SOCKET. The field ``created`` of an event is its time in nanoseconds, on
the clock that all processes of one machine share. The prompt of a request says
``COUNT/PAUSE/SEED``: how many words, how many milliseconds between two events, and which text.
"""

import asyncio
import json
import re
import sys
import time

import uvloop
from gateway_texts import words
from typing_extensions import override

ASKED = re.compile(rb"(\d+)/([\d.]+)/(\d+)")
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
USAGE = {"prompt_tokens": 200, "completion_tokens": 150, "total_tokens": 350}
EVENT = (
    b'data: {"id":"c","object":"chat.completion.chunk","created":%d,"model":"m",'
    b'"choices":[{"index":0,"delta":{"content":%b},"finish_reason":%b}]}\n\n'
)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def whole(answer: list[str]) -> bytes:
    message = {"role": "assistant", "content": "".join(answer)}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    document = {"id": "c", "object": "chat.completion", "created": 1, "model": "m"}
    body = json.dumps({**document, "choices": [choice], "usage": USAGE}).encode()
    return HEAD % len(body) + body


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
        asked = ASKED.search(body)
        count, pause, seed = (int(asked[1]), float(asked[2]), int(asked[3])) if asked else (1, 0, 0)
        answer = words(seed, count)
        if b'"stream":true' in body or b'"stream": true' in body:
            self.task = asyncio.get_running_loop().create_task(self.stream(answer, pause / 1000))
        else:
            self.transport.write(whole(answer))

    async def stream(self, answer: list[str], pause: float) -> None:
        self.transport.write(STREAM)
        for word in answer:
            token = json.dumps(word).encode()
            self.transport.write(framed(EVENT % (time.monotonic_ns(), token, b"null")))
            await self.resumed.wait()
            await asyncio.sleep(pause)
        self.transport.write(framed(EVENT % (time.monotonic_ns(), b'""', b'"stop"')))
        self.transport.write(framed(b"data: [DONE]\n\n") + b"0\r\n\r\n")


async def serve(path: str) -> None:
    server = await asyncio.get_running_loop().create_unix_server(Connection, path)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1]))
