"""What the status of an agreement or a supplier says: only what was seen."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import ValidationError

from casemate.api.agreement import UsageAgreementSpec
from casemate.api.conditions import ConditionType, Reason
from casemate.api.supplier import HISTORY, SupplierSpec
from casemate.api.terms import spelled
from casemate.core import agreements, standing
from casemate.core.agreements import Grant
from casemate.core.findings import first
from casemate.core.inventory import Behind, inventories, omissions
from casemate.core.status import condition, dated

Json = Mapping[str, Any]


class Outcome(NamedTuple):
    """A status, and when to look again."""

    status: dict[str, Any]
    next: datetime | None
    """The first moment at which the clock alone changes something."""


def of_agreement(body: Json, grant: Grant, now: datetime) -> Outcome:
    """The status of a UsageAgreement."""
    try:
        spec = UsageAgreementSpec.model_validate(body.get("spec"))
    except ValidationError as error:
        return Outcome(_invalid(body, Reason.AGREEMENT_INVALID, first(error), now), None)
    if why := agreements.unsealable(spec):
        return Outcome(_invalid(body, Reason.AGREEMENT_INVALID, why, now), None)
    phase, term = agreements.phase(spec.term, now), spec.term
    reason, words = {
        agreements.PENDING: (Reason.AGREEMENT_PENDING, f"begins at {term.start}"),
        agreements.IN_FORCE: (Reason.IN_FORCE, f"in force until {term.end}"),
        agreements.WINDING_DOWN: (
            Reason.WINDING_DOWN,
            standing.remaining(agreements.stops_at(term), now),
        ),
        agreements.ENDED: (Reason.AGREEMENT_ENDED, f"ended at {term.end}"),
    }[phase]
    ready = condition(ConditionType.READY, "True", reason, words)
    status = {
        "observedGeneration": body["metadata"]["generation"],
        "phase": phase,
        "windDownEndsAt": spelled(agreements.stops_at(term)),
        "termsDigest": agreements.digest(spec),
        "deployments": len(grant.replicas),
        "replicasUsed": grant.used,
        "replicasGranted": grant.granted,
        "acceleratorsGranted": grant.accelerators,
        "conditions": _dated(body, ready, now),
    }
    return Outcome(status, next(iter(agreements.boundaries(term, now)), None))


def of_supplier(body: Json, behind: Sequence[Behind], now: datetime) -> Outcome:
    """The status of a Supplier."""
    try:
        spec = SupplierSpec.model_validate(body.get("spec"))
    except ValidationError as error:
        return Outcome(_invalid(body, Reason.SUPPLIER_INVALID, first(error), now), None)
    found, before = standing.standing(spec, now), body.get("status", {})
    inventory = inventories(standing.in_force(spec, now), before.get("inventory", []), behind)
    message = "; ".join([found.message, *omissions(inventory)])
    ready = condition(ConditionType.READY, "True", found.reason, message)
    status: dict[str, Any] = {
        "observedGeneration": body["metadata"]["generation"],
        "standing": found.standing,
        "deployments": len(behind),
        "conditions": _dated(body, ready, now),
        "history": _history(before, found, now),
    }
    if found.order:
        status["effectiveSince"] = spelled(found.order.since)
        status["phaseOutEndsAt"] = spelled(found.order.deadline)
    if inventory:
        status["inventory"] = inventory
    return Outcome(status, next(iter(standing.boundaries(spec, now)), None))


def _history(before: Json, found: standing.Standing, now: datetime) -> list[dict[str, str]]:
    history = list(before.get("history", []))
    reference = found.order.directive.reference if found.order else ""
    change = {"time": spelled(now), "standing": found.standing, "reference": reference}
    if not history or _without_time(history[-1]) != _without_time(change):
        history.append(change)
    return history[-HISTORY:]


def _without_time(change: Json) -> dict[str, str]:
    return {key: value for key, value in change.items() if key != "time"}


def _invalid(body: Json, reason: Reason, why: str, now: datetime) -> dict[str, Any]:
    """Keeps what was recorded: an inventory that is lost would let everything in."""
    bad = condition(ConditionType.READY, "False", reason, why)
    stalled = condition(ConditionType.STALLED, "True", reason, why)
    generation = body["metadata"]["generation"]
    kept = {k: v for k, v in body.get("status", {}).items() if k in ("inventory", "history")}
    conditions = _dated(body, bad, now) + _dated(body, stalled, now)
    return {**kept, "observedGeneration": generation, "conditions": conditions}


def _dated(body: Json, one: dict[str, str], now: datetime) -> list[dict[str, Any]]:
    return [dated(one, body.get("status", {}), body["metadata"]["generation"], now)]
