"""The guard over one answer: what of it was judged, and so how much of it may leave."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from casemate.gateway.answertext import Bit, bits, call_text, finished
from casemate.gateway.checks import Cleared, OutputSession, Piece, RequestView
from casemate.gateway.errors import Cause
from casemate.gateway.guard import Bench, InForce
from casemate.gateway.held import covers
from casemate.gateway.holdback import Kind, Strand
from casemate.gateway.routes import Route
from casemate.guard.types import Judgement, Surface, Verdict

CONTEXT_CHARS = 1000
"""Of the prompt, half from its beginning and half from its end, in each judgement of its answer."""
RECITAL = "system-instruction"
"""Stands for a line in judgements of answers that repeat the agreement's instruction."""


@dataclass(frozen=True, slots=True)
class GuardOutput:
    """Judges answers while they are written."""

    bench: Bench
    name: str = "guard"

    def open(self, request: RequestView) -> OutputSession:
        """Begin with an answer; raises `CheckUnavailableError` when nothing is in force."""
        return GuardSession(self.bench, self.bench.force(), request)


@dataclass(slots=True)
class _Choice:
    """The texts of one choice. No verdict and no state is shared between choices."""

    number: int
    strands: dict[str, Strand] = field(default_factory=dict)

    def take(self, bit: Bit) -> tuple[Strand, int]:
        strand = self.strands.get(bit.path)
        if strand is None:
            name = f"choices[{self.number}].{bit.path}"
            strand = Strand(name, Kind.WHOLE if bit.call else Kind.FLOWING)
            self.strands[bit.path] = strand
        return strand, strand.add(bit.text)

    def calls(self) -> list[Strand]:
        return [strand for strand in self.strands.values() if strand.kind is Kind.WHOLE]

    def joined(self) -> Surface | None:
        """All that it says, as one text: what is split between its texts counts as joined."""
        texts = [s.whole() for path, s in self.strands.items() if not path.startswith("logprobs")]
        texts = [text for text in texts if text]
        if len(texts) <= 1:
            return None
        return Surface(f"choices[{self.number}]", "output", "\n".join(texts))


class GuardSession:
    """One answer."""

    def __init__(self, bench: Bench, force: InForce, request: RequestView) -> None:
        self._bench = bench
        self._force = force
        self._request = request
        # A whole answer is there at once: it is judged once, at its end.
        self._streamed = bool(request.body.get("stream"))
        self._choices: dict[int, _Choice] = {}
        self._held: deque[list[tuple[Strand, int]]] = deque()
        self._through = 0
        self._refused: Cause | None = None

    async def feed(self, piece: Piece) -> Cleared:
        """Take the next piece, and judge when that lets more leave."""
        marks: list[tuple[Strand, int]] = []
        touched: dict[int, list[Strand]] = {}
        for bit in bits(piece.data):
            choice = self._choices.get(bit.choice)
            if choice is None:
                choice = self._choices[bit.choice] = _Choice(bit.choice)
            mark = choice.take(bit)
            marks.append(mark)
            touched.setdefault(bit.choice, []).append(mark[0])
        self._held.append(marks)
        if self._streamed and self._refused is None:
            for number, strands in touched.items():
                await self._windows(self._choices[number], strands)
            for number in finished(piece.data):
                await self._calls(self._choices.get(number))
        return self._cleared()

    async def finish(self) -> Cleared:
        """Judge each choice as a whole."""
        for choice in self._choices.values():
            await self._end(choice)
        return self._cleared()

    def _cleared(self) -> Cleared:
        if self._refused is not None:
            return Cleared(Verdict.REFUSE, self._through, self._refused)
        while self._held and all(strand.covers(end) for strand, end in self._held[0]):
            self._held.popleft()
            self._through += 1
        return Cleared(Verdict.ALLOW, self._through)

    async def _windows(self, choice: _Choice, strands: Iterable[Strand]) -> None:
        due = [strand for strand in dict.fromkeys(strands) if strand.due()]
        if not due:
            return
        whole = [strand for strand in due if strand.whole_due()]
        surfaces = [_surface(strand, strand.window()) for strand in due]
        surfaces += [_surface(strand, strand.whole()) for strand in whole]
        if await self._allowed(choice, surfaces):
            for strand in due:
                strand.allow(whole=strand in whole)

    async def _calls(self, choice: _Choice | None) -> None:
        """Judge the tool calls of a choice that has ended."""
        calls = choice.calls() if choice else []
        if choice and calls and await self._allowed(choice, list(_ends(choice, calls))):
            for call in calls:
                call.allow_end()

    async def _end(self, choice: _Choice) -> None:
        strands = list(choice.strands.values())
        if await self._allowed(choice, list(_ends(choice, strands))):
            for strand in strands:
                strand.allow_end()

    async def _allowed(self, choice: _Choice, surfaces: Sequence[Surface]) -> bool:
        """Judge texts of one choice; the first verdict that is not ALLOW is for good."""
        if self._refused is not None:
            return False
        if not surfaces:
            return True
        context = context_of(self._request, choice.number)
        chars = len(context) + sum(len(surface.text) for surface in surfaces)
        work = partial(_judged, self._force, context, surfaces)
        judgement = await self._bench.judge(chars, work)
        if judgement.verdict is not Verdict.ALLOW and not covers(self._request.approved, judgement):
            self._refused = Cause.INSTRUCTION if judgement.line == RECITAL else Cause.ANSWER
        return self._refused is None


def _judged(force: InForce, context: str, surfaces: Sequence[Surface]) -> Judgement:
    instruction = force.instruction
    if instruction and any(instruction.recited(surface.text) for surface in surfaces):
        return Judgement(Verdict.REFUSE, RECITAL, "instruction", ())
    return force.judge.output(context, surfaces)


def _ends(choice: _Choice, strands: Iterable[Strand]) -> Iterator[Surface]:
    """Yield what must be judged before the ends of texts may leave."""
    new = False
    for strand in strands:
        texts = []
        if strand.judged < strand.end:
            texts.append(strand.window())
        if strand.judged_whole < strand.end:
            texts.append(strand.whole())
        for text in dict.fromkeys(texts):
            new = True
            yield _surface(strand, text)
    joined = choice.joined() if new else None
    if joined:
        yield joined


def _surface(strand: Strand, text: str) -> Surface:
    if strand.kind is Kind.WHOLE:
        return Surface(strand.name, "tool_call", call_text(text))
    return Surface(strand.name, "output", text)


def context_of(request: RequestView, choice: int) -> str:
    """Return the prompt, or both ends of a long one, that a choice answers."""
    body = request.body
    if request.route is Route.CHAT:
        asked = [message for message in body["messages"] if message["role"] == "user"]
        text = _content(asked[-1]["content"]) if asked else ""
    else:
        prompt = body.get("prompt", "")
        text = prompt if type(prompt) is str else prompt[choice // body.get("n", 1) % len(prompt)]
    half = CONTEXT_CHARS // 2
    return text if len(text) <= CONTEXT_CHARS else f"{text[:half]}\n{text[-half:]}"


def _content(content: object) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(part.get("text") or part.get("refusal") or "" for part in parts)
