"""What the detector API says, in both directions; bytes in, plain values out, no connection.

Source: the FMS guardrails detector API, paths `/api/v1/text/contents` and `/api/v1/text/chat`. It
leaves open what a client does with a malformed answer; here that is an error, never "clean".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

CONTENTS, CHAT, HEALTH = "/api/v1/text/contents", "/api/v1/text/chat", "/health"
DETECTOR_ID = "detector-id"
MOST_CONTENTS = 4096
"""Texts in one request: a request's surfaces are fewer."""


class ContractError(ValueError):
    """A request or an answer is not what the contract says; names what is wrong."""


@dataclass(frozen=True, slots=True)
class Detection:
    """Something that a detector found in a text.

    Attributes:
        kind: `detection_type`: what it is about, such as a red line's id.
        detection: The name of what was found, such as a sub-class.
        score: How sure it is, from 0 to 1.
        start: Where it begins in the text, in characters.
        end: First character after it.
        metadata: What else it tells.
    """

    kind: str
    detection: str
    score: float
    start: int = 0
    end: int = 0
    metadata: Mapping[str, Any] | None = None

    def of_contents(self, text: str) -> dict[str, Any]:
        """Return the form that stands in an answer about contents."""
        span = {"start": self.start, "end": self.end, "text": text[self.start : self.end]}
        return {**span, **self.of_chat()}

    def of_chat(self) -> dict[str, Any]:
        """Return the form that stands in an answer about a chat, which has no spans."""
        return {
            "detection": self.detection,
            "detection_type": self.kind,
            "score": round(self.score, 4),
            "evidence": [],
            "metadata": dict(self.metadata or {}),
        }


def contents_body(texts: Sequence[str]) -> bytes:
    """Return the body of a request about texts.

    Raises:
        ContractError: More than `MOST_CONTENTS`, or a text that is no valid Unicode.
    """
    if len(texts) > MOST_CONTENTS:
        raise ContractError(f"at most {MOST_CONTENTS} texts are sent; there are {len(texts)}")
    try:
        return orjson.dumps({"contents": list(texts), "detector_params": {}})
    except orjson.JSONEncodeError as error:
        raise ContractError("a text is not valid Unicode") from error


def read_contents(raw: bytes) -> list[str]:
    """Return the texts of a request.

    Raises:
        ContractError: It has another form.
    """
    contents = _object(raw, "the body").get("contents")
    if not isinstance(contents, list) or not 1 <= len(contents) <= MOST_CONTENTS:
        raise ContractError(f"contents must be a list of 1 to {MOST_CONTENTS} texts")
    if not all(isinstance(text, str) for text in contents):
        raise ContractError("contents must hold strings only")
    return contents


def read_chat(raw: bytes) -> dict[str, Any]:
    """Return messages and tools of a request.

    Raises:
        ContractError: It has another form.
    """
    body = _object(raw, "the body")
    messages, tools = body.get("messages"), body.get("tools", [])
    if not isinstance(messages, list) or not messages:
        raise ContractError("messages must be a list of at least one message")
    if not isinstance(tools, list):
        raise ContractError("tools must be a list")
    if not all(isinstance(one, dict) for one in [*messages, *tools]):
        raise ContractError("messages and tools must hold objects only")
    return {"messages": messages, "tools": tools}


def read_findings(raw: bytes, texts: Sequence[str]) -> list[list[Detection]]:
    """Return what an answer found in each of the texts.

    Raises:
        ContractError: It has another form, or speaks of other texts.
    """
    found = _parsed(raw, "the answer")
    if not isinstance(found, list) or len(found) != len(texts):
        raise ContractError(f"the answer must be a list with an entry for each of {len(texts)}")
    if not all(isinstance(entry, list) for entry in found):
        raise ContractError("each entry of the answer must be a list")
    return [
        [_detection(one, len(text)) for one in entry]
        for entry, text in zip(found, texts, strict=True)
    ]


def _detection(one: Any, length: int) -> Detection:
    if not isinstance(one, dict):
        raise ContractError("a detection must be an object")
    kind, name, score = one.get("detection_type"), one.get("detection"), one.get("score")
    start, end = one.get("start"), one.get("end")
    if not isinstance(kind, str) or not isinstance(name, str):
        raise ContractError("a detection must have detection and detection_type, as strings")
    if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
        raise ContractError("a detection's score must be a number from 0 to 1")
    if type(start) is not int or type(end) is not int or not 0 <= start <= end <= length:
        raise ContractError("a detection's start and end must lie within its text")
    return Detection(kind, name, float(score), start, end)


def _object(raw: bytes, what: str) -> dict[str, Any]:
    value = _parsed(raw, what)
    if not isinstance(value, dict):
        raise ContractError(f"{what} must be a JSON object")
    return value


def _parsed(raw: bytes, what: str) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ContractError(f"{what} is not JSON: {error}") from error
