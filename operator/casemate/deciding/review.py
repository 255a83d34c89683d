"""A held request's content as people read it: all of it, role by role, nothing left out."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson

from casemate.deciding.seen import Span, hidden, plain, spans

_TEXTS = ("prompt", "input")
_SAID = ("content", "refusal")
_MESSAGE = ("role", "name")
_FUNCTION = ("name", "description")

Json = Mapping[str, Any]


class ReviewError(ValueError):
    """Content that cannot be shown as a request; says why."""


@dataclass(frozen=True)
class Section:
    """A part of a request. All of it is safe to show anywhere."""

    title: str
    """What it is, on one line."""
    lines: tuple[tuple[Span, ...], ...]
    """The text, line by line; no lines: there is no text."""

    @property
    def text(self) -> str:
        """Its lines as plain text."""
        return "\n".join("".join(span.text for span in line) for line in self.lines)


@dataclass(frozen=True)
class Review:
    """A request's content, for people.

    Attributes:
        sections: Its parts: messages, prompts, tools, then all other parameters.
        hidden: How many characters of it cannot be seen, by code point and name.
        digest: SHA-256 of the content in hexadecimal, which is what an approval names.
        content: The very bytes.
    """

    sections: tuple[Section, ...]
    hidden: Mapping[str, int]
    digest: str
    content: bytes

    @property
    def size(self) -> int:
        """Bytes of the content."""
        return len(self.content)

    @property
    def unseen(self) -> int:
        """How many characters cannot be seen."""
        return sum(self.hidden.values())


def review(content: bytes) -> Review:
    """Return what people are shown of the very body that would be sent.

    Raises:
        ReviewError: It is no JSON object, so that nobody could say what a model makes of it.
    """
    try:
        # Where a key stands twice, two readers may take different ones; this parser tells of it.
        body = json.loads(content, object_pairs_hook=_distinct)
    except ReviewError:
        raise
    except (ValueError, RecursionError) as error:
        raise ReviewError(f"the content is no JSON: {error}") from error
    if not isinstance(body, dict):
        raise ReviewError("the content is no JSON object")
    try:
        found = tuple(_section(title, text) for title, text in _parts(body))
    except TypeError as error:  # what orjson says of values that it cannot write again
        raise ReviewError(f"the content cannot be shown: {error}") from error
    return Review(found, hidden(_strings(body)), sha256(content).hexdigest(), content)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ReviewError("the content has a key twice: a model may read what is not shown")
    return found


def _section(title: str, text: str) -> Section:
    lines = text.split("\n") if text else []
    return Section(plain(title), tuple(tuple(spans(line)) for line in lines))


def _parts(body: Json) -> Iterator[tuple[str, str]]:
    """Yield title and text of each part; every value of the body is in one of them."""
    messages, tools = _list(body.get("messages")), _list(body.get("tools"))
    for number, message in enumerate(messages, 1):
        yield from _message(f"message {number}", message)
    for field in _TEXTS:
        if field in body:
            yield from _numbered(field, body[field])
    for number, tool in enumerate(tools, 1):
        yield from _tool(f"tool {number}", tool)
    shown = {*_TEXTS, *(["messages"] if messages else []), *(["tools"] if tools else [])}
    rest = {name: value for name, value in body.items() if name not in shown}
    if rest:
        yield "parameters", "\n".join(f"{_key(name)}: {_json(one)}" for name, one in rest.items())


def _message(title: str, message: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(message, dict):
        yield title, _json(message)
        return
    name = f" ({message['name']})" if message.get("name") else ""
    title = f"{title}: {message.get('role')}{name}"
    rest = {key: value for key, value in message.items() if key not in (*_SAID, *_MESSAGE)}
    yield from _numbered(title, message.get("content"))
    if message.get("refusal") is not None:
        yield from _numbered(f"{title}, refusal", message["refusal"])
    calls = _list(rest.get("tool_calls"))
    for number, call in enumerate(calls, 1):
        yield f"{title}, tool call {number}", _call(call)
    if calls:
        del rest["tool_calls"]
    if rest:
        yield f"{title}, further fields", _pretty(rest)


def _numbered(title: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yield a text, or each of several."""
    if not isinstance(value, list):
        yield title, _text(value)
        return
    for number, part in enumerate(value, 1):
        yield f"{title}, part {number} of {len(value)}", _text(part)
    if not value:
        yield title, ""


def _text(value: Any) -> str:
    """Return the text of a content or a part of one; whatever has none, as JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and value.keys() == {"type", "text"} and value["type"] == "text":
        return _text(value["text"])
    return _pretty(value)


def _call(call: Any) -> str:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("arguments"), str):
        return _pretty(call)
    return f"{_pretty(_but_arguments(call))}\narguments:\n{function['arguments']}"


def _but_arguments(call: Json) -> dict[str, Any]:
    function = {key: value for key, value in call["function"].items() if key != "arguments"}
    return {**call, "function": function}


def _tool(title: str, tool: Any) -> Iterator[tuple[str, str]]:
    function = tool.get("function") if isinstance(tool, dict) else None
    if not isinstance(function, dict):
        yield title, _pretty(tool)
        return
    title = f"{title}: {function.get('name')}"
    yield title, str(function.get("description") or "")
    rest = {key: value for key, value in function.items() if key not in _FUNCTION}
    around = {key: value for key, value in tool.items() if key != "function"}
    if rest or around:
        yield f"{title}, parameters", _pretty({**around, **rest})


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _key(name: str) -> str:
    return name if name.isidentifier() else _json(name)


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _pretty(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
        for one in value.values():
            yield from _strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one)
