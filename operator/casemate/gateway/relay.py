"""Carries one accepted request to the engine and a whole answer back; `stream` does the rest."""

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

from casemate.gateway import replies, upstream
from casemate.gateway.answers import Answer
from casemate.gateway.checks import Chain, Piece, RequestView
from casemate.gateway.engine import Engine, Exchange
from casemate.gateway.entries import Entry, Evidence
from casemate.gateway.errors import EngineBrokenError, EngineUnreachableError, Reason, Refusal
from casemate.gateway.metrics import Metrics
from casemate.gateway.parts import Names
from casemate.gateway.patience import Patience
from casemate.gateway.release import Gate
from casemate.gateway.routes import Route
from casemate.gateway.settings import Settings
from casemate.gateway.shape import Accepted
from casemate.gateway.sse import EventTooLargeError

log = logging.getLogger(__name__)

BYTES_PER_TOKEN = 4
"""About, in any script."""


@dataclass(slots=True)
class Used:
    """What one request has used of the engine.

    Attributes:
        reported: Tokens that the engine reported.
        events: Events of a stream, each of them about one token: for answers that end before the
            engine reports.
        asked: Whether the engine was asked at all.
    """

    reported: int = 0
    events: int = 0
    asked: bool = False

    def tokens(self, payload: int) -> int:
        """Return the tokens used: as reported, or else an estimate.

        Who leaves before the engine reports, or is cut off, has used some all the same.

        Args:
            payload: Bytes that the engine was asked with.
        """
        if self.reported or not self.asked:
            return self.reported
        return self.events + payload // BYTES_PER_TOKEN


@dataclass(frozen=True, slots=True)
class Call:
    """One accepted request on its way.

    Attributes:
        request: The client's side.
        view: What the checks see.
        accepted: What is forwarded.
        headers: Client headers that reach the engine.
        began: Loop time when the head of the request was complete.
        entry: Its records.
        names: The ids of its answer.
        used: What it has used so far.
    """

    request: web.BaseRequest
    view: RequestView
    accepted: Accepted
    headers: dict[str, str]
    began: float
    entry: Entry = field(default_factory=Entry)
    names: Names = field(default_factory=Names)
    used: Used = field(default_factory=Used)

    @property
    def route(self) -> Route:
        """Where the request goes."""
        return self.view.route

    @property
    def model(self) -> str:
        """The model as the caller names it."""
        return str(self.accepted.body["model"])

    @property
    def choices(self) -> int:
        """How many choices the answer may have."""
        prompt = self.accepted.body.get("prompt", "")
        texts = len(prompt) if type(prompt) is list else 1
        return texts * int(self.accepted.body.get("n", 1))


class Relay:
    """The way to the engine and back."""

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        chain: Chain,
        metrics: Metrics,
        evidence: Evidence,
    ) -> None:
        self.evidence = evidence
        self.limits = settings.limits
        self.timeouts = settings.timeouts
        self.chain = chain
        self.metrics = metrics
        self._engine = engine

    def exchange(self, call: Call) -> Exchange:
        """Prepare the engine's side of a call."""
        accept = "text/event-stream" if call.accepted.stream else "application/json"
        headers = {"Accept": accept, **call.headers}
        call.used.asked = True
        return self._engine.exchange("POST", call.route, headers, call.accepted.payload)

    async def whole(self, call: Call) -> Answer:
        """Return the engine's answer, cleared by all checks.

        Raises:
            Refusal: The engine or a check failed, or a check refused.
        """
        with self.engine_errors():
            exchange = self.exchange(call)
            document = await self._document(exchange, call.began)
            kept = replies.known_part(call.route, document)
            piece = self.piece(call, kept)
        self.count_tokens(call, kept)
        if self.chain.outputs:
            try:
                await self._clear(call, piece)
            except Refusal as refusal:
                return await self._recorded(call, self._withheld(call, refusal), refusal)
        return await self._recorded(call, piece.wire)

    async def _recorded(self, call: Call, body: bytes, refusal: Refusal | None = None) -> Answer:
        """Return an answer that is on record."""
        call.entry.add(body)
        await self.evidence.outcome(call.entry, 200, refusal)
        return Answer(200, body, call.entry.headers)

    async def _clear(self, call: Call, piece: Piece) -> None:
        gate = Gate(self.chain, call.view)
        try:
            await gate.feed(piece)
            await gate.finish()
        finally:
            gate.close()

    async def models(self, headers: dict[str, str], began: float) -> list[dict[str, Any]]:
        """Return the models that the engine lists.

        Raises:
            Refusal: The engine failed.
        """
        with self.engine_errors():
            exchange = self._engine.exchange("GET", Route.MODELS, headers)
            return replies.known_models(await self._document(exchange, began))

    def piece(self, call: Call, kept: dict[str, Any]) -> Piece:
        """Return the form in which a part of an answer is checked and sent.

        Raises:
            EngineBrokenError: It has a choice that was not asked for.
        """
        kind = replies.kind_of(call.route, stream=call.accepted.stream)
        replies.own_words(kept, kind, call.model, call.names, call.choices)
        return Piece(kept, orjson.dumps(kept))

    def count_tokens(self, call: Call, kept: dict[str, Any]) -> None:
        """Count what the engine reports as used."""
        prompt, completion = replies.tokens(kept)
        call.used.reported += prompt + completion
        self.metrics.prompt_tokens.inc(prompt)
        self.metrics.completion_tokens.inc(completion)

    @contextlib.contextmanager
    def engine_errors(self) -> Iterator[None]:
        """Turn failures of the engine into refusals, counted by kind."""
        try:
            yield
        except (EngineUnreachableError, EngineBrokenError, EventTooLargeError, TimeoutError) as e:
            refusal = upstream.refusal_of(e)
            self.metrics.upstream_errors.labels(refusal.reason.value).inc()
            log.warning("engine failed: %s: %s", refusal.reason, e)
            raise refusal from e
        except Refusal as refusal:
            if refusal.reason in upstream.REASONS:
                self.metrics.upstream_errors.labels(refusal.reason.value).inc()
            raise

    async def _document(self, exchange: Exchange, began: float) -> dict[str, Any]:
        patience = Patience(self.timeouts, began)
        async with patience.scope, exchange:
            upstream.check_head(exchange.response, "application/json")
            parts: list[bytes] = []
            size = 0
            while part := await exchange.read():
                parts.append(part)
                size += len(part)
                if size > self.limits.max_response_bytes:
                    raise EngineBrokenError("answer too large")
                patience.progress()
        return replies.read_document(b"".join(parts))

    def _withheld(self, call: Call, refusal: Refusal) -> bytes:
        if refusal.reason is not Reason.CHECK_REFUSED or call.route is Route.EMBEDDINGS:
            raise refusal
        self.metrics.refused(refusal)
        document = replies.withheld(call.route, call.model, call.names.answer, call.choices)
        return orjson.dumps(document)
