"""What the store keeps of one object.

Objects are kept as JSON text without managedFields: a tenth of the memory of parsed objects.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from casemate.api.v1alpha1 import KIND
from casemate.core.fields import Foreign, foreign_fields, own_fields
from casemate.core.ownership import applied_by_us
from casemate.core.pods import trimmed

POD = "Pod"


class Record(NamedTuple):
    """One object, as far as it is remembered."""

    uid: str
    version: int
    text: bytes
    foreign: tuple[Foreign, ...]
    owned: bytes
    applied: bool


def version_of(body: Mapping[str, Any]) -> int:
    """The resourceVersion, as a number."""
    # Versions of one resource type may be compared as integers: promised since Kubernetes 1.35.
    return int(body["metadata"]["resourceVersion"])


def record_of(kind: str, body: Mapping[str, Any]) -> Record:
    """What the store keeps of an object."""
    uid, version = body["metadata"]["uid"], version_of(body)
    if kind == POD:
        return Record(uid, version, _packed(trimmed(body)), (), b"{}", applied=False)
    meta = {key: value for key, value in body["metadata"].items() if key != "managedFields"}
    # Only of children does it matter who wrote what.
    managed = [] if kind == KIND else body["metadata"].get("managedFields", [])
    return Record(
        uid=uid,
        version=version,
        text=_packed({**body, "metadata": meta}),
        foreign=foreign_fields(managed),
        owned=_packed(own_fields(managed)),
        applied=applied_by_us(managed),
    )


def _packed(value: Mapping[str, Any]) -> bytes:
    """JSON text in no more memory than it needs: orjson's own answer keeps its buffer, 4 KiB."""
    return bytes(memoryview(orjson.dumps(value)))
