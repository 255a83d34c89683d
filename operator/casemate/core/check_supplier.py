"""May the suppliers behind a model be used for this deployment, now?"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from casemate.api.conditions import ConditionType, Reason
from casemate.api.supplier import Entry, Inventory, SupplierSpec
from casemate.api.terms import instant, spelled
from casemate.core import standing
from casemate.core.findings import Deployment, Finding, Terms, artifacts, first, suppliers_of
from casemate.core.standing import Order

_WORST_FIRST = ("False", "Unknown", "True")


def check(terms: Terms, one: Deployment, now: datetime) -> Finding:
    """The worst of what holds for the suppliers behind the model: a base counts like the model."""
    found = [
        _supplier(where, name, terms.suppliers.get(name), one, now)
        for where, name in suppliers_of(one.spec).items()
    ]
    return _worst(found)


def _worst(findings: list[Finding]) -> Finding:
    """The strictest finding, with the least of all that they limit."""
    worst = min(findings, key=_rank)
    limits = [one.at_most for one in findings if one.at_most is not None]
    return worst._replace(at_most=min(limits, default=None))


def _rank(one: Finding) -> tuple[int, float]:
    return _WORST_FIRST.index(one.status), one.until.timestamp() if one.until else float("inf")


def _found(
    status: str,
    reason: Reason,
    message: str,
    until: datetime | None = None,
    at_most: int | None = None,
) -> Finding:
    return Finding(ConditionType.SUPPLIER_PERMITTED, status, reason, message, until, at_most)


def _supplier(
    where: str, name: str, body: Mapping[str, Any] | None, one: Deployment, now: datetime
) -> Finding:
    if body is None:
        return _found("False", Reason.SUPPLIER_UNKNOWN, f"{where}: there is no Supplier {name}")
    try:
        spec = SupplierSpec.model_validate(body.get("spec"))
        inventory = [
            Inventory.model_validate(item) for item in body.get("status", {}).get("inventory", [])
        ]
    except ValidationError as error:
        text = f"Supplier {name} breaks a rule of this version: {first(error)}"
        return _found("False", Reason.SUPPLIER_INVALID, text)
    if trouble := standing.unapproved(spec, now):
        return _found("False", Reason.SUPPLIER_NOT_APPROVED, f"Supplier {name}: {trouble}")
    orders = [_held(order, inventory, one, now) for order in standing.in_force(spec, now)]
    if not orders:
        return _found("True", Reason.APPROVED, f"Supplier {name} is approved")
    worst = _worst(orders)
    return worst._replace(message=f"Supplier {name}: {worst.message}")


def _held(order: Order, inventory: list[Inventory], one: Deployment, now: datetime) -> Finding:
    """What one order means for one deployment."""
    name, since = order.directive.reference, spelled(order.since)
    ends = max([order.deadline, *_waivers(order, one)])
    if now >= ends:
        text = f"{name} ended its use at {spelled(ends)}"
        return _found("False", Reason.SUPPLIER_BLOCKED, text)
    lists = [i for i in inventory if i.reference == name and i.effective_since == since]
    if not lists:
        text = f"what existed when {name} took effect is being recorded"
        return _found("Unknown", Reason.INVENTORY_PENDING, text)
    entry = next((e for e in lists[0].deployments if e.uid == one.uid), None)
    trouble = _changed(entry, one) if entry else _unlisted(lists[0], one)
    if trouble:
        text = f"{name} took effect at {since}: {trouble}"
        return _found("False", Reason.NOT_IN_INVENTORY, text)
    waived = now >= order.deadline
    reason = Reason.WAIVED if waived else Reason.PHASING_OUT
    text = f"{name}: {standing.remaining(ends, now)}"
    return _found("True", reason, text, ends, entry.replicas if entry else one.running)


def _changed(entry: Entry, one: Deployment) -> str:
    if entry.artifacts != artifacts(one.spec):
        return "spec.model and spec.engine.image accept no change but to another supplier's"
    return ""


def _unlisted(inventory: Inventory, one: Deployment) -> str:
    """Why an entry that is not there means a new deployment, or nothing if the list was full."""
    until = inventory.omitted_until
    # Both times are the API server's: one that is deleted and made again is younger.
    if until and instant(one.created) <= instant(until):
        return ""
    return "this deployment did not exist then"


def _waivers(order: Order, one: Deployment) -> list[datetime]:
    """The ends of the waivers that cover a deployment."""
    return [
        instant(waiver.until)
        for waiver in order.directive.waivers
        if (not waiver.agreements or one.spec.agreement_ref.name in waiver.agreements)
        and (not waiver.uses or one.spec.use in waiver.uses)
        and (not waiver.namespaces or one.namespace in waiver.namespaces)
    ]
