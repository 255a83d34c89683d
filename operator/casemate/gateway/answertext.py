"""The texts of an answer: where each part of a piece belongs, and what a check reads of it."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from casemate.gateway.replies import place_of
from casemate.guard.surfaces import strings

_TEXTS = ("reasoning_content", "content", "refusal")
"""In the order in which they are read."""
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")


@dataclass(frozen=True, slots=True)
class Bit:
    """A part of one text of an answer, as one piece brings it.

    Attributes:
        choice: Number of the choice.
        path: The text within the choice.
        text: What is added to it.
        call: Whether it belongs to a tool call.
    """

    choice: int
    path: str
    text: str
    call: bool = False


def bits(data: Mapping[str, Any]) -> Iterator[Bit]:
    """Yield all text of a piece, in the shape that `replies` lets pass."""
    for place, choice in enumerate(data.get("choices") or ()):
        number = place_of(choice, place)
        if choice.get("text"):
            yield Bit(number, "text", choice["text"])
        for part in (choice.get("message"), choice.get("delta")):
            if part:
                yield from _message(number, part)
        if choice.get("logprobs"):
            for path, text in _logprobs(choice["logprobs"]):
                yield Bit(number, path, text)


def finished(data: Mapping[str, Any]) -> list[int]:
    """Return the choices that a piece ends."""
    choices = enumerate(data.get("choices") or ())
    return [place_of(choice, place) for place, choice in choices if choice.get("finish_reason")]


def call_text(raw: str) -> str:
    """Return what a check reads of a tool call: as it is, and without the escapes of JSON."""
    if "\\" not in raw:
        return raw
    try:
        plain = "\n".join(strings(json.loads(raw)))
    except (ValueError, RecursionError):
        plain = _ESCAPE.sub(lambda match: chr(int(match.group(1), 16)), raw)
    # Two escapes may make one character; half of one is none.
    whole = plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return f"{raw}\n{whole}"


def _message(number: int, part: Mapping[str, Any]) -> Iterator[Bit]:
    for name in _TEXTS:
        if part.get(name):
            yield Bit(number, f"message.{name}", part[name])
    for order, call in enumerate(part.get("tool_calls") or ()):
        function = call.get("function") or {}
        path = f"message.tool_calls[{place_of(call, order)}].function"
        for name in ("name", "arguments"):
            # Empty ones too: a call waits for its end from its first part on.
            yield Bit(number, f"{path}.{name}", function.get(name) or "", call=True)


def _logprobs(logprobs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the tokens as one text, and the alternatives as one for each rank."""
    tokens = logprobs.get("tokens")
    if tokens:
        yield "logprobs.tokens", "".join(tokens)
    for ranks in logprobs.get("top_logprobs") or ():
        for rank, token in enumerate(ranks or ()):
            yield f"logprobs.top_logprobs[{rank}]", token
    for name in ("content", "refusal"):
        for token in logprobs.get(name) or ():
            yield f"logprobs.{name}", token.get("token") or ""
            for rank, other in enumerate(token.get("top_logprobs") or ()):
                yield f"logprobs.{name}.top_logprobs[{rank}]", other.get("token") or ""
