"""The verdict: every surface, every view of it, every window of that; the strictest over all."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from hashlib import blake2b
from typing import Any, Protocol

import re2

from casemate.guard.bundle import Bundle
from casemate.guard.detect import Detection, Vector, detect
from casemate.guard.surfaces import request_surfaces
from casemate.guard.types import (
    HIDING,
    UNCOVERED,
    UNREADABLE,
    Finding,
    GuardError,
    Judgement,
    Policy,
    PolicyError,
    Surface,
    Verdict,
)
from casemate.guard.views import Views
from casemate.guard.views import views as unfold
from casemate.guard.windows import windows

ANSWER_SCORE = 0.9
"""How sure a finding in an answer must be: answers to lawful questions speak of the lines, too."""
ALONE_SCORE = 0.8
"""How sure a finding in one sentence of a longer text must be: its context is not seen."""
EXCHANGE_CHARS = 320
"""How much of the end of the question is judged together with the beginning of its answer."""
_REMEMBERED = 8192
"""Windows whose findings are remembered, by digest: conversations are sent again and again."""

Found = tuple[tuple[str, str, str, float], ...]


class Detect(Protocol):
    """Finds what one window asks for; see `casemate.guard.detect.detect`."""

    def __call__(self, bundle: Bundle, text: str, vector: Vector | None = None) -> Detection:
        """Return the findings in a canonical text."""


class Judge:
    """Judges texts by one bundle and one policy; may be used from several threads."""

    def __init__(
        self,
        bundle: Bundle,
        policy: Policy,
        vector: Vector | None = None,
        *,
        detect: Detect = detect,
        views: Callable[[str], Views] | None = None,
    ) -> None:
        """Compile the policy's patterns.

        Args:
            bundle: What is known.
            policy: What follows from what is found.
            vector: Turns a text into a vector; None: without that tier.
            detect: Finds what one window asks for.
            views: Unfolds a text; by default with the words of the lexicon.

        Raises:
            PolicyError: A pattern is none that RE2 accepts.
        """
        self._bundle = bundle
        self._policy = policy
        self._vector = vector
        self._detect = detect
        self._views = views or partial(unfold, words=bundle.lexicon.words, real=bundle.real)
        self._patterns = [
            (line, _compiled(line, pattern))
            for line, patterns in policy.patterns.items()
            for pattern in patterns
        ]
        self._known: OrderedDict[bytes, Detection] = OrderedDict()
        self._lock = threading.Lock()

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
            return self._verdict([found for one in surfaces for found in self._look(one)])
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
        return self._verdict([one for one in judged.findings if _sure(one)])

    def _look(self, surface: Surface) -> Iterator[Finding]:
        """Yield what is found in one surface."""
        unfolded = self._views(surface.text)
        if not unfolded.complete:
            yield Finding(UNREADABLE, "", "structural", surface.name, (), 1.0)
        for how in unfolded.hidden:
            yield Finding(HIDING, how, "structural", surface.name, (how,), 1.0)
        yield from self._match(surface.name, (), surface.text)
        for view in unfolded.views:
            yield from self._match(surface.name, view.how, view.text)
            for window in windows(view.text):
                detection = self._window(window.text)
                for line, sub, tier, score in detection.findings:
                    if score >= ALONE_SCORE or not window.alone:
                        yield Finding(line, sub, tier, surface.name, view.how, score)
                if window.alone:
                    continue
                if not detection.covered and not view.how:
                    yield Finding(UNCOVERED, "", "structural", surface.name, (), 1.0)

    def _match(self, name: str, how: tuple[str, ...], text: str) -> Iterator[Finding]:
        for line, pattern in self._patterns:
            if pattern.search(text):
                yield Finding(line, "", "pattern", name, how, 1.0)

    def _window(self, text: str) -> Detection:
        key = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        with self._lock:
            known = self._known.get(key)
            if known is not None:
                self._known.move_to_end(key)
                return known
        found = self._detect(self._bundle, text, self._vector)
        with self._lock:
            self._known[key] = found
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return found

    def _verdict(self, findings: list[Finding]) -> Judgement:
        worst, verdict = None, Verdict.ALLOW
        for one in findings:
            given = self._policy.verdict(one.line)
            if given.rank > verdict.rank:
                worst, verdict = one, given
        if worst is None:
            return Judgement(verdict, findings=tuple(findings))
        return Judgement(verdict, worst.line, worst.tier, tuple(findings))


def _sure(finding: Finding) -> bool:
    return finding.score >= ANSWER_SCORE


def _compiled(line: str, pattern: str) -> Any:
    options = re2.Options()
    options.never_capture = True
    options.case_sensitive = False
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise PolicyError(f"line {line}: {pattern!r} is no RE2 pattern: {error}") from None
