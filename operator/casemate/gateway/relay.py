"""Carries one accepted request to the engine and a whole answer back; `stream` does the rest."""

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

from casemate.gateway import replies, upstream
from casemate.gateway.answers import Answer
from casemate.gateway.checks import Chain, Piece, RequestView
from casemate.gateway.engine import Engine, Exchange
from casemate.gateway.errors import EngineBrokenError, EngineUnreachableError, Reason, Refusal
from casemate.gateway.metrics import Metrics
from casemate.gateway.patience import Patience
from casemate.gateway.release import Gate
from casemate.gateway.routes import Route
from casemate.gateway.settings import Settings
from casemate.gateway.shape import Accepted
from casemate.gateway.sse import EventTooLargeError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Call:
    """One accepted request on its way.

    Attributes:
        request: The client's side.
        view: What the checks see.
        accepted: What is forwarded.
        headers: Client headers that reach the engine.
        began: Loop time when the head of the request was complete.
    """

    request: web.BaseRequest
    view: RequestView
    accepted: Accepted
    headers: dict[str, str]
    began: float

    @property
    def route(self) -> Route:
        """Where the request goes."""
        return self.view.route

    @property
    def model(self) -> str:
        """The model as the caller names it."""
        return str(self.accepted.body["model"])


class Relay:
    """The way to the engine and back."""

    def __init__(self, settings: Settings, engine: Engine, chain: Chain, metrics: Metrics) -> None:
        self.limits = settings.limits
        self.timeouts = settings.timeouts
        self.chain = chain
        self.metrics = metrics
        self._engine = engine

    def exchange(self, call: Call) -> Exchange:
        """Prepare the engine's side of a call."""
        accept = "text/event-stream" if call.accepted.stream else "application/json"
        headers = {"Accept": accept, **call.headers}
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
        self.count_tokens(kept)
        if self.chain.outputs:
            try:
                gate = Gate(self.chain, call.view)
                await gate.feed(piece)
                await gate.finish()
            except Refusal as refusal:
                return self._withheld(call, refusal)
        return Answer(200, piece.wire)

    async def models(self, headers: dict[str, str], began: float) -> list[dict[str, Any]]:
        """Return the models that the engine lists.

        Raises:
            Refusal: The engine failed.
        """
        with self.engine_errors():
            exchange = self._engine.exchange("GET", Route.MODELS, headers)
            return replies.known_models(await self._document(exchange, began))

    def piece(self, call: Call, kept: dict[str, Any]) -> Piece:
        """Return the form in which a part of an answer is checked and sent."""
        if "model" in kept:
            kept["model"] = call.model
        return Piece(kept, orjson.dumps(kept))

    def count_tokens(self, kept: dict[str, Any]) -> None:
        """Count what the engine reports as used."""
        prompt, completion = replies.tokens(kept)
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

    def _withheld(self, call: Call, refusal: Refusal) -> Answer:
        if refusal.reason is not Reason.CHECK_REFUSED or call.route is Route.EMBEDDINGS:
            raise refusal
        self.metrics.refusals.labels(refusal.reason.value).inc()
        return Answer(200, orjson.dumps(replies.withheld(call.route, call.model)))
