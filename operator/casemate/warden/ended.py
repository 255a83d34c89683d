"""Which intents have come to their end, by this replica's log, over all its starts.

An intent has one outcome. Whoever gives a second one gives another account of the same request, so
it is refused however long ago the first was, and whatever was started anew in between.
"""

from collections import OrderedDict
from typing import TypeVar

import orjson

from casemate.audit.records import RecordId
from casemate.evidence import OUTCOME

_KIND = b'"kind":"outcome"'
_BITS = 8
_MOST_OTHERS = 100_000
"""Intents of other replicas' logs that are remembered; they end here only while theirs is away."""
_MOST_REPEATED = 20_000
"""Outcomes that may be sent again: within seconds, or never."""

T = TypeVar("T")


class Ended:
    """Knows it by one bit for each record of the log; is told of every outcome in order."""

    def __init__(self, name: str) -> None:
        """Know nothing yet.

        Args:
            name: Of this replica's pod.
        """
        self._name = name
        self._own = bytearray()
        self._others: OrderedDict[RecordId, None] = OrderedDict()
        self._latest: OrderedDict[RecordId, int] = OrderedDict()

    def __contains__(self, intent: RecordId) -> bool:
        """Whether an intent has its outcome in this log."""
        if intent.pod != self._name:
            return intent in self._others
        byte, bit = divmod(intent.index, _BITS)
        return byte < len(self._own) and bool(self._own[byte] >> bit & 1)

    def outcome(self, intent: RecordId) -> int | None:
        """Return the index of an intent's outcome; None: there is none, or it was long ago."""
        return self._latest.get(intent)

    def read(self, leaf: bytes) -> None:
        """Take in a record that a start found."""
        if _KIND in leaf:
            record = orjson.loads(leaf)
            if record["kind"] == OUTCOME:
                self.note(RecordId.parse(record["intent"]), record["seq"])

    def note(self, intent: RecordId, index: int) -> None:
        """Take in an outcome.

        Args:
            intent: Of which it is; in the same log it stands before it.
            index: Of the outcome's record.
        """
        if intent.pod != self._name:
            _remember(self._others, intent, None, _MOST_OTHERS)
        elif intent.index < index:
            byte, bit = divmod(intent.index, _BITS)
            self._own.extend(bytes(max(0, byte + 1 - len(self._own))))
            self._own[byte] |= 1 << bit
        _remember(self._latest, intent, index, _MOST_REPEATED)


def _remember(kept: OrderedDict[RecordId, T], intent: RecordId, value: T, most: int) -> None:
    kept[intent] = value
    while len(kept) > most:
        kept.popitem(last=False)
