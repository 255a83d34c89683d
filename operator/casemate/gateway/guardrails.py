"""The guardrails that an agreement requires beside the gateway: asked on loopback, all at once.

Answers are held back whole where there are any: a detector judges texts, not streams, and what it
has not seen to its end must not leave.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from casemate.detector.client import Detector, DetectorError, Detectors
from casemate.gateway.answertext import bits, call_text
from casemate.gateway.checks import Cleared, Decision, OutputSession, Piece, RequestView
from casemate.gateway.errors import Cause, CheckUnavailableError
from casemate.gateway.guard import PARAMS, Force
from casemate.guard.surfaces import request_surfaces
from casemate.guard.types import Verdict

_TOLD = "by a guardrail of this model's agreement"


class Guardrails:
    """A check of requests and of answers by all of them."""

    name = "guardrails"

    def __init__(self, force: Force, deadline: float) -> None:
        """Prepare; nothing is connected before the first question.

        Args:
            force: Knows which ones there are.
            deadline: Seconds for the answers of all together.
        """
        self._force = force
        self._deadline = deadline
        self._client: Detectors | None = None

    async def check(self, request: RequestView) -> Decision:
        """Ask about every text of a request; raises `CheckUnavailableError` when one fails."""
        required = self._force().detectors
        if not required:
            return Decision(Verdict.ALLOW)
        texts = [one.text for one in request_surfaces(request.body)]
        if await self.found(required, texts):
            return Decision(Verdict.REFUSE, _TOLD, PARAMS[request.route])
        return Decision(Verdict.ALLOW)

    def open(self, _request: RequestView) -> OutputSession:
        """Begin with an answer."""
        return _Session(self, self._force().detectors)

    async def found(self, required: Sequence[Detector], texts: Sequence[str]) -> bool:
        """Whether any of them finds anything in any of the texts.

        Raises:
            CheckUnavailableError: One gave no answer that can be used.
        """
        try:
            return bool(await self._connected().find(required, texts))
        except DetectorError as error:
            raise CheckUnavailableError(Cause.DETECTOR) from error

    async def absent(self) -> str | None:
        """Return which required guardrail does not answer, or None; unknown ones are not asked."""
        try:
            required = self._force().detectors
        except CheckUnavailableError:
            return None  # told elsewhere: nothing is in force
        return await self._connected().absent(required) if required else None

    async def close(self) -> None:
        """Drop all connections."""
        if self._client is not None:
            await self._client.close()

    def _connected(self) -> Detectors:
        if self._client is None:
            self._client = Detectors(self._deadline)
        return self._client


@dataclass(slots=True)
class _Session:
    guardrails: Guardrails
    required: Sequence[Detector]
    pieces: int = 0
    texts: dict[tuple[int, str, bool], list[str]] = field(default_factory=dict)

    async def feed(self, piece: Piece) -> Cleared:
        self.pieces += 1
        if not self.required:
            return Cleared(Verdict.ALLOW, self.pieces)
        for bit in bits(piece.data):
            self.texts.setdefault((bit.choice, bit.path, bit.call), []).append(bit.text)
        return Cleared(Verdict.ALLOW, 0)

    async def finish(self) -> Cleared:
        whole = [(call, "".join(parts)) for (_, _, call), parts in self.texts.items()]
        texts = [call_text(text) if call else text for call, text in whole]
        if self.required and await self.guardrails.found(self.required, texts):
            return Cleared(Verdict.REFUSE)
        return Cleared(Verdict.ALLOW, self.pieces)
