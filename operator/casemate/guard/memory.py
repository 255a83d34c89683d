"""What was looked at before is not looked at again: conversations are sent again and again."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Generic, TypeVar

from casemate.guard.detect import Detection

T = TypeVar("T")

REMEMBERED = 8192
"""Texts whose findings are remembered, by digest."""
MOST_HELD = 8 * REMEMBERED
"""Findings that are remembered of all texts together: one may have thousands, of 150 bytes each."""
BATCH = 32
"""Windows that are looked at together: a sentence encoder gains a third by it, and no more."""


MOST_CHARS = 512 << 10
"""Characters of new windows that one call looks at, some three for each of a text: the sentence
encoder takes 12 µs for each, so about six seconds on one core."""


class TooMuchError(Exception):
    """There is more to be looked at than one call may."""


class Remembered(Generic[T]):
    """What follows from a text alone, of the texts that were met last; for several threads."""

    def __init__(self, size: Callable[[T], int] = lambda _: 1) -> None:
        """Begin with nothing.

        Args:
            size: How many findings are held with what is remembered of a text.
        """
        self._known: OrderedDict[bytes, T] = OrderedDict()
        self._lock = threading.Lock()
        self._size = size
        self._held = 0

    @property
    def held(self) -> int:
        """Findings that are held now."""
        return self._held

    def of(self, texts: Iterable[str]) -> dict[str, T]:
        """Return what is known of each text, without those of which nothing is."""
        keys = {text: _key(text) for text in texts}
        found = {}
        with self._lock:
            for text, key in keys.items():
                if (known := self._known.get(key)) is not None:
                    self._known.move_to_end(key)
                    found[text] = known
        return found

    def add(self, found: Mapping[str, T]) -> None:
        """Remember what follows from each text, and forget what was not met for longest."""
        keys = {_key(text): each for text, each in found.items()}
        with self._lock:
            for key, each in keys.items():
                if (before := self._known.get(key)) is not None:
                    self._held -= self._size(before)
                self._known[key] = each
                self._held += self._size(each)
            while len(self._known) > REMEMBERED or self._held > MOST_HELD:
                self._held -= self._size(self._known.popitem(last=False)[1])


class Memory:
    """Detections of windows; may be used from several threads."""

    def __init__(self, detect: Callable[[Sequence[str]], list[Detection]]) -> None:
        self._detect = detect
        self._known: Remembered[Detection] = Remembered()

    def detections(self, texts: Sequence[str]) -> Mapping[str, Detection]:
        """Return what is found in each text.

        Raises:
            TooMuchError: The texts that are not known have more than `MOST_CHARS`.
        """
        found = self._known.of(texts)
        new = [text for text in dict.fromkeys(texts) if text not in found]
        if sum(map(len, new)) > MOST_CHARS:
            raise TooMuchError
        for start in range(0, len(new), BATCH):
            batch = new[start : start + BATCH]
            found |= dict(zip(batch, self._detect(batch), strict=True))
        self._known.add({text: found[text] for text in new})
        return found


def _key(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
