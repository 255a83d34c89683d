"""The shape of a request: which fields exist, of which type.

Fields are an allow-list since engines add their own, and some of those carry text around every
check (templates, prefixes, raw prompts) or reach files and adapters. Text must be text: token
ids cannot be read by a check, and media would have to be fetched or decoded by the engine.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from casemate.gateway.errors import bad_shape
from casemate.gateway.messages import check_messages, check_tools
from casemate.gateway.routes import Route
from casemate.gateway.settings import Limits
from casemate.gateway.strictjson import dump

Rule = Callable[[str, Any, Limits], None]

MAX_NAME = 256
MAX_STOPS = 16


@dataclass(frozen=True, slots=True)
class Accepted:
    """A request of accepted shape.

    Attributes:
        body: The document as the engine will get it.
        payload: ``body`` serialised: what is forwarded.
        stream: Whether the answer is to be streamed.
        wants_usage: Whether the caller of a stream asked for the closing usage event.
    """

    body: Mapping[str, Any]
    payload: bytes
    stream: bool
    wants_usage: bool


def accept(route: Route, body: dict[str, Any], limits: Limits) -> Accepted:
    """Check a parsed body and bring it into the form that is forwarded.

    A field with the value null counts as absent. Streams are asked for usage, so that tokens are
    counted whether the caller wants to see them or not.

    Raises:
        Refusal: 400, naming the field and what is accepted.
    """
    rules = FIELDS[route]
    kept = {name: value for name, value in body.items() if value is not None}
    for name, value in kept.items():
        rule = rules.get(name)
        if rule is None:
            raise bad_shape(
                name[:MAX_NAME],
                f"Unknown field {name[:MAX_NAME]!r}. {route} accepts: {', '.join(rules)}.",
            )
        rule(name, value, limits)
    for name in REQUIRED[route]:
        if name not in kept:
            raise bad_shape(name, f"The field {name!r} is required.")
    stream = kept.get("stream", False)
    options = kept.pop("stream_options", {})
    if stream:
        kept["stream_options"] = {"include_usage": True}
    elif options:
        raise bad_shape("stream_options", "'stream_options' is accepted only with 'stream': true.")
    wants_usage = bool(options.get("include_usage"))
    return Accepted(kept, dump(kept), stream=stream, wants_usage=wants_usage)


def _typed(kind: type, accepted: str) -> Rule:
    def rule(name: str, value: Any, _limits: Limits) -> None:
        # An exact comparison: True is an int for isinstance, but not for an engine.
        if type(value) is not kind:
            raise bad_shape(name, f"{name!r} must be {accepted}.")

    return rule


def _number(name: str, value: Any, _limits: Limits) -> None:
    if type(value) is not float and type(value) is not int:
        raise bad_shape(name, f"{name!r} must be a number.")


def _count(name: str, value: Any, _limits: Limits) -> None:
    if type(value) is not int or value < 1:
        raise bad_shape(name, f"{name!r} must be a whole number of at least 1.")


def _choices(name: str, value: Any, limits: Limits) -> None:
    if type(value) is not int or not 1 <= value <= limits.max_choices:
        raise bad_shape(name, f"{name!r} must be a whole number from 1 to {limits.max_choices}.")


def _name(name: str, value: Any, _limits: Limits) -> None:
    if type(value) is not str or not 1 <= len(value) <= MAX_NAME:
        raise bad_shape(name, f"{name!r} must be a string of 1 to {MAX_NAME} characters.")


def _texts(name: str, value: Any, limits: Limits) -> None:
    _text_or_list(name, value, limits.max_messages, "; token ids are not: no check can read them")


def _stops(name: str, value: Any, _limits: Limits) -> None:
    _text_or_list(name, value, MAX_STOPS, "")


def _text_or_list(name: str, value: Any, most: int, remark: str) -> None:
    if type(value) is str:
        return
    texts = type(value) is list and 1 <= len(value) <= most
    if not texts or any(type(item) is not str for item in value):
        raise bad_shape(
            name, f"{name!r} must be a string or a list of 1 to {most} strings{remark}."
        )


def _string_or_object(name: str, value: Any, _limits: Limits) -> None:
    if type(value) is not str and type(value) is not dict:
        raise bad_shape(name, f"{name!r} must be a string or an object.")


def _stream_options(name: str, value: Any, _limits: Limits) -> None:
    if type(value) is not dict or value.keys() - {"include_usage"}:
        raise bad_shape(name, f"{name!r} must be an object; accepted in it: include_usage.")
    if type(value.get("include_usage", False)) is not bool:
        raise bad_shape(f"{name}.include_usage", "'include_usage' must be true or false.")


_BOOL = _typed(bool, "true or false")
_INT = _typed(int, "a whole number")
_OBJECT = _typed(dict, "an object")
_STRING = _typed(str, "a string")

_SAMPLING: dict[str, Rule] = {
    "temperature": _number,
    "top_p": _number,
    "top_k": _INT,
    "min_p": _number,
    "seed": _INT,
    "presence_penalty": _number,
    "frequency_penalty": _number,
    "repetition_penalty": _number,
    "logit_bias": _OBJECT,
    "max_tokens": _count,
    "n": _choices,
    "stop": _stops,
    "stream": _BOOL,
    "stream_options": _stream_options,
    "user": _name,
}
FIELDS: dict[Route, dict[str, Rule]] = {
    Route.CHAT: {
        "model": _name,
        "messages": check_messages,
        **_SAMPLING,
        "max_completion_tokens": _count,
        "logprobs": _BOOL,
        "top_logprobs": _INT,
        "response_format": _OBJECT,
        "tools": check_tools,
        "tool_choice": _string_or_object,
        "parallel_tool_calls": _BOOL,
        "reasoning_effort": _name,
    },
    Route.COMPLETIONS: {
        "model": _name,
        "prompt": _texts,
        **_SAMPLING,
        "suffix": _STRING,
        "echo": _BOOL,
        "best_of": _choices,
        "logprobs": _INT,
    },
    Route.EMBEDDINGS: {
        "model": _name,
        "input": _texts,
        "encoding_format": _name,
        "dimensions": _count,
        "user": _name,
    },
}
REQUIRED = {
    Route.CHAT: ("model", "messages"),
    Route.COMPLETIONS: ("model", "prompt"),
    Route.EMBEDDINGS: ("model", "input"),
}
