"""A judge whose detector finds marker words: what is tested is everything around detection."""

from collections.abc import Mapping, Sequence
from typing import Any

from casemate.guard.detect import Detection
from casemate.guard.judge import Judge
from casemate.guard.types import FORCE, SURVEILLANCE, Policy
from casemate.guard.views import View, Views

BAD, HELD, FOREIGN, HIDDEN, ENDLESS = "forbidden", "holdme", "foreignword", "hiddenword", "endless"
_LINES = {BAD: SURVEILLANCE, HELD: FORCE}


def find(_bundle: Any, texts: Sequence[str], _vectors: Any = None) -> list[Detection]:
    return [_find(text) for text in texts]


def _find(text: str) -> Detection:
    found = tuple((line, "s01", "lexicon", 0.95) for word, line in _LINES.items() if word in text)
    return Detection(found, "en", covered=FOREIGN not in text)


def unfold(text: str) -> Views:
    hidden = ("tags",) if HIDDEN in text else ()
    return Views((View((), text.casefold()),), hidden, ENDLESS not in text)


def marked(policy: Policy | None = None, detect: Any = find) -> Judge:
    nothing: Any = None
    return Judge(nothing, policy or Policy(), detect=detect, views=unfold)


def chat(*contents: Any, **fields: Any) -> Mapping[str, Any]:
    messages = [{"role": "user", "content": content} for content in contents]
    return {"model": "m", "messages": messages, **fields}
