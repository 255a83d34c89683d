"""A bounded memory of answers that hold for a while."""

from collections import OrderedDict
from typing import Generic, TypeVar

T = TypeVar("T")


class Memory(Generic[T]):
    """Answers by key; beyond a number of them, the least used goes first."""

    def __init__(self, most: int) -> None:
        """Begin with nothing.

        Args:
            most: How many are kept.
        """
        self._most = most
        self._kept: OrderedDict[bytes, tuple[float, T]] = OrderedDict()

    def __len__(self) -> int:
        """Return how many are kept, those that have ended included."""
        return len(self._kept)

    def get(self, key: bytes, now: float) -> T | None:
        """Return what was put, unless it has ended by now."""
        found = self._kept.get(key)
        if found is None:
            return None
        until, answer = found
        if now >= until:
            del self._kept[key]
            return None
        self._kept.move_to_end(key)
        return answer

    def put(self, key: bytes, until: float, answer: T) -> None:
        """Keep an answer until a moment."""
        self._kept[key] = until, answer
        self._kept.move_to_end(key)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
