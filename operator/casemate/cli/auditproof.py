"""One record of exported evidence: what belongs to it, its content opened, its receipt checked."""

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from typing import Any

import orjson

from casemate.audit import sealing
from casemate.audit.bundle import Bundle, BundleError, content_file
from casemate.audit.findings import Verdict
from casemate.audit.kinds import Intent, Outcome, Record
from casemate.audit.merkle import ProofError
from casemate.audit.notes import SignatureError
from casemate.audit.proofs import leaf
from casemate.audit.receipts import Receipt, Trust
from casemate.audit.records import RecordId, parse
from casemate.cli.printable import printable


def related(bundle: Bundle, wanted: RecordId) -> Iterator[dict[str, Any]]:
    """Yield a record and all that belong to it: intent, outcome, approval and decisions.

    Raises:
        BundleError: There is no such record.
        RecordError: One of them cannot be read.
    """
    record = parse(leaf(bundle, wanted))
    ids = {str(wanted), getattr(record, "intent", str(wanted))}
    approval = getattr(record, "approval", None)
    uid = approval.uid if approval else None
    marks = [orjson.dumps(one) for one in (*ids, uid) if one is not None]
    for pod in bundle.manifest.logs:
        for index, found in enumerate(bundle.leaves(pod)):
            here = str(RecordId(pod, index))
            if here in ids or (
                any(mark in found for mark in marks) and _of(parse(found), ids, uid)
            ):
                yield {"id": here, "record": orjson.loads(found)}


def lines(found: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of a record, for people."""
    yield f"{found['id']}: {found['record']['kind']} at {found['record']['time']}"
    yield from _fields(found["record"], "  ")


def content(bundle: Bundle, wanted: RecordId, identity: bytes) -> bytes:
    """Return the content that a record names, opened, once it is shown to be that content.

    Args:
        bundle: The bundle.
        wanted: An intent or an outcome.
        identity: The private key of the agreement, as PEM.

    Raises:
        BundleError: It is not in the bundle, or is another.
        SealError: It cannot be opened.
    """
    said = _said(parse(leaf(bundle, wanted)))
    for one in bundle.contents(wanted.pod):
        if one.seq == wanted.index:
            salted = sealing.open(one.sealed, sealing.identity(identity))
            if said is None or sha256(salted).hexdigest() != said:
                raise BundleError(content_file(wanted.pod), f"{wanted} is of another content")
            return salted[sealing.SALT :]
    raise BundleError(content_file(wanted.pod), f"holds no content of {wanted}")


def judged(receipt: Receipt, wanted: RecordId, record: bytes, trust: Trust) -> tuple[Verdict, str]:
    """Return whether a receipt shows that a record is in a log, and why not.

    Raises:
        FormatError: Its checkpoint is none.
    """
    if receipt.index != wanted.index:
        return Verdict.BROKEN, f"the receipt is of record {receipt.index}, not of {wanted.index}"
    try:
        found = receipt.verify(record, replace(trust, quorum=0))
    except (ProofError, SignatureError) as error:
        return Verdict.BROKEN, str(error)
    if found.origin.rpartition("/")[2] != wanted.pod:
        return Verdict.BROKEN, f"the receipt is of the log {found.origin}"
    try:
        trust.checkpoint(receipt.checkpoint)
    except SignatureError as error:
        return Verdict.INCOMPLETE, str(error)
    return Verdict.INTACT, ""


def _of(record: Record, ids: set[str], uid: str | None) -> bool:
    approval = getattr(record, "approval", None)
    named = approval is not None and approval.uid == uid
    return named or getattr(record, "intent", None) in ids


def _said(record: Record) -> str | None:
    if isinstance(record, Intent):
        return record.request.sha256
    if isinstance(record, Outcome) and record.response is not None:
        return record.response.sha256
    return None


def _fields(value: dict[str, Any], indent: str) -> Iterator[str]:
    for name, one in value.items():
        if isinstance(one, dict):
            yield f"{indent}{printable(name)}:"
            yield from _fields(one, f"{indent}  ")
        else:
            yield f"{indent}{printable(name)}: {printable(orjson.dumps(one).decode())}"
