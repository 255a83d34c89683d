"""JSON with one meaning only.

Parsers differ on duplicate keys, on numbers without a value, on surrogates and on depth. An
engine that read a document differently from the checks would answer a request that nobody
checked. So such documents are refused, and what is forwarded is written anew from what was read.

The standard parser is used since it alone reports duplicate keys; the writer is orjson, whose
own limits (64-bit integers, valid Unicode) are refusals here.
"""

import json
import math
from typing import Any, NoReturn

import orjson

from casemate.gateway.errors import Reason, Refusal

_SHOWN = 40


def bad_json(problem: str) -> Refusal:
    """Return the refusal of a body that is not strict JSON."""
    return Refusal(400, Reason.BAD_JSON, f"The request body is not strict JSON: {problem}.")


def parse(raw: bytes, *, max_depth: int) -> dict[str, Any]:
    """Parse a request body.

    Args:
        raw: The body's bytes, at most as many as the size limit allows.
        max_depth: How many arrays and objects may be nested, the outermost included.

    Raises:
        Refusal: 400, with a message that says what is wrong and where.
    """
    try:
        value = _DECODER.decode(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise bad_json(f"invalid UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise bad_json(f"{error.msg} at line {error.lineno} column {error.colno}") from None
    except RecursionError:
        raise _too_deep(max_depth) from None
    if not isinstance(value, dict):
        raise bad_json("the top level must be an object")
    if _deeper(value, max_depth):
        raise _too_deep(max_depth)
    return value


def dump(value: dict[str, Any]) -> bytes:
    """Serialise what was checked, the only bytes that are ever forwarded.

    Raises:
        Refusal: 400 if a string holds a lone surrogate: it has no UTF-8 form.
    """
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        raise bad_json(f"a string holds a lone surrogate (\\ud800 to \\udfff): {error}") from None


def _deeper(value: Any, limit: int) -> bool:
    layer = [value]
    for _ in range(limit):
        layer = [
            child
            for container in layer
            for child in (container.values() if type(container) is dict else container)
            if type(child) is dict or type(child) is list
        ]
        if not layer:
            return False
    return True


def _too_deep(limit: int) -> Refusal:
    return bad_json(f"more than {limit} nested arrays and objects")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise bad_json(f"duplicate key {twice[:_SHOWN]!r}")
    return value


def _no_constant(name: str) -> NoReturn:
    raise bad_json(f"{name} is not a number in JSON")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise bad_json(f"the number {text[:_SHOWN]} is too large")
    return value


def _int(text: str) -> int:
    # 19 digits and a sign are the most that a 64-bit integer needs.
    value = int(text) if len(text) <= 20 else 1 << 64  # noqa: PLR2004
    if not -(1 << 63) <= value < 1 << 63:
        raise bad_json(f"the integer {text[:_SHOWN]} does not fit into 64 bits")
    return value


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_float, parse_int=_int
)
