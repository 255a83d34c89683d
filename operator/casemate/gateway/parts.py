"""The inner parts of an engine's answers: tool calls, log probabilities, and short fixed words.

Nothing of an answer passes that is not read: where the format allows any object, only what is
known of it is kept, and text that the guard could not make sense of on its own (ids, raw bytes) is
replaced or dropped.
"""

import secrets
import string
from collections.abc import Mapping
from typing import Any

from casemate.gateway.errors import EngineBrokenError

MAX_CALLS = 128
MAX_ALTERNATIVES = 20
"""The most that the format has for each token."""
ROLES = frozenset({"assistant", ""})
FINISHES = frozenset(
    {
        *("stop", "length", "tool_calls", "function_call", "content_filter"),
        *("abort", "error", "eos_token", "stop_sequence"),
    }
)
# Nine letters and digits are what the strictest of chat templates accepts.
_ID_CHARS = string.ascii_letters + string.digits
_ID_LENGTH = 9

Types = Mapping[str, type | tuple[type, ...]]
_CALL: Types = {"index": int, "id": str, "type": str, "function": dict}
_FUNCTION: Types = {"name": str, "arguments": str}
_TOKEN: Types = {"token": str, "logprob": (int, float), "bytes": list, "top_logprobs": list}
_LOGPROBS: Types = {
    "content": list,
    "refusal": list,
    "tokens": list,
    "token_logprobs": list,
    "top_logprobs": list,
    "text_offset": list,
}


class Names:
    """The ids of one answer: made here, since an engine could write anything into its own."""

    def __init__(self) -> None:
        self.answer = f"casemate-{secrets.token_hex(12)}"
        self._calls: dict[tuple[int, int], str] = {}

    def call(self, choice: int, index: int) -> str:
        """Return the id of a choice's tool call, the same each time."""
        known = self._calls.get((choice, index))
        if known is None:
            known = "".join(secrets.choice(_ID_CHARS) for _ in range(_ID_LENGTH))
            self._calls[choice, index] = known
        return known


def keep(value: Any, types: Types) -> dict[str, Any]:
    """Return the known fields of an object.

    Raises:
        EngineBrokenError: It is no object, or a known field has another type.
    """
    if type(value) is not dict:
        raise EngineBrokenError("answer has something else where an object belongs")
    kept = {}
    for name, item in value.items():
        kind = types.get(name)
        if kind is None:
            continue
        if item is not None and not isinstance(item, kind):
            raise EngineBrokenError(f"answer's field {name} has the wrong type")
        kept[name] = item
    return kept


def one_of(value: Any, words: frozenset[str], name: str) -> None:
    """Check that a value is null or one of a few words."""
    if value is not None and value not in words:
        raise EngineBrokenError(f"answer's {name} is not a known one")


def kept_calls(calls: list[Any]) -> list[dict[str, Any]]:
    """Return what is known of tool calls, whole ones or parts of a stream."""
    return [_kept_call(call, place) for place, call in enumerate(calls)]


def _kept_call(value: Any, place: int) -> dict[str, Any]:
    call = keep(value, _CALL)
    index = call.get("index")
    if not 0 <= (place if index is None else index) < MAX_CALLS:
        raise EngineBrokenError("answer has too many tool calls")
    if call.get("type") is not None:
        call["type"] = "function"
    if call.get("function") is not None:
        call["function"] = keep(call["function"], _FUNCTION)
    return call


def kept_logprobs(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is known of log probabilities, in the form of chats or of completions."""
    kept = keep(value, _LOGPROBS)
    for name in ("content", "refusal"):
        if kept.get(name) is not None:
            kept[name] = [_kept_token(token) for token in kept[name]]
    _check_all(kept.get("tokens"), str)
    _check_all(kept.get("token_logprobs"), (int, float, type(None)))
    _check_all(kept.get("text_offset"), int)
    _check_all(kept.get("top_logprobs"), (dict, type(None)))
    for ranks in kept.get("top_logprobs") or ():
        _check_all(list((ranks or {}).values())[: MAX_ALTERNATIVES + 1], (int, float))
        _check_few(ranks or ())
    return kept


def _kept_token(value: Any, *, alternatives: bool = True) -> dict[str, Any]:
    token = keep(value, _TOKEN)
    if "bytes" in token and token["bytes"] != list((token.get("token") or "").encode()):
        # Half a character, or something else: in any case not the text that is checked.
        token["bytes"] = None
    others = token.pop("top_logprobs", None)
    if others is not None and alternatives:
        _check_few(others)
        token["top_logprobs"] = [_kept_token(other, alternatives=False) for other in others]
    return token


def _check_few(others: Any) -> None:
    if len(others) > MAX_ALTERNATIVES:
        raise EngineBrokenError("answer has too many alternatives of a token")


def _check_all(items: list[Any] | None, kind: type | tuple[type, ...]) -> None:
    if not all(isinstance(item, kind) for item in items or ()):
        raise EngineBrokenError("answer's log probabilities have the wrong type")
