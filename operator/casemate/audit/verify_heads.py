"""A log's checkpoints: signed by its keys, and over the very leaves that were read."""

import heapq
from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from casemate.audit.bundle import Bundle, BundleError
from casemate.audit.checkpoint import Checkpoint
from casemate.audit.findings import Finding, Findings
from casemate.audit.notes import FormatError, Note, SignatureError, Verifier
from casemate.audit.times import milliseconds
from casemate.audit.verify_keys import KeyChain
from casemate.audit.verify_tree import TreeCheck
from casemate.audit.verify_witness import Tail, Witnesses

FILE = "checkpoints.jsonl"
_MOST_STRANGE = 1000
"""Checkpoints with signatures of unknown keys that are looked at twice."""


class Head(NamedTuple):
    """A checkpoint, and where it stands."""

    checkpoint: Checkpoint
    note: Note
    source: str
    brought: bool = False
    """By the inspector."""

    @property
    def size(self) -> int:
        """Records that it covers."""
        return self.checkpoint.size


def head(text: str, source: str) -> Head:
    """Read a signed checkpoint of a bundle; nothing is verified.

    Raises:
        FormatError: It is none.
    """
    note = Note.parse(text)
    return Head(Checkpoint.parse(note.text), note, source)


def brought(text: str) -> Head:
    """Read a signed checkpoint that an inspector brings.

    Raises:
        FormatError: It is none.
    """
    return head(text, "the checkpoint that you brought")._replace(brought=True)


class Seen(NamedTuple):
    """A checkpoint that enough witnesses signed, and the time of the last record that it covers."""

    size: int
    time: str
    names: list[str]


class HeadCheck:
    """Meets each checkpoint when as many leaves are read as it covers."""

    def __init__(
        self,
        bundle: Bundle,
        keys: KeyChain,
        witnesses: Witnesses,
        since: Sequence[Head],
        findings: Findings,
    ) -> None:
        self._pod, self._keys, self._findings = keys.pod, keys, findings
        self._witnesses = witnesses
        self.last: Head | None = None
        """The last one of the bundle."""
        self.seen: Seen | None = None
        """The last one that enough witnesses signed."""
        self._strange: deque[tuple[Head, list[Verifier]]] = deque(maxlen=_MOST_STRANGE)
        older = sorted(since, key=_size)
        self._heads = heapq.merge(self._bundled(bundle), older, key=_size)
        self._next = next(self._heads, None)

    def meet(self, tree: TreeCheck, time: str) -> None:
        """Take in that another leaf was read.

        Args:
            tree: Over the leaves so far.
            time: Of the last record.
        """
        while self._next is not None and self._next.size <= tree.size:
            found, self._next = self._next, next(self._heads, None)
            if found.size == tree.size and self._signed(found, time):
                witnesses = self._seen(found)
                if not found.brought and self._witnesses.suffice(witnesses):
                    self.seen = Seen(found.size, time, witnesses)
                sure = found.brought or bool(witnesses)
                tree.meet(found.checkpoint, found.source, sure=sure)

    def end(self, tree: TreeCheck) -> None:
        """Look whether checkpoints cover more than there is, or less."""
        while self._next is not None:
            found, self._next = self._next, next(self._heads, None)
            tree.short(found.checkpoint, found.source, sure=found.brought)
        size = self.last.size if self.last else 0
        if size < tree.size:
            told = "no checkpoint covers these records"
            self._findings.broken(self._pod, size, FILE, told, until=tree.size)

    def _bundled(self, bundle: Bundle) -> Iterator[Head]:
        number, sources = 0, bundle.notes(self._pod)
        while True:
            number += 1
            try:
                found = head(next(sources), f"line {number} of {FILE}")
            except StopIteration:
                return
            except (FormatError, BundleError) as error:
                self._findings.broken(self._pod, None, FILE, f"line {number}: {error}")
                continue
            if self.last is not None and found.size <= self.last.size:
                self._broken(found, _behind(found, self.last))
                continue
            self.last = found
            yield found

    def tail(self, size: int, time: str) -> Tail | None:
        """Return what is behind the last checkpoint that enough witnesses signed.

        Args:
            size: Records of the log.
            time: Of the last one.
        """
        if self.seen is None or not self.seen.time:
            return None
        lag = milliseconds(time) - milliseconds(self.seen.time)
        return Tail(size - self.seen.size, lag, self.seen.names)

    def settle(self) -> None:
        """Look again at signatures of keys that a record of another log may have told of since."""
        for found, keys in self._strange:
            self._seen(found)
            for line in self._witnesses.strangers(found.note, keys):
                told = f"{found.source}: {line.name!r} signed by a key that was not known then"
                self._findings.add(Finding(self._witnesses.strange, self._pod, None, FILE, told))

    def _signed(self, found: Head, time: str) -> bool:
        """Whether the log signed it; what is wrong goes to the findings."""
        if not self._keys.terms:
            return True
        keys = self._keys.verifiers(time)
        try:
            if found.checkpoint.origin != self._keys.name:
                told = f"is of {found.checkpoint.origin!r}, not of {self._keys.name!r}"
            elif not found.note.verify(keys):
                told = "is not signed by the key that the log had then"
            else:
                if not found.brought and self._witnesses.strangers(found.note, keys):
                    self._strange.append((found, keys))
                return True
        except (FormatError, SignatureError) as error:
            told = str(error)
        self._broken(found, told)
        return False

    def _seen(self, found: Head) -> list[str]:
        """Return which witnesses signed it; what is wrong goes to the findings."""
        try:
            return self._witnesses.others(self._keys, found.note)
        except (FormatError, SignatureError) as error:
            self._broken(found, str(error))
            return []

    def _broken(self, found: Head, why: str) -> None:
        told = f"{found.source}, of size {found.size}, {why}"
        self._findings.broken(self._pod, None, FILE, told)


def _size(one: Head) -> int:
    return one.size


def _behind(found: Head, last: Head) -> str:
    if found.size == last.size and found.checkpoint.root != last.checkpoint.root:
        return "has another root than the one before it: two histories were signed"
    return "stands behind one that covers as many records"
