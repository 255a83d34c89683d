"""A gateway with its safety stack around a small judge, whose rules a test can see at a glance."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from casemate.gateway.guard import InForce, Judging
from casemate.gateway.instruction import Instruction
from casemate.gateway.loading import Built
from casemate.gateway.quotas import Limits
from casemate.guard.types import FORCE, SURVEILLANCE, Finding, Judgement, Surface, Verdict
from casemate.policyfile import PolicyFile
from unit.gateway.support import completion

SENTENCE = "The FORBIDDEN words are told in this sentence here."
"""What the judge refuses, wherever it finds the second word."""
HELD = "HOLDME"
VERSION = 20260701
BUNDLE = b"a bundle"
ALLOWED = Judgement(Verdict.ALLOW, "", "", ())


def judge_text(text: str) -> Judgement:
    """Refuse and hold by marker words, in any case and with anything but letters between them."""
    letters = re.sub(r"[\W_]+", "", text).upper()
    if "FORBIDDEN" in letters:
        findings = [Finding(SURVEILLANCE, "s01", "lexicon", "text", ("spaced",), 0.987)]
        if "FORBIDDEN" not in text:
            findings.append(Finding("hiding", "", "structural", "text", ("spaced",), 1.0))
        return Judgement(Verdict.REFUSE, SURVEILLANCE, "lexicon", tuple(findings))
    if HELD in letters:
        finding = Finding(FORCE, "f01", "lexicon", "text", (), 0.987)
        return Judgement(Verdict.HOLD, FORCE, "lexicon", (finding,))
    return ALLOWED


@dataclass
class Markers:
    """A judge of marker words.

    Attributes:
        before: Called before each judgement, to fail as a test wants it.
        seen: What it has judged of answers.
    """

    before: Callable[[], Any] = lambda: None
    seen: list[tuple[str, tuple[Surface, ...]]] = field(default_factory=list)

    def request(self, body: Mapping[str, Any]) -> Judgement:
        self.before()
        return judge_text(orjson.dumps(body).decode())

    def output(self, context: str, surfaces: Sequence[Surface]) -> Judgement:
        self.before()
        self.seen.append((context, tuple(surfaces)))
        found = [judge_text(surface.text) for surface in surfaces]
        return next((item for item in found if item.verdict is not Verdict.ALLOW), ALLOWED)


def in_force(
    judge: Judging | None = None, instruction: str = "", limits: Limits | None = None
) -> InForce:
    told = Instruction(instruction) if instruction else None
    return InForce(judge or Markers(), "sha256:" + "0" * 64, VERSION, told, limits)


def loads(force: InForce) -> Callable[[bytes | None], InForce]:
    """Return what loads the same, whatever the policy says."""
    return lambda _policy: force


def build(_bundle: bytes, _terms: PolicyFile) -> Built:
    """Build a judge as the real one is built."""
    return Built(Markers(), VERSION)


def sleep_for_ever() -> None:
    time.sleep(3600)


def says(*texts: str, **part: Any) -> dict[str, Any]:
    """Return a whole answer with one choice for each text."""
    document = completion("")
    document["choices"] = [
        {
            "index": number,
            "message": {"role": "assistant", "content": text, **part},
            "finish_reason": "stop",
        }
        for number, text in enumerate(texts)
    ]
    return document


def delta(
    text: str | None = None, choice: int = 0, finish: str | None = None, **part: Any
) -> bytes:
    """Return one event of a streamed chat."""
    content = {} if text is None else {"content": text}
    event = {
        "id": "c-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [{"index": choice, "delta": {**content, **part}, "finish_reason": finish}],
    }
    return orjson.dumps(event)
