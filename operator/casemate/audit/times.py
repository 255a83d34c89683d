"""Times of records, where they must be counted with; as texts they sort as they are."""

from datetime import datetime

_SECOND = 1000


def milliseconds(time: str) -> int:
    """Return the milliseconds since 1970 of a time such as `2026-11-27T01:02:03.004Z`."""
    found = datetime.fromisoformat(time)
    return int(found.timestamp()) * _SECOND + found.microsecond // _SECOND
