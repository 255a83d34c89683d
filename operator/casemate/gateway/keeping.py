"""Who keeps records of requests and asks people about them."""

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from casemate.gateway.entries import Approvals, Evidence, NobodyToAsk, Unrecorded
from casemate.gateway.errors import CheckUnavailableError, guard_unavailable
from casemate.gateway.evidence import Records
from casemate.gateway.holds import Holds
from casemate.gateway.link import Link
from casemate.gateway.metrics import Metrics
from casemate.gateway.sealing import Sealing
from casemate.gateway.settings import Identity, Pinned
from casemate.gateway.stack import Stack

_NOTHING = f"sha256:{hashlib.sha256().hexdigest()}"
"""Digest of a bundle or policy that is not there."""


def digests(stack: Stack | None, pinned: Pinned | None) -> dict[str, str]:
    """Return the digests of what judges now.

    Raises:
        Refusal: 503: nothing does.
    """
    try:
        bundle = stack.keeper().digest if stack else _NOTHING
    except CheckUnavailableError as error:
        raise guard_unavailable("The guard is not ready.", error.cause) from None
    return {"bundle": bundle, "policy": pinned.digest if pinned else _NOTHING}


def recipient(stack: Stack | None) -> X25519PublicKey | None:
    """Return the key that contents are sealed to now; None: none are kept.

    Raises:
        Refusal: 503: nothing is in force.
    """
    try:
        return stack.keeper().seal_to if stack else None
    except CheckUnavailableError as error:
        raise guard_unavailable("The guard is not ready.", error.cause) from None


@asynccontextmanager
async def recording(
    settings: Identity | None,
    guard: Callable[[], Mapping[str, str]],
    seal_to: Callable[[], X25519PublicKey | None],
    metrics: Metrics,
) -> AsyncIterator[tuple[Evidence, Approvals]]:
    """Give what keeps records and asks people: the warden; nobody where callers have no names."""
    if settings is None:
        yield Unrecorded(), NobodyToAsk()
        return
    link = Link(settings.wardens, settings.token)
    count = metrics.records.labels
    records = Records(link, guard, lambda *labels: count(*labels).inc(), Sealing(seal_to))
    try:
        yield records, Holds(link, records)
    finally:
        await records.close()
        await link.close()
