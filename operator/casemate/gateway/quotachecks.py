"""Quotas as a check of requests."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from casemate.gateway.checks import Decision, RequestView
from casemate.gateway.errors import Cause
from casemate.gateway.guard import Bench, InForce
from casemate.gateway.persons import persons
from casemate.gateway.quotas import Excess, Limits, Quotas
from casemate.guard.types import Verdict

_TOLD = {
    Cause.REQUESTS: "too many requests",
    Cause.TOKENS: "too many tokens",
    Cause.PERSONS: "too many different persons asked about",
    Cause.CALLERS: "too many different persons asked about by all callers together",
}


@dataclass(slots=True)
class QuotaCheck:
    """Counts each request of a caller, and refuses the one that is too many.

    A request counts before it is judged: refused ones are used to find the way round too.
    """

    bench: Bench
    clock: Callable[[], float] = time.monotonic
    name: str = "quotas"
    _limits: Limits | None = field(default=None, init=False)
    _quotas: Quotas | None = field(default=None, init=False)

    async def check(self, request: RequestView) -> Decision:
        """Count a request; raises `CheckUnavailableError` when nothing is in force."""
        quotas = self._of(self.bench.force())
        if quotas is None:
            return Decision(Verdict.ALLOW)
        excess = quotas.ask(request.caller, self.clock())
        if excess is None and self._limits and self._limits.persons is not None:
            found = await self.bench.lanes.run(len(request.payload), partial(persons, request.body))
            excess = quotas.ask_about(request.caller, found, self.clock())
        return _denied(excess) if excess else Decision(Verdict.ALLOW)

    def spend(self, request: RequestView, tokens: int) -> None:
        """Count what an answer has used."""
        if self._quotas is not None:
            self._quotas.spend(request.caller, tokens, self.clock())

    def _of(self, force: InForce) -> Quotas | None:
        """Return the counts, which begin when limits come into force."""
        if force.limits != self._limits:
            self._limits = force.limits
            self._quotas = Quotas(force.limits) if force.limits else None
        return self._quotas


def _denied(excess: Excess) -> Decision:
    told = f"{_TOLD[excess.cause]}; the next may pass in {excess.wait} s"
    return Decision(Verdict.REFUSE, told, cause=excess.cause, retry_after=excess.wait)
