"""The proof while serving: a round every period, and no answer without a fresh one."""

import asyncio
import logging
import random
from collections.abc import Callable
from pathlib import Path

from casemate.gateway.errors import Reason, Refusal
from casemate.gateway.metrics import Metrics
from casemate.gateway.settings import Isolation
from casemate.isolation.proof import Proof, Verdict, both
from casemate.isolation.rounds import round_of

log = logging.getLogger(__name__)

GRACE_SECONDS = 5.0
"""How much longer than a period a proof is good for: a round, and a warden that starts anew."""
RETRY_SECONDS, LONGEST_RETRY_SECONDS = 1.0, 5.0
"""Pause after the first round that proved nothing, and after many of them."""
_EARLIEST = 0.8


class Watch:
    """Knows whether this pod's isolation is proven now."""

    def __init__(self, settings: Isolation, metrics: Metrics, lost: Callable[[], None]) -> None:
        """Prepare; nothing is proven yet.

        Args:
            settings: What rounds go through, and how often.
            metrics: Where rounds are counted.
            lost: Called when what was proven is no longer: requests at work must end.
        """
        self._settings = settings
        self._metrics = metrics
        self._lost = lost
        self._loop = asyncio.get_running_loop()
        self._good_until = 0.0
        self._alarm: asyncio.TimerHandle | None = None
        self._last = Proof(Verdict.INCONCLUSIVE, "no round has ended yet")

    def problem(self) -> str | None:
        """Return why nothing may be answered now, or None: it is proven."""
        if self._loop.time() < self._good_until:
            return None
        if self._last.verdict is Verdict.ENFORCED:
            return f"{Verdict.INCONCLUSIVE}: the last proof is too old"
        return f"{self._last.verdict}: {self._last.message}"

    async def run(self) -> None:
        """Take rounds for ever."""
        retry = RETRY_SECONDS
        while True:
            began = self._loop.time()
            try:
                proof = await self._round()
            except Exception:
                # Nothing is answered without a proof, but rounds must go on.
                log.exception("a round failed")
                proof = Proof(Verdict.INCONCLUSIVE, "a round failed; the gateway's log has a trace")
            self.take(proof, began)
            proven = proof.verdict is Verdict.ENFORCED
            pause = self._settings.period if proven else retry
            await asyncio.sleep(pause * random.uniform(_EARLIEST, 1.0))  # noqa: S311  no secret
            retry = RETRY_SECONDS if proven else min(retry * 2, LONGEST_RETRY_SECONDS)

    async def _round(self) -> Proof:
        inside = await round_of(self._settings.circuit)
        try:
            token = _text(self._settings.token)
        except (OSError, ValueError) as error:
            return both(inside, Proof(Verdict.INCONCLUSIVE, f"no token for the warden: {error}"))
        wardens, ports = self._settings.circuit.wardens, self._settings.closed_ports
        return both(inside, await wardens.report(inside, ports, token))

    def take(self, proof: Proof, began: float) -> None:
        """Take in what a round proved that began at `began` on the loop's clock."""
        self._metrics.isolation_rounds.labels(proof.verdict).inc()
        if proof.verdict != self._last.verdict:
            level = logging.INFO if proof.verdict is Verdict.ENFORCED else logging.WARNING
            log.log(level, "isolation: %s: %s", proof.verdict, proof.message)
        self._last = proof
        if proof.verdict is Verdict.ENFORCED:
            self._metrics.isolation_proven.set_to_current_time()
            self._good_for(began + self._settings.period + GRACE_SECONDS)
        elif proof.verdict is Verdict.NOT_ENFORCED and self.problem() is None:
            self._good_for(0.0)
            self._lost()

    def _good_for(self, until: float) -> None:
        if self._alarm:
            self._alarm.cancel()
            self._alarm = None
        self._good_until = until
        if until > self._loop.time():
            self._alarm = self._loop.call_at(until, self._lost)


def _text(path: str) -> str:
    return Path(path).read_text(encoding="ascii").strip()


def refusal(problem: str) -> Refusal:
    """Return the answer to a request while isolation is not proven; the details stay inside."""
    log.info("refused: %s", problem)
    return Refusal(
        503,
        Reason.NOT_ISOLATED,
        "This model's network isolation is not proven at the moment, so it answers nothing;"
        " try again shortly.",
        headers={"Retry-After": "5"},
        close=True,
    )
