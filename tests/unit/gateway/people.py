"""People in the warden's place: what a gateway asks to be held, and what becomes of it."""

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from casemate.holds import ANOTHER, DENIED, EXPIRED, PENDING, REVOKED, SPENT, UNKNOWN

EXPIRES = "2026-07-01T12:15:00Z"
APPROVERS = 2
REASONS = {"denied": DENIED, "expired": EXPIRED, "revoked": REVOKED, "pending": PENDING}
"""Why a request that was decided so is not let go."""

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def refusal(status: int, reason: str, **more: Any) -> web.Response:
    said = {"reason": reason, "message": "told to the gateway", **more}
    return web.json_response(said, status=status)


@dataclass
class People:
    """Holds requests as the warden does, with one mark for what people decided.

    Attributes:
        keep: Keeps a record, and names it.
        held: By name of the approval, what the gateway sent.
        phase: By the same name: pending, approved, denied, expired, revoked or spent.
        consumed: What the gateway sent to spend an approval, refused ones too.
        answer: Answers in the place of all that.
    """

    keep: Callable[[dict[str, Any]], str]
    held: dict[str, dict[str, Any]] = field(default_factory=dict)
    phase: dict[str, str] = field(default_factory=dict)
    consumed: list[dict[str, Any]] = field(default_factory=list)
    answer: Answer | None = None

    def decide(self, name: str, phase: str = "approved") -> None:
        assert name in self.phase
        self.phase[name] = phase

    async def hold(self, request: web.Request) -> web.StreamResponse:
        if self.answer:
            return await self.answer(request)
        asked = await request.json()
        content = asked["content"].encode()
        assert asked["digest"] == hashlib.sha256(content).hexdigest()
        name = f"held-{len(self.held):016x}"
        self.held[name] = asked
        self.phase[name] = "pending"
        record = self.keep({"kind": "intent", **asked["intent"]})
        outcome = {"status": 403, "verdict": None, "response": None, "latency_ms": 0}
        self.keep({"kind": "outcome", "intent": record, "reason": "held", **outcome})
        approval = {"name": name, "uid": "u-1", "expires": EXPIRES, "approvers": APPROVERS}
        return web.json_response({"id": record, "approval": approval})

    async def consume(self, request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        self.consumed.append(asked)
        if self.answer:
            return await self.answer(request)
        if reason := self._reason(asked):
            fields = {"caller": asked["intent"]["caller"], "status": 403, "reason": reason}
            return refusal(403, reason, id=self.keep({"kind": "refused", **fields}))
        self.phase[asked["approval"]] = "spent"
        return web.json_response({"id": self.keep({"kind": "intent", **asked["intent"]})})

    def _reason(self, asked: dict[str, Any]) -> str:
        held = self.held.get(asked["approval"])
        if held is None:
            return UNKNOWN
        phase = self.phase[asked["approval"]]
        if phase == "spent":
            return SPENT
        same = all(held["intent"][name] == asked["intent"][name] for name in ("caller", "model"))
        if held["digest"] != asked["digest"] or not same:
            return ANOTHER
        return REASONS.get(phase, "")

    def content(self, name: str) -> dict[str, Any]:
        """What people read."""
        content: dict[str, Any] = json.loads(self.held[name]["content"])
        return content
