"""The verdict: every surface, every view of it, every window of that; the strictest over all."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from casemate.guard.bundle import Bundle
from casemate.guard.detect import Detection, Vectors, detect
from casemate.guard.memory import Memory, Remembered, TooMuchError
from casemate.guard.patterns import Patterns
from casemate.guard.places import Place, places, structural
from casemate.guard.surfaces import request_surfaces
from casemate.guard.types import (
    HIDING,
    UNREADABLE,
    Finding,
    GuardError,
    Judgement,
    Policy,
    Surface,
    Verdict,
)
from casemate.guard.views import Views
from casemate.guard.views import views as unfold

ANSWER_SCORE = 0.9
"""How sure a finding in an answer must be: answers to lawful questions speak of the lines, too."""
EXCHANGE_CHARS = 320
"""How much of the end of the question is judged together with the beginning of its answer."""


class Detect(Protocol):
    """Finds what windows ask for; see `casemate.guard.detect.detect`."""

    def __call__(
        self, bundle: Bundle, texts: Sequence[str], vectors: Vectors | None = None
    ) -> list[Detection]:
        """Return the findings in each canonical text."""


class Judge:
    """Judges texts by one bundle and one policy; may be used from several threads."""

    def __init__(
        self,
        bundle: Bundle,
        policy: Policy,
        vectors: Vectors | None = None,
        *,
        detect: Detect = detect,
        views: Callable[[str], Views] | None = None,
    ) -> None:
        """Compile the policy's patterns.

        Args:
            bundle: What is known.
            policy: What follows from what is found.
            vectors: Turns texts into vectors; None: without that tier.
            detect: Finds what windows ask for.
            views: Unfolds a text; by default with the words of the lexicon.

        Raises:
            PolicyError: A pattern is none that RE2 accepts.
        """
        self._policy = policy
        self._memory = Memory(lambda texts: detect(bundle, texts, vectors))
        self._texts: Remembered[tuple[Finding, ...]] = Remembered(len)
        self._views = views or partial(unfold, words=bundle.lexicon.words, real=bundle.real)
        self._patterns = Patterns(policy.patterns)

    def text(self, text: str, *, surface: str = "text", kind: str = "user") -> Judgement:
        """Judge one text.

        Raises:
            GuardError: There is no verdict.
        """
        return self.surfaces([Surface(surface, kind, text)])

    def request(self, body: Mapping[str, Any]) -> Judgement:
        """Judge a request, in the form in which it is forwarded.

        Raises:
            GuardError: There is no verdict.
        """
        try:
            found = request_surfaces(body)
        except Exception as error:
            raise GuardError(f"{type(error).__name__} in the surfaces of a request") from error
        return self.surfaces(found)

    def surfaces(self, surfaces: Iterable[Surface]) -> Judgement:
        """Judge texts together.

        Raises:
            GuardError: There is no verdict.
        """
        try:
            return self._verdict(self._found(list(surfaces)))
        except Exception as error:
            # Without its message, which may quote the text.
            raise GuardError(f"{type(error).__name__} in a judgement") from error

    def output(self, context: str, surfaces: Sequence[Surface]) -> Judgement:
        """Judge texts of an answer: each alone, and its beginning as the answer to `context`.

        Raises:
            GuardError: There is no verdict.
        """
        before = context[-EXCHANGE_CHARS:]
        joined = [
            Surface(one.name, "conversation", f"{before}\n{one.text[:EXCHANGE_CHARS]}")
            for one in surfaces
            if before.strip()
        ]
        judged = self.surfaces([*surfaces, *joined])
        return self._verdict([one for one in judged.findings if one.score >= ANSWER_SCORE])

    def _found(self, surfaces: Sequence[Surface]) -> list[Finding]:
        """Return what is found: it follows from the text, so what was met is not looked at."""
        known = self._texts.of(one.text for one in surfaces)
        new = {one.text: one for one in surfaces if one.text not in known}
        known |= self._looked_at(new)
        return [replace(found, surface=one.name) for one in surfaces for found in known[one.text]]

    def _looked_at(self, new: Mapping[str, Surface]) -> dict[str, tuple[Finding, ...]]:
        """Return what is found in new texts; all windows are gathered, so that they go together."""
        found: dict[str, list[Finding]] = {}
        held: list[Place] = []
        for text, surface in new.items():
            unfolded = self._views(text)
            found[text] = list(self._seen(surface, unfolded))
            for view in unfolded.views:
                held += places(surface, view)
        try:
            known = self._memory.detections([place.window.text for place in held])
        except TooMuchError:
            found[held[-1].surface.text].append(structural(UNREADABLE, held[-1].surface))
            return {text: tuple(each) for text, each in found.items()}
        for place in held:
            found[place.surface.text] += place.counted(known[place.window.text])
        told = {text: tuple(each) for text, each in found.items()}
        self._texts.add(told)
        return told

    def _seen(self, surface: Surface, unfolded: Views) -> Iterator[Finding]:
        """Yield what needs no look at windows."""
        if not unfolded.complete:
            yield structural(UNREADABLE, surface)
        for how in unfolded.hidden:
            yield Finding(HIDING, how, "structural", surface.name, (how,), 1.0)
        yield from self._match(surface.name, (), surface.text)
        for view in unfolded.views:
            yield from self._match(surface.name, view.how, view.text)

    def _match(self, name: str, how: tuple[str, ...], text: str) -> Iterator[Finding]:
        for line in self._patterns.lines(text):
            yield Finding(line, "", "pattern", name, how, 1.0)

    def _verdict(self, findings: list[Finding]) -> Judgement:
        worst, verdict = None, Verdict.ALLOW
        for one in findings:
            given = self._policy.verdict(one.line)
            if given.rank > verdict.rank:
                worst, verdict = one, given
        if worst is None:
            return Judgement(verdict, findings=tuple(findings))
        return Judgement(verdict, worst.line, worst.tier, tuple(findings))
