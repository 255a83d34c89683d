"""Every text of a request that a model could read, by where it stands.

What is known is named by its role; what is not known is walked through, so that a field that
nobody thought of is checked too. Text that is split over parts or messages is joined as well.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from casemate.guard.types import Surface

_ROLES = {"system": "system", "developer": "system", "user": "user", "tool": "tool"}
_SETTINGS = frozenset({"model", "stream", "stream_options", "encoding_format", "object"})
"""Fields whose strings the gateway's shape bounds to names and switches; they are walked too."""


def request_surfaces(body: Mapping[str, Any]) -> list[Surface]:
    """Return the surfaces of a chat, completion or embedding request.

    Args:
        body: The document as the gateway forwards it.
    """
    messages = body.get("messages")
    listed = messages if isinstance(messages, list) else []
    found = [one for place, message in enumerate(listed) for one in _message(place, message)]
    found += _conversation(listed)
    found += [one for place, tool in enumerate(_list(body, "tools")) for one in _tool(place, tool)]
    for name, value in body.items():
        if (name == "messages" and listed) or (name == "tools" and isinstance(value, list)):
            continue
        found += _other(name, value)
    return _distinct(found)


def strings(value: Any) -> Iterator[str]:
    """Yield every string within a JSON value, keys of objects included, in reading order."""
    stack = [value]
    while stack:
        one = stack.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, Mapping):
            for key, item in reversed(list(one.items())):
                stack += (item, key)
        elif isinstance(one, Sequence):
            stack.extend(reversed(one))


def _message(place: int, message: Any) -> Iterator[Surface]:
    path = f"messages[{place}]"
    if not isinstance(message, Mapping):
        yield from _other(path, message)
        return
    role = message.get("role")
    kind = _ROLES.get(role, "assistant") if isinstance(role, str) else "assistant"
    for name, value in message.items():
        if name == "role":
            continue
        if name == "tool_calls" and isinstance(value, list):
            for index, call in enumerate(value):
                yield from _call(f"{path}.tool_calls[{index}]", call)
        elif name == "content" and isinstance(value, list):
            texts = _parts(value)
            for index, text in enumerate(texts):
                yield Surface(f"{path}.content[{index}]", kind, text)
            # Both: a word may be cut between two parts, and so may a sentence.
            yield Surface(f"{path}.content", kind, "".join(texts))
            yield Surface(f"{path}.content", kind, " ".join(texts))
        else:
            yield Surface(f"{path}.{name}", kind, "\n".join(strings(value)))


def _parts(parts: list[Any]) -> list[str]:
    """Return the texts of content parts without the names of their fields."""
    found = []
    for part in parts:
        fields = part.items() if isinstance(part, Mapping) else [("", part)]
        found += [text for name, value in fields if name != "type" for text in strings(value)]
    return found


def _call(path: str, call: Any) -> Iterator[Surface]:
    """Yield a tool call as it is, and with what its arguments say once they are read as JSON."""
    texts = list(strings(call))
    yield Surface(path, "tool_call", "\n".join(texts))
    read = [inner for text in texts for inner in _inner(text)]
    if read:
        yield Surface(f"{path}.arguments", "tool_call", "\n".join(read))


def _inner(text: str) -> list[str]:
    if text[:1] not in {"{", "[", '"'}:
        return []
    try:
        return list(strings(json.loads(text)))
    except (ValueError, RecursionError):
        return []


def _tool(place: int, tool: Any) -> Iterator[Surface]:
    texts = list(strings(tool))
    yield Surface(f"tools[{place}]", "tool_definition", "\n".join(texts))
    for text in texts:
        # Alone too: a description between the many names of a schema would be diluted.
        if " " in text.strip():
            yield Surface(f"tools[{place}]", "tool_definition", text)


def _other(name: str, value: Any) -> Iterator[Surface]:
    texts = list(strings(value))
    kind = "parameter" if name in _SETTINGS else "user"
    for text in texts:
        yield Surface(name, kind, text)
    if len(texts) > 1:
        yield Surface(name, kind, "".join(texts))
        yield Surface(name, kind, " ".join(texts))


def _conversation(messages: list[Any]) -> Iterator[Surface]:
    """Yield what messages say together: all of them, and those of the caller without the rest."""
    told = [(_role(one), _text(one)) for one in messages]
    for roles in (None, ("user",), ("system", "developer", "user")):
        texts = [text for role, text in told if text and (roles is None or role in roles)]
        if len(texts) > 1:
            yield Surface("conversation", "conversation", "".join(texts))
            yield Surface("conversation", "conversation", " ".join(texts))


def _role(message: Any) -> str:
    role = message.get("role") if isinstance(message, Mapping) else ""
    return role if isinstance(role, str) else ""


def _text(message: Any) -> str:
    content = message.get("content") if isinstance(message, Mapping) else message
    return "".join(_parts(content)) if isinstance(content, list) else "".join(strings(content))


def _list(body: Mapping[str, Any], name: str) -> list[Any]:
    value = body.get(name)
    return value if isinstance(value, list) else []


def _distinct(surfaces: list[Surface]) -> list[Surface]:
    """Return the surfaces without empty ones, each text once: the first place that has it."""
    seen: dict[str, Surface] = {}
    for one in surfaces:
        if one.text.strip():
            seen.setdefault(one.text, one)
    return list(seen.values())
