"""Kubernetes Events on held requests: where people look who have kubectl alone."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from casemate.cluster.client import Client
from casemate.cluster.errors import Error
from casemate.cluster.kinds import APPROVAL_REQUEST, EVENT

log = logging.getLogger(__name__)
_NOTE_CHARACTERS = 1024
"""Longest note that events.k8s.io/v1 takes."""
_WARNINGS = ("Denied", "Expired", "Revoked")


async def post(client: Client, request: Mapping[str, Any], reason: str, note: str) -> None:
    """Post an Event; one that cannot be posted is only missing.

    Args:
        client: Connection.
        request: The ApprovalRequest.
        reason: `Held`, or the phase that it is in.
        note: For people.
    """
    meta, now = request["metadata"], datetime.now(UTC)
    body = {
        "apiVersion": EVENT.api_version,
        "kind": EVENT.kind,
        "metadata": {"generateName": f"{meta['name']}-", "namespace": meta["namespace"]},
        "eventTime": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "type": "Warning" if reason in _WARNINGS else "Normal",
        "reason": reason,
        "action": "Decide",
        "note": note[:_NOTE_CHARACTERS],
        "reportingController": "casemate.dev/warden",
        "reportingInstance": "casemate-warden",
        "regarding": {
            "apiVersion": APPROVAL_REQUEST.api_version,
            "kind": APPROVAL_REQUEST.kind,
            "name": meta["name"],
            "namespace": meta["namespace"],
            "uid": meta["uid"],
        },
    }
    try:
        await client.create(EVENT, body)
    except Error as error:
        log.info("an Event was not posted: %s", error)
