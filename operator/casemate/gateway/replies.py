"""The shape of an engine's answers: what of them may reach a client.

Known fields pass, others are dropped: engines add fingerprints, timings, file paths and debug
output. What is known must have its type, else the answer counts as broken.
"""

import base64
import re
from collections.abc import Mapping
from typing import Any

import orjson

from casemate.gateway.errors import EngineBrokenError
from casemate.gateway.parts import (
    FINISHES,
    ROLES,
    Names,
    Types,
    keep,
    kept_calls,
    kept_logprobs,
    one_of,
)
from casemate.gateway.routes import Route

_TOP: Types = {
    "id": str,
    "object": str,
    "created": int,
    "model": str,
    "choices": list,
    "usage": dict,
}
_EMBEDDINGS: Types = {"object": str, "model": str, "data": list, "usage": dict}
_CHOICE: Types = {
    "index": int,
    "text": str,
    "message": dict,
    "delta": dict,
    "finish_reason": str,
    "logprobs": dict,
}
_MESSAGE: Types = {
    "role": str,
    "content": str,
    "refusal": str,
    "reasoning_content": str,
    "tool_calls": list,
}
_VECTOR: Types = {"object": str, "index": int, "embedding": (list, str)}
_USAGE: Types = {
    "prompt_tokens": int,
    "completion_tokens": int,
    "total_tokens": int,
}
_MODEL_ID = re.compile(r"[^\x00-\x1f\x7f]{1,256}")


def read_document(raw: bytes) -> dict[str, Any]:
    """Parse an answer.

    Raises:
        EngineBrokenError: It is not a JSON object.
    """
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise EngineBrokenError("answer is not JSON") from error
    if type(value) is not dict:
        raise EngineBrokenError("answer is not a JSON object")
    return value


def known_part(route: Route, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what may pass of an answer, or of one event of a streamed answer.

    Raises:
        EngineBrokenError: A known field has the wrong type, or the substance is missing.
    """
    embeddings = route is Route.EMBEDDINGS
    kept = keep(document, _EMBEDDINGS if embeddings else _TOP)
    items = kept.get("data" if embeddings else "choices")
    if items is None:
        raise EngineBrokenError("answer has no choices or data")
    items[:] = [_keep_vector(item) if embeddings else _keep_choice(item) for item in items]
    if kept.get("usage") is not None:
        kept["usage"] = keep(kept["usage"], _USAGE)
    return kept


def known_models(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the models that an engine lists, without what it adds about files and itself.

    Raises:
        EngineBrokenError: The listing has another form.
    """
    entries = document.get("data")
    if type(entries) is not list:
        raise EngineBrokenError("model listing has no data")
    return [_model(entry) for entry in entries]


def tokens(document: Mapping[str, Any]) -> tuple[int, int]:
    """Return the prompt and completion tokens that an answer reports, 0 where it does not."""
    usage = document.get("usage") or {}
    return max(0, usage.get("prompt_tokens") or 0), max(0, usage.get("completion_tokens") or 0)


def own_words(kept: dict[str, Any], kind: str, model: str, names: Names, most: int) -> None:
    """Put what the gateway says itself in the place of what the engine calls things.

    Args:
        kept: The known part of an answer; changed in place.
        kind: What it is, as OpenAI's field ``object`` says it.
        model: As the caller names it.
        names: The ids of this answer.
        most: How many choices were asked for.

    Raises:
        EngineBrokenError: It has a choice that was not asked for.
    """
    for field, value in (("object", kind), ("model", model), ("id", names.answer)):
        if field in kept:
            kept[field] = value
    for vector in kept.get("data") or ():
        vector["object"] = "embedding"
    for place, choice in enumerate(kept.get("choices") or ()):
        number = place_of(choice, place)
        if not 0 <= number < most:
            raise EngineBrokenError("answer has a choice that was not asked for")
        for part in (choice.get("delta"), choice.get("message")):
            for order, call in enumerate((part or {}).get("tool_calls") or ()):
                if call.get("id") is not None:
                    call["id"] = names.call(number, place_of(call, order))


def place_of(item: Mapping[str, Any], place: int) -> int:
    """Return which choice, or which tool call, this is: what it says, else its place in a list."""
    index = item.get("index")
    return place if index is None else int(index)


def kind_of(route: Route, *, stream: bool) -> str:
    """Return what an answer is, as OpenAI's field ``object`` says it."""
    if route is Route.EMBEDDINGS:
        return "list"
    if route is Route.COMPLETIONS:
        return "text_completion"
    return "chat.completion.chunk" if stream else "chat.completion"


def withheld(route: Route, model: str, name: str, choices: int) -> dict[str, Any]:
    """Return the answer that stands for a withheld one, as OpenAI clients know it.

    Args:
        route: What was asked.
        model: As the caller names it.
        name: The answer's id.
        choices: How many there would be: one block ends them all.
    """
    chat = route is Route.CHAT
    part = {"message": {"role": "assistant", "content": None, "refusal": None}}
    empty: dict[str, Any] = part if chat else {"text": ""}
    ends = [{"index": n, "finish_reason": "content_filter", **empty} for n in range(choices)]
    kind = kind_of(route, stream=False)
    return {"id": name, "object": kind, "created": 0, "model": model, "choices": ends}


def withheld_event(route: Route, model: str, name: str, choices: int) -> dict[str, Any]:
    """Return the last event of a stream whose rest is withheld."""
    document = withheld(route, model, name, choices)
    if route is Route.CHAT:
        document["object"] = kind_of(route, stream=True)
        for choice in document["choices"]:
            del choice["message"]
            choice["delta"] = {}
    return document


def _keep_choice(value: Any) -> dict[str, Any]:
    choice = keep(value, _CHOICE)
    one_of(choice.get("finish_reason"), FINISHES, "finish_reason")
    if choice.get("logprobs") is not None:
        choice["logprobs"] = kept_logprobs(choice["logprobs"])
    for part in ("message", "delta"):
        if choice.get(part) is not None:
            choice[part] = _keep_message(choice[part])
    return choice


def _keep_message(value: Any) -> dict[str, Any]:
    message = keep(value, _MESSAGE)
    one_of(message.get("role"), ROLES, "role")
    if message.get("tool_calls") is not None:
        message["tool_calls"] = kept_calls(message["tool_calls"])
    return message


def _keep_vector(value: Any) -> dict[str, Any]:
    item = keep(value, _VECTOR)
    vector = item.get("embedding")
    if isinstance(vector, str):
        try:
            base64.b64decode(vector, validate=True)
        except ValueError:
            raise EngineBrokenError("answer has a vector that is not base64") from None
    elif not all(isinstance(number, int | float) for number in vector or ()):
        raise EngineBrokenError("answer has a vector of something else than numbers")
    return item


def _model(entry: Any) -> dict[str, Any]:
    name = entry.get("id") if type(entry) is dict else None
    if type(name) is not str or not _MODEL_ID.fullmatch(name):
        raise EngineBrokenError("model listing has an entry without a usable id")
    created = entry.get("created")
    return {
        "id": name,
        "object": "model",
        "created": created if type(created) is int else 0,
        "owned_by": "casemate",
    }
