"""The shape of an engine's answers: what of them may reach a client.

Known fields pass, others are dropped: engines add fingerprints, timings, file paths and debug
output. What is known must have its type, else the answer counts as broken.
"""

import re
from collections.abc import Mapping
from typing import Any

import orjson

from casemate.gateway.errors import EngineBrokenError
from casemate.gateway.routes import Route

Types = Mapping[str, type | tuple[type, ...]]

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
    kept = _keep(document, _EMBEDDINGS if embeddings else _TOP)
    items = kept.get("data" if embeddings else "choices")
    if items is None:
        raise EngineBrokenError("answer has no choices or data")
    items[:] = [_keep(item, _VECTOR if embeddings else _CHOICE) for item in items]
    if not embeddings:
        for choice in items:
            for part in ("message", "delta"):
                if part in choice and choice[part] is not None:
                    choice[part] = _keep(choice[part], _MESSAGE)
    if kept.get("usage") is not None:
        kept["usage"] = _keep(kept["usage"], _USAGE)
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


def withheld(route: Route, model: str) -> dict[str, Any]:
    """Return the answer that stands for a withheld one, as OpenAI clients know it."""
    empty: dict[str, Any] = {"index": 0, "finish_reason": "content_filter"}
    if route is Route.CHAT:
        empty["message"] = {"role": "assistant", "content": None, "refusal": None}
        kind = "chat.completion"
    else:
        empty["text"] = ""
        kind = "text_completion"
    return {"id": "withheld", "object": kind, "created": 0, "model": model, "choices": [empty]}


def withheld_event(route: Route, model: str) -> dict[str, Any]:
    """Return the last event of a stream whose rest is withheld."""
    document = withheld(route, model)
    if route is Route.CHAT:
        choice = document["choices"][0]
        del choice["message"]
        choice["delta"] = {}
        document["object"] = "chat.completion.chunk"
    return document


def _keep(value: Any, types: Types) -> dict[str, Any]:
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
