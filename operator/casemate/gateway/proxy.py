"""The order of one request: head, route, name, body, shape, place, checks, engine, answer."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import orjson
from aiohttp import web

from casemate.gateway.answers import TEXT, Answer, CutError, refusal_answer
from casemate.gateway.callers import Caller
from casemate.gateway.checks import Chain, RequestView
from casemate.gateway.engine import Engine
from casemate.gateway.entries import Approvals, Entry, Evidence
from casemate.gateway.errors import Reason, Refusal, overloaded
from casemate.gateway.held import Held
from casemate.gateway.intake import (
    Intake,
    check_head,
    check_no_body,
    forwarded_headers,
    named_approval,
)
from casemate.gateway.isolation import refusal
from casemate.gateway.metrics import Metrics
from casemate.gateway.relay import Call, Relay
from casemate.gateway.routes import Route, Target, find, require_method
from casemate.gateway.settings import Settings
from casemate.gateway.shape import Accepted, accept
from casemate.gateway.stream import Stream
from casemate.gateway.strictjson import parse

log = logging.getLogger(__name__)

Identify = Callable[[web.BaseRequest], Awaitable[Caller]]
"""Returns who sent a request, or raises its refusal."""

# Not a status that is sent: the client left before there was one.
CLIENT_GONE = 499


@dataclass(slots=True)
class _Record:
    """What is counted of one request; filled in as it becomes known."""

    began: float
    path: str = "other"
    status: int = CLIENT_GONE


class Proxy:
    """Answers every request of every client connection."""

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        chain: Chain,
        metrics: Metrics,
        *,
        identify: Identify,
        evidence: Evidence,
        approvals: Approvals,
        isolated: Callable[[], str | None] = lambda: None,
        stopped: Callable[[], Refusal | None] = lambda: None,
    ) -> None:
        self._identify = identify
        self._evidence = evidence
        self._approvals = approvals
        self._isolated = isolated
        self._stopped = stopped
        self._limits = settings.limits
        self._idle = settings.timeouts.idle_timeout
        self._total = settings.timeouts.total_timeout
        self._loop = asyncio.get_running_loop()
        self._metrics = metrics
        self._chain = chain
        self._relay = Relay(settings, engine, chain, metrics, evidence)
        self._intake = Intake(settings.limits, settings.timeouts.body_timeout)
        self._active = 0
        self._in_flight = 0
        metrics.in_flight.set_function(lambda: self._in_flight)
        self._quiet = asyncio.Event()
        self.draining = False

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; aiohttp's handler."""
        record = _Record(self._loop.time())
        self._active += 1
        try:
            response = await self._answer(request, record)
            record.status = response.status
        except CutError as cut:
            record.status = cut.refusal.status
            self.refused(cut.refusal)
            raise
        else:
            if self.draining:
                response.force_close()
            return response
        finally:
            self._active -= 1
            if not self._active:
                self._quiet.set()
            took = self._loop.time() - record.began
            self._metrics.request_done(record.path, record.status, took)

    async def drain(self, timeout: float) -> bool:  # noqa: ASYNC109  the deadline is the point
        """Take no new request; wait for those at work.

        Returns:
            False if ``timeout`` seconds were not enough.
        """
        self.draining = True
        if self._active:
            self._quiet.clear()
            try:
                async with asyncio.timeout(timeout):
                    await self._quiet.wait()
            except TimeoutError:
                return False
        return True

    def refused(self, refusal: Refusal) -> None:
        """Count a refusal."""
        self._metrics.refused(refusal)

    def unreadable(self, refusal: Refusal) -> None:
        """Count a request that was refused before it could be handled."""
        self.refused(refusal)
        self._metrics.request_done("other", refusal.status, 0.0)

    async def _answer(self, request: web.BaseRequest, record: _Record) -> web.StreamResponse:
        try:
            return await self._serve(request, record)
        except Refusal as refusal:
            self.refused(refusal)
            return refusal_answer(refusal)

    async def _serve(self, request: web.BaseRequest, record: _Record) -> web.StreamResponse:
        check_head(request)
        approval = named_approval(request)
        target = find(request.raw_path)
        record.path = target.route.value
        require_method(target.route, request.method)
        if self.draining:
            raise Refusal(503, Reason.DRAINING, "This gateway is shutting down.", close=True)
        self._require_open()
        self._chain.require_ready()
        caller = await self._identify(request)
        headers = forwarded_headers(request)
        if target.route in {Route.MODELS, Route.MODEL}:
            check_no_body(request)
            return await self._list_models(target, headers, record.began)
        if target.route is Route.RECEIPT:
            check_no_body(request)
            return await self._receipt(target, caller)
        body = parse(await self._intake.receive(request), max_depth=self._limits.max_depth)
        accepted = accept(target.route, body, self._limits)
        view = RequestView(target.route, accepted.body, accepted.payload, caller)
        with self._place():
            held = await self._check(view)
            forwarded = self._chain.forwarded(target.route, accepted)
            if held is None:
                entry = await self._evidence.intent(view)
            else:
                view, forwarded, entry = await self._let_go(view, forwarded, held, approval)
            call = Call(request, view, forwarded, headers, record.began, entry)
            try:
                return await self._recorded(call)
            finally:
                self._chain.spent(view, call.used.tokens(len(forwarded.payload)))

    async def _check(self, view: RequestView) -> Held | None:
        try:
            return await self._chain.check_input(view)
        except Refusal as refusal:
            # One too many is only counted: who asks without end must not fill the log.
            if refusal.reason is not Reason.QUOTA_EXCEEDED:
                await self._evidence.refused(view, refusal)
            raise

    async def _let_go(
        self, view: RequestView, forwarded: Accepted, held: Held, approval: str | None
    ) -> tuple[RequestView, Accepted, Entry]:
        """Return what people have let go, as they have seen it.

        The last thing before the engine: an approval that is spent on a request which is then
        refused here would be lost.
        """
        self._require_open()
        entry, content = await self._approvals.let_go(view, forwarded, held, approval)
        line = held.judgement.line
        return replace(view, approved=line), replace(forwarded, payload=content), entry

    async def _recorded(self, call: Call) -> web.StreamResponse:
        """Carry a call; whatever becomes of it is put on record."""
        try:
            return await self._carry(call)
        except Refusal as refusal:
            await self._evidence.outcome(call.entry, refusal.status, refusal)
            refusal.headers = {**refusal.headers, **call.entry.headers}
            raise
        except CutError as cut:
            self._evidence.abandoned(call.entry, cut.refusal.status, cut.refusal.reason.value)
            raise
        except BaseException:
            closed = self._closed()
            reason = closed.reason.value if closed else "client_gone"
            self._evidence.abandoned(call.entry, CLIENT_GONE, reason)
            raise

    async def _carry(self, call: Call) -> web.StreamResponse:
        if call.accepted.stream:
            return await Stream(self._relay, call).run()
        answer = await self._relay.whole(call)
        # Delivered while the place is held: so answers that nobody reads are bounded too.
        await answer.deliver(call.request, self._idle, call.began + self._total)
        return answer

    async def _list_models(self, target: Target, headers: dict[str, str], began: float) -> Answer:
        with self._place():
            models = await self._relay.models(headers, began)
        if target.model is None:
            return Answer(200, orjson.dumps({"object": "list", "data": models}))
        for model in models:
            if model["id"] == target.model:
                return Answer(200, orjson.dumps(model))
        raise Refusal(
            404,
            Reason.UNKNOWN_PATH,
            "The engine serves no model of this name; GET /v1/models lists them.",
            code="model_not_found",
        )

    async def _receipt(self, target: Target, caller: Caller) -> Answer:
        with self._place():
            receipt = await self._evidence.receipt(target.record, caller)
        return Answer(200, receipt.encode(), kind=TEXT)

    def _closed(self) -> Refusal | None:
        """Return why nothing is answered to anybody now: a kill switch, or isolation."""
        if stopped := self._stopped():
            return stopped
        problem = self._isolated()
        return refusal(problem) if problem else None

    def _require_open(self) -> None:
        if closed := self._closed():
            raise closed

    @contextmanager
    def _place(self) -> Iterator[None]:
        """Hold one of the places at the engine."""
        # Once more: a body takes its time, and nothing may reach the engine without a proof,
        # or once it is stopped.
        self._require_open()
        if self._in_flight >= self._limits.max_in_flight:
            raise overloaded("All places at the engine are taken; try again shortly.")
        self._in_flight += 1
        try:
            yield
        finally:
            self._in_flight -= 1
