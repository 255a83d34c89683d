"""One log: every leaf read once, in order, beside its hashes, checkpoints and sealed contents."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import BinaryIO

from casemate.audit.bundle import Bundle, BundleError, hash_file
from casemate.audit.entries import Entry
from casemate.audit.findings import Findings
from casemate.audit.kinds import KeyRotated, Record, Started
from casemate.audit.merkle import leaf_hash
from casemate.audit.records import RecordError, parse
from casemate.audit.verify_contents import ContentCheck
from casemate.audit.verify_heads import Head, HeadCheck
from casemate.audit.verify_keys import KeyChain
from casemate.audit.verify_retention import Retention
from casemate.audit.verify_time import Order
from casemate.audit.verify_tree import TreeCheck
from casemate.audit.verify_witness import Witnesses


class LogCheck:
    """Reads one log of a bundle; what is wrong with it goes to the findings."""

    def __init__(self, bundle: Bundle, pod: str, retention: Retention, findings: Findings) -> None:
        self.pod, self._bundle, self._findings = pod, bundle, findings
        self._retention = retention
        self.keys = KeyChain(pod, "log", findings)
        self.witness = KeyChain(pod, "witness", findings)
        self.order = Order(pod, findings)
        self.size = 0
        """Records so far, those that could not be read among them."""
        self.root = b""
        self.heads: HeadCheck | None = None
        """Its checkpoints; None: nothing is read yet."""
        self.contents = 0
        """Sealed contents that are as they were recorded."""

    def entries(self, witnesses: Witnesses, since: Sequence[Head]) -> Iterator[Entry[Record]]:
        """Yield the records that can be read, in the log's order.

        Args:
            witnesses: Who may have seen its checkpoints.
            since: Older checkpoints of this log that the inspector brought.
        """
        with ExitStack() as stack:
            tree = TreeCheck(self.pod, self._hashes(stack), self._findings)
            heads = HeadCheck(self._bundle, self.keys, witnesses, since, self._findings)
            self.heads = heads
            contents = ContentCheck(self._bundle, self.pod, self._retention, self._findings)
            for leaf in self._leaves():
                index, self.size = self.size, self.size + 1
                tree.add(leaf_hash(leaf))
                record = self._record(leaf, index)
                if record is not None:
                    self._retention.reached(self.pod, record)
                    contents.meet(record, index)
                    yield Entry(self.pod, index, record)
                heads.meet(tree, self.order.latest)
            heads.end(tree)
            for part in (tree, contents, self.order):
                part.end()
            self.root, self.contents = tree.root(), contents.good

    def _leaves(self) -> Iterator[bytes]:
        try:
            yield from self._bundle.leaves(self.pod)
        except BundleError as error:
            self._findings.broken(self.pod, self.size, "", str(error))

    def _hashes(self, stack: ExitStack) -> BinaryIO | None:
        try:
            return stack.enter_context(self._bundle.source.open(hash_file(self.pod)))
        except BundleError:
            told = "is missing: which record was changed can be told between checkpoints only"
            self._findings.incomplete(self.pod, None, "hashes", told)
            return None

    def _record(self, leaf: bytes, index: int) -> Record | None:
        try:
            record = parse(leaf)
        except RecordError as error:
            self._findings.broken(self.pod, index, error.field, str(error))
            return None
        self.order.meet(record, index)
        if type(record) is Started:
            self.keys.started(record)
            self.witness.started(record)
        elif type(record) is KeyRotated:
            chain = self.keys if record.role == "log" else self.witness
            chain.rotated(record, self.keys.name)
        return record
