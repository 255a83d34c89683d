"""RFC 8785 (JCS): the one form in bytes of a JSON value.

`rfc8785` takes 40 µs for a record of 900 bytes, `orjson` with sorted keys 3 µs. They differ in
floating-point numbers (which orjson writes differently, or as null), and in the order of keys that
are not ASCII (UTF-16 units against code points).
"""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
import rfc8785

_OPTIONS = (
    orjson.OPT_SORT_KEYS
    | orjson.OPT_STRICT_INTEGER
    | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
    | orjson.OPT_PASSTHROUGH_SUBCLASS
)


def canonical(record: Mapping[str, Any]) -> bytes:
    """Return the canonical bytes of any JSON object: fast where that gives the same bytes.

    Raises:
        ValueError: It has none: a value that is no JSON, a number beyond 2^53.
    """
    try:
        data = orjson.dumps(record, option=_OPTIONS)
    except TypeError:
        data = b""
    if data and data.isascii() and not _floats(record.values()):
        return data
    try:
        return rfc8785.dumps(dict(record))
    except (rfc8785.CanonicalizationError, RecursionError) as error:
        raise ValueError(f"a record must be plain JSON: {error}") from error


def _floats(values: Iterable[Any]) -> bool:
    for value in values:
        kind = type(value)
        if kind is float or (kind is dict and _floats(value.values())):
            return True
        if kind in _LISTS and _floats(value):
            return True
    return False


_LISTS = (list, tuple)


def canonical_record(value: Mapping[str, Any]) -> bytes:
    """Return the canonical bytes of an object whose keys are ASCII and whose numbers are integers.

    Records that were read are so by their types, so nothing is looked for.

    Raises:
        ValueError: It has none.
    """
    try:
        return orjson.dumps(value, option=_OPTIONS)
    except orjson.JSONEncodeError as error:
        raise ValueError(f"no plain JSON: {error}") from error
