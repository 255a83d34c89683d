"""What the log itself says in every record: sequence, time, boot; and when the clock jumped."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

VERSION = 1
STAMPED = frozenset(("v", "seq", "time", "boot", "kind"))
"""Fields that no caller gives."""
TOLERANCE_MS = 1000
"""By how much the wall clock may run ahead of the steady one between two batches, in ms.

Backwards nothing is tolerated: times of records must not fall without a word.
"""


class Clock(Protocol):
    """Tells the time."""

    def wall(self) -> float:
        """Seconds since 1970 UTC."""

    def steady(self) -> float:
        """Seconds since some moment; never set."""


class SystemClock:
    """The machine's."""

    def wall(self) -> float:
        """Seconds since 1970 UTC."""
        return time.time()

    def steady(self) -> float:
        """Seconds since some moment; never set."""
        return time.monotonic()


class Reading(NamedTuple):
    """Both clocks at one moment, in ms."""

    wall: int
    steady: int


def read(clock: Clock) -> Reading:
    """Read both clocks."""
    return Reading(int(clock.wall() * 1000), int(clock.steady() * 1000))


class Stamper:
    """Stamps records, and notices when the clock was set."""

    def __init__(self, boot: str, last: int | None) -> None:
        """Continue a log.

        Args:
            boot: Id of this start of the process.
            last: Time of the last record, in ms since 1970; None: there is none.
        """
        self._boot = boot
        self._last = None if last is None else Reading(last, 0)
        self._fresh = True

    def jump(self, now: Reading) -> dict[str, Any] | None:
        """Take in a reading; return the fields of a `clock-jump` record if one is due."""
        last, self._last = self._last, now
        fresh, self._fresh = self._fresh, False
        if last is None:
            return None
        # The steady clock of another start has another zero, and hours may lie between.
        expected = last.wall if fresh else last.wall + max(0, now.steady - last.steady)
        ahead = not fresh and now.wall > expected + TOLERANCE_MS
        if now.wall >= last.wall and not ahead:
            return None
        return {
            "before": text(last.wall),
            "after": text(now.wall),
            "milliseconds": now.wall - expected,
        }

    def stamp(self, kind: str, fields: Mapping[str, Any], now: str, seq: int) -> dict[str, Any]:
        """Return the record of a time."""
        return {
            **fields,
            "v": VERSION,
            "seq": seq,
            "time": now,
            "boot": self._boot,
            "kind": kind,
        }


def text(ms: int) -> str:
    """Return a time as RFC 3339 UTC with milliseconds."""
    whole = datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{ms % 1000:03d}Z"


def ms_of(given: str) -> int:
    """Return the milliseconds since 1970 that `text` wrote.

    Raises:
        ValueError: It is no such text.
    """
    whole = datetime.strptime(given, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    return int(whole.timestamp()) * 1000 + whole.microsecond // 1000
