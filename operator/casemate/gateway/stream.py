"""Carries a streamed answer: event by event, at the pace of the slower side.

Reading stops while the client does not take what was sent (aiohttp's writer and reader both push
back), and each event is parsed, so only whole, known and cleared events leave.

The head of the response is sent with the first released event. Until then a failure is an
ordinary error answer. After that it is an error event and a cut connection: never a clean end.
"""

import asyncio
import contextlib

import orjson

from casemate.gateway import replies, upstream
from casemate.gateway.answers import CutError, EventStream
from casemate.gateway.checks import Piece
from casemate.gateway.engine import Exchange
from casemate.gateway.errors import EngineBrokenError, Reason, Refusal, slow_client
from casemate.gateway.patience import Patience
from casemate.gateway.relay import Call, Relay
from casemate.gateway.release import Gate
from casemate.gateway.sse import DONE, EventParser

_DONE = b"data: [DONE]\n\n"
# How long to wait for the end of an answer behind its last event: an engine that is cut off before
# may count the request as abandoned.
_TAIL_SECONDS = 0.05
_LAST_WORDS_SECONDS = 1.0


class Stream:
    """One streamed answer."""

    def __init__(self, relay: Relay, call: Call) -> None:
        self._relay = relay
        self._call = call
        self._gate = Gate(relay.chain, call.view) if relay.chain.outputs else None
        self._parser = EventParser(relay.limits.max_event_bytes)
        self._response = EventStream(call.request, call.entry.headers)
        self._size = 0
        self._writing = False
        self._last_sent = 0.0
        self._first = relay.metrics.first_token[call.route]
        self._gaps = relay.metrics.between_events[call.route]

    async def run(self) -> EventStream:
        """Carry the whole stream.

        Raises:
            Refusal: It failed before anything was sent.
            CutError: It failed afterwards.
        """
        try:
            with self._relay.engine_errors():
                await self._carry_at_pace()
        except Refusal as refusal:
            await self._fail(refusal)
        finally:
            if self._gate:
                self._gate.close()
        return self._response

    async def _carry_at_pace(self) -> None:
        try:
            await self._carry()
        except TimeoutError:
            if not self._writing:
                raise
            raise slow_client() from None

    async def _carry(self) -> None:
        patience = Patience(self._relay.timeouts, self._call.began)
        async with patience.scope, self._relay.exchange(self._call) as exchange:
            upstream.check_head(exchange.response, "text/event-stream")
            while True:
                chunk = await exchange.read()
                done = await self._pass_on(chunk)
                if done:
                    break
                if not chunk:
                    raise EngineBrokenError("stream ended without [DONE]")
                patience.progress()
            await self._end()
            await _read_tail(exchange)

    async def _pass_on(self, chunk: bytes) -> bool:
        """Send what ``chunk`` completes and the checks clear; true once the engine is done."""
        self._size += len(chunk)
        if self._size > self._relay.limits.max_response_bytes:
            raise EngineBrokenError("answer too large")
        released: list[bytes] = []
        done = False
        for data in self._parser.feed(chunk):
            if data == DONE:
                done = True
                break
            piece = self._piece(data)
            if piece is not None:
                released += await self._gate.feed(piece) if self._gate else (piece.wire,)
        if released:
            await self._send(released)
        return done

    def _piece(self, data: bytes) -> Piece | None:
        kept = replies.known_part(self._call.route, replies.read_document(data))
        self._call.used.events += 1
        if "usage" in kept:
            self._relay.count_tokens(self._call, kept)
            if not self._call.accepted.wants_usage:
                del kept["usage"]
                if not kept["choices"]:
                    return None
        return self._relay.piece(self._call, kept)

    async def _end(self) -> None:
        rest = await self._gate.finish() if self._gate else []
        last = _events(rest) + _DONE
        self._call.entry.add(last)
        # On record before the last of it leaves.
        await self._relay.evidence.outcome(self._call.entry, 200)
        if rest:
            self._observe()
        await self._write(last, last=True)

    async def _send(self, pieces: list[bytes]) -> None:
        self._observe()
        data = _events(pieces)
        self._call.entry.add(data)
        await self._write(data)

    def _observe(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._last_sent:
            self._gaps.observe(now - self._last_sent)
        else:
            self._first.observe(now - self._call.began)
        self._last_sent = now

    async def _write(self, data: bytes, *, last: bool = False) -> None:
        self._writing = True
        await self._response.send(data, last=last)
        self._writing = False

    async def _fail(self, refusal: Refusal) -> None:
        if self._response.ended:
            # The client has all of it; what failed is what came behind.
            return
        if refusal.reason is Reason.CHECK_REFUSED:
            try:
                await self._withhold(refusal)
            except Refusal as unrecorded:
                refusal = unrecorded
            else:
                return
        if not self._response.begun:
            raise refusal
        await self._last_words(_framed(refusal.body()))
        raise CutError(refusal)

    async def _withhold(self, refusal: Refusal) -> None:
        """End in OpenAI's own form of a withheld answer, which clients know as a regular end."""
        self._relay.metrics.refused(refusal)
        call = self._call
        event = replies.withheld_event(call.route, call.model, call.names.answer, call.choices)
        words = _framed(orjson.dumps(event)) + _DONE
        call.entry.add(words)
        await self._relay.evidence.outcome(call.entry, 200, refusal)
        await self._last_words(words, last=True)

    async def _last_words(self, data: bytes, *, last: bool = False) -> None:
        """Send what ends a stream early; a client that does not take it goes without."""
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(_LAST_WORDS_SECONDS):
                await self._response.send(data, last=last)


async def _read_tail(exchange: Exchange) -> None:
    """Read an answer to its end after the client has all of it."""
    with contextlib.suppress(TimeoutError, EngineBrokenError):
        async with asyncio.timeout(_TAIL_SECONDS):
            await exchange.read()


def _events(pieces: list[bytes]) -> bytes:
    return b"".join(map(_framed, pieces))


def _framed(data: bytes) -> bytes:
    return b"data: %b\n\n" % data
