"""A sealed content beside a record: whether it is the one that the record names."""

import base64
import binascii
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from pydantic import ValidationError

from casemate.api.agreement import SEALED as WANTED
from casemate.api.agreement import Audit
from casemate.audit.sealing import SealError, key_id, recipient, require_sealed, sealed_to
from casemate.evidence import INTENT, OUTCOME, SEALED
from casemate.warden.archivefiles import MOST_SEALED
from casemate.warden.callers import RefusedError
from casemate.warden.requests import bad_report

MOST_ENCODED = (MOST_SEALED + 2) // 3 * 4
"""Characters of a content beside its record."""
NOT_SEALED = "not_sealed"
"""Reason of a refusal: the terms want a content to be kept, and there is none."""
_PARTS = {INTENT: "request", OUTCOME: "response"}


class Sealed(NamedTuple):
    """A content, and for how many days it is kept at least."""

    content: bytes
    days: int


def sealed_of(
    kind: str, fields: Mapping[str, Any], given: object, terms: Mapping[str, Any]
) -> Sealed | None:
    """Return what must be kept with a record, under an agreement's terms; None: nothing.

    Raises:
        RefusedError: As `content_of`, or nobody knows for how long.
    """
    content = content_of(kind, fields, given)
    return Sealed(content, kept_days(terms)) if content else None


def content_of(kind: str, fields: Mapping[str, Any], given: object) -> bytes:
    """Return the content that stands beside a record, or nothing where it names none.

    Args:
        kind: Of the record.
        fields: Of the record, in the form that a log takes.
        given: What stands beside it, in base64; None: nothing does.

    Raises:
        RefusedError: It is not the content that the record names, is too large, or not sealed.
    """
    part = fields.get(_PARTS.get(kind, "")) or {}
    wanted = part.get("sealed")
    if wanted is None and given is None:
        return b""
    if wanted is None or not isinstance(given, str):
        raise bad_report(f"{SEALED}: a record and its content, which it names, belong together")
    if len(given) > MOST_ENCODED:
        raise bad_report(f"{SEALED}: up to {MOST_ENCODED} characters are accepted")
    try:
        content = base64.b64decode(given, validate=True)
        require_sealed(content)
    except (binascii.Error, SealError, ValueError) as error:
        raise bad_report(f"{SEALED}: {error}") from None
    if f"sha256:{sha256(content).hexdigest()}" != wanted:
        raise bad_report(f"{SEALED}: is not what the record names")
    return content


def require(
    kind: str, fields: Mapping[str, Any], sealed: Sealed | None, stamped: Mapping[str, Any]
) -> None:
    """Make sure that a record comes with the content that the pod's own terms want to be kept.

    Args:
        kind: Of the record.
        fields: Of the record.
        sealed: The content that came with it.
        stamped: The terms that the pod was made under.

    Raises:
        RefusedError: There is none, or it is sealed to another key than that of the terms.
    """
    part, audit = _PARTS.get(kind, ""), audit_of(stamped)
    if audit.record != WANTED or not fields.get(part):
        return
    if sealed is None:
        told = f"{part}.sealed: the terms of the pod say record {WANTED}; accepted: with content"
        raise RefusedError(403, NOT_SEALED, told)
    try:
        wanted = key_id(recipient(audit.public_key or ""))
    except SealError as error:
        raise RefusedError(503, "unchecked", f"the agreement's audit.publicKey: {error}") from error
    if sealed_to(sealed.content) != wanted:
        told = (
            f"{part}.sealed: to key {sealed_to(sealed.content)}; accepted: {wanted}, of the terms"
        )
        raise RefusedError(403, NOT_SEALED, told)


def kept_days(terms: Mapping[str, Any]) -> int:
    """Return for how many days an agreement wants contents to be kept.

    Raises:
        RefusedError: It says what this version does not understand.
    """
    return audit_of(terms).retention_days


def audit_of(terms: Mapping[str, Any]) -> Audit:
    """Return what an agreement says of the record.

    Raises:
        RefusedError: It says what this version does not understand.
    """
    try:
        return Audit.model_validate(terms.get("audit", {}))
    except ValidationError as error:
        raise RefusedError(503, "unchecked", f"the agreement's audit: {error}") from error
