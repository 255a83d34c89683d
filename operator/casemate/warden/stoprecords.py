"""Kill switches as the log has them: what is recorded of one, and what a log remembers."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from pydantic import ValidationError

from casemate.api.killswitch import KillSwitchSpec
from casemate.core.findings import first
from casemate.core.names import LIFT_ANNOTATION

Json = Mapping[str, Any]
KILL, LIFT = "kill", "lift"
_MARKS = tuple(f'"kind":"{kind}"'.encode() for kind in (KILL, LIFT))
"""How canonical JSON spells them; within a text, the quotes would have a backslash."""
_MOST_USER, _MOST_REASON = 1024, 4096


def killed(switch: Json) -> dict[str, Any]:
    """Return what is recorded of a switch that came into force."""
    said = {"switch": _reference(switch)}
    try:
        spec = KillSwitchSpec.model_validate(switch.get("spec"))
    except ValidationError as error:
        told = f"the switch breaks a rule, so it stops everything: {first(error)}"
        return said | {"scope": {"kind": "all"}, "by": None, "reason": told[:_MOST_REASON]}
    scope: dict[str, Any] = {"kind": spec.scope.lower()}
    if spec.deployment is not None:
        scope |= {"name": spec.deployment.name, "namespace": spec.deployment.namespace}
    elif spec.agreement_ref is not None:
        scope["name"] = spec.agreement_ref.name
    by = {"username": spec.stopped_by.username, "uid": spec.stopped_by.uid}
    return said | {"scope": scope, "by": by, "reason": spec.reason}


def lifted(switch: Json) -> dict[str, Any]:
    """Return what is recorded of a switch that is gone.

    Admission lets nobody delete one without a note on it, `USER: REASON`, in their own name. Where
    the note was not seen, or there is none, the record says that nobody knows.

    Args:
        switch: As it was last, as far as that is known.
    """
    note = (switch["metadata"].get("annotations") or {}).get(LIFT_ANNOTATION, "")
    user, colon, reason = note.partition(": ")
    known = bool(user and colon) and len(user) <= _MOST_USER
    return {
        "switch": _reference(switch),
        # A note has no UID.
        "by": {"username": user, "uid": ""} if known else None,
        "reason": reason.strip()[:_MOST_REASON] if known else None,
    }


def in_force(records: Iterable[bytes]) -> dict[str, Json]:
    """Return the switches that are on by a log, by UID, as far as it remembers them."""
    found: dict[str, Json] = {}
    for raw in records:
        if not any(mark in raw for mark in _MARKS):
            continue
        record = orjson.loads(raw)
        if record["kind"] == KILL:
            found[record["switch"]["uid"]] = _switch(record)
        elif record["kind"] == LIFT:
            found.pop(record["switch"]["uid"], None)
    return found


def _reference(switch: Json) -> dict[str, str]:
    return {"name": switch["metadata"]["name"], "uid": switch["metadata"]["uid"]}


def _switch(record: Json) -> Json:
    """Return the switch of a record; one that nobody could read stays unreadable."""
    scope, by = record["scope"], record["by"]
    spec: dict[str, Any] = {"scope": scope["kind"].capitalize(), "reason": record["reason"]}
    if scope["kind"] == "deployment":
        spec["deployment"] = {"namespace": scope["namespace"], "name": scope["name"]}
    elif scope["kind"] == "agreement":
        spec["agreementRef"] = {"name": scope["name"]}
    return {"metadata": dict(record["switch"]), "spec": by and spec | {"stoppedBy": by}}
