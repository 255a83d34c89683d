"""Whether the leaves of a log are those that were signed, and which are not."""

from typing import BinaryIO

from casemate.audit.checkpoint import Checkpoint
from casemate.audit.findings import Findings
from casemate.audit.merkle import Frontier

_HASH = 32
_SHOWN = 20
"""Changed records of one stretch that are named one by one."""


class TreeCheck:
    """Grows the tree leaf by leaf; memory is logarithmic in its size.

    The hashes that the bundle says its leaves have are proven by the same checkpoints. Where they
    agree with a checkpoint and the leaves do not, they tell which leaf is another.
    """

    def __init__(self, pod: str, hashes: BinaryIO | None, findings: Findings) -> None:
        self._pod, self._findings, self._hashes = pod, findings, hashes
        self._tree = Frontier()
        self._said: Frontier | None = None
        """Tree over the said hashes, from the first that differs on; None: none did."""
        self._differ: list[int] = []
        self._differing = 0
        self._good = 0
        """Size of the last checkpoint that the leaves agree with."""
        self._sure = 0
        """The same, of those that the log's own key alone could not have made."""
        self.lost = False
        """A checkpoint disagrees and nothing tells where: later ones would say nothing new."""

    @property
    def size(self) -> int:
        """Leaves so far."""
        return self._tree.size

    def root(self) -> bytes:
        """Return the root over the leaves so far."""
        return self._tree.root()

    def add(self, leaf: bytes) -> None:
        """Take in the next leaf's hash."""
        if self._hashes is not None:
            said = self._hashes.read(_HASH)
            if len(said) != _HASH:
                self._without("ends before the records do")
            else:
                self._compare(leaf, said)
        self._tree.append(leaf)

    def meet(self, head: Checkpoint, source: str, *, sure: bool) -> None:
        """Compare with a checkpoint of the present size.

        Args:
            head: The checkpoint.
            source: Where it stands.
            sure: The inspector brought it or a witness signed it: whoever has the log's key alone
                could not have made it.
        """
        if self.lost:
            return
        if self.root() == head.root:
            if self._said is not None:
                told = "differs from the records, which are those that were signed"
                self._without(told, self._differ[0])
            self._agreed(sure=sure)
            return
        if self._said is not None and self._said.root() == head.root:
            self._name()
            self._agreed(sure=sure)
            return
        self.lost = True
        told = "has another root: one of these records was changed, put in or taken out"
        self._unlike(head, source, told, sure=sure)

    def short(self, head: Checkpoint, source: str, *, sure: bool) -> None:
        """Tell of a checkpoint that covers more records than there are.

        Args:
            head: The checkpoint.
            source: Where it stands.
            sure: As for `meet`.
        """
        if self._hashes is not None:
            said = self._said or Frontier.of(self._tree.size, self._tree.hashes())
            while said.size < head.size and len(one := self._hashes.read(_HASH)) == _HASH:
                said.append(one)
            self._hashes = None
            if said.root() == head.root:
                self._name()
                told = "these records are missing"
                self._findings.broken(self._pod, self.size, "", told, until=head.size)
                return
        told = f"covers records that are not there: the log ends at {self.size}, cut or rolled back"
        self._unlike(head, source, told, sure=sure)

    def _unlike(self, head: Checkpoint, source: str, why: str, *, sure: bool) -> None:
        told = f"{source}, of size {head.size}, {why}"
        start = self._sure if sure else self._good
        self._findings.broken(self._pod, start, "", told, until=head.size)

    def end(self) -> None:
        """No leaf comes any more."""
        if self._hashes is not None and self._hashes.read(1):
            self._without("goes on behind the last record")

    def _compare(self, leaf: bytes, said: bytes) -> None:
        if leaf != said:
            if self._said is None:
                self._said = Frontier.of(self._tree.size, self._tree.hashes())
            self._differing += 1
            if len(self._differ) < _SHOWN:
                self._differ.append(self._tree.size)
        if self._said is not None:
            self._said.append(said)

    def _name(self) -> None:
        for index in self._differ:
            self._findings.broken(
                self._pod, index, "", "this record is not the one that was signed"
            )
        if self._differing > len(self._differ):
            more = self._differing - len(self._differ)
            self._findings.broken(
                self._pod, self._differ[-1], "", f"and {more} further ones behind it are not"
            )

    def _agreed(self, *, sure: bool) -> None:
        self._good = self._tree.size
        if sure:
            self._sure = self._tree.size
        self._differ, self._differing = [], 0

    def _without(self, why: str, index: int | None = None) -> None:
        """Go on without the said hashes."""
        at = self._tree.size if index is None else index
        self._findings.broken(self._pod, at, "hashes", f"the file {why}")
        self._hashes, self._said = None, None
