"""Receipts made from a bundle: the hashes beside one leaf's way up, in one pass over all leaves."""

from itertools import islice

from casemate.audit.bundle import Bundle, BundleError, checkpoint_file, record_file
from casemate.audit.checkpoint import Checkpoint
from casemate.audit.merkle import Frontier, leaf_hash
from casemate.audit.notes import FormatError, Note
from casemate.audit.receipts import Receipt
from casemate.audit.records import RecordId


def prove(bundle: Bundle, wanted: RecordId) -> Receipt:
    """Return that a record is under the last checkpoint of its log.

    Raises:
        BundleError: It is not, or the bundle has no such record.
    """
    note, head = _last(bundle, wanted.pod)
    if not wanted.index < head.size:
        told = f"record {wanted.index} was asked for; the last checkpoint covers {head.size}"
        raise BundleError(checkpoint_file(wanted.pod), told)
    beside = _beside(wanted.index, 0, head.size)
    parts = {part: Frontier() for part in beside}
    whole, turns = Frontier(), iter(sorted(beside))
    start, end = next(turns, (head.size, head.size))
    for at, one in enumerate(map(leaf_hash, islice(bundle.leaves(wanted.pod), head.size))):
        whole.append(one)
        if at >= end:
            start, end = next(turns, (head.size, head.size))
        if start <= at < end:
            parts[start, end].append(one)
    if (whole.size, whole.root()) != (head.size, head.root):
        told = "the records are not those that the last checkpoint was made of"
        raise BundleError(record_file(wanted.pod), told)
    return Receipt(wanted.index, tuple(parts[one].root() for one in beside), note)


def leaf(bundle: Bundle, wanted: RecordId) -> bytes:
    """Return the bytes of one record.

    Raises:
        BundleError: There is none.
    """
    if wanted.pod not in bundle.manifest.logs:
        told = f"{wanted.pod!r} was asked for; there are {', '.join(bundle.manifest.logs)}"
        raise BundleError("", told)
    for index, found in enumerate(bundle.leaves(wanted.pod)):
        if index == wanted.index:
            return found
    raise BundleError(record_file(wanted.pod), f"there is no record {wanted.index}")


def _last(bundle: Bundle, pod: str) -> tuple[Note, Checkpoint]:
    text = ""
    for text in bundle.notes(pod):  # noqa: B007  the last one is wanted
        pass
    try:
        note = Note.parse(text)
        return note, Checkpoint.parse(note.text)
    except FormatError as error:
        raise BundleError(checkpoint_file(pod), str(error)) from error


def _beside(index: int, start: int, end: int) -> list[tuple[int, int]]:
    """Return the parts beside a leaf's way up (RFC 6962 2.1.1), from the leaf upwards."""
    found: list[tuple[int, int]] = []
    while end - start > 1:
        middle = start + (1 << (end - start - 1).bit_length() - 1)
        if index < middle:
            found.append((middle, end))
            end = middle
        else:
            found.append((start, middle))
            start = middle
    return found[::-1]
