"""Where a supplier stands: from its approval, the orders about it, and the clock."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from casemate.api.conditions import Reason
from casemate.api.supplier import Directive, Stay, SupplierSpec
from casemate.api.terms import instant, spelled

APPROVED, PHASING_OUT, BLOCKED = "Approved", "PhasingOut", "Blocked"
EFFECTIVE = "Effective"
_SEVERITY = {APPROVED: 0, PHASING_OUT: 1, BLOCKED: 2}


@dataclass(frozen=True)
class Order:
    """A directive that holds at some moment."""

    directive: Directive
    since: datetime
    """When it took effect, or took effect again after a stay."""
    deadline: datetime
    """When what runs must stop."""

    def standing(self, now: datetime) -> str:
        """The standing that it gives a supplier."""
        return PHASING_OUT if now < self.deadline else BLOCKED


@dataclass(frozen=True)
class Standing:
    """Where a supplier stands."""

    standing: str
    reason: Reason
    message: str
    order: Order | None = None
    """The order behind it."""


def standing(spec: SupplierSpec, now: datetime) -> Standing:
    """The standing of a supplier at a moment. Waivers change it for deployments, never as such."""
    if trouble := unapproved(spec, now):
        return Standing(BLOCKED, Reason.SUPPLIER_NOT_APPROVED, trouble)
    orders = in_force(spec, now)
    if not orders:
        return Standing(APPROVED, Reason.APPROVED, "approved, and no order against it holds")
    order = max(orders, key=lambda one: (_SEVERITY[one.standing(now)], -one.deadline.timestamp()))
    name = order.directive.reference
    if order.standing(now) == BLOCKED:
        message = f"{name} has ended all use since {spelled(order.deadline)}"
        return Standing(BLOCKED, Reason.SUPPLIER_BLOCKED, message, order)
    message = f"{name}: {remaining(order.deadline, now)}"
    return Standing(PHASING_OUT, Reason.PHASING_OUT, message, order)


def unapproved(spec: SupplierSpec, now: datetime) -> str:
    """Why the supplier may not be used at all, or nothing."""
    if spec.approval is None:
        return "spec.approval is absent: nobody approved this supplier"
    if spec.approval.until and instant(spec.approval.until) <= now:
        return f"spec.approval {spec.approval.reference} ended at {spec.approval.until}"
    return ""


def in_force(spec: SupplierSpec, now: datetime) -> list[Order]:
    """The orders that hold at a moment."""
    orders = (_order(one, now) for one in spec.directives if one.state == EFFECTIVE)
    return [one for one in orders if one]


def _order(directive: Directive, now: datetime) -> Order | None:
    since = instant(directive.effective_at)
    stays = _merged(directive.stays)
    if now < since or any(begin <= now and (end is None or now < end) for begin, end in stays):
        return None
    return Order(
        directive=directive,
        since=max([since, *(end for _, end in stays if end and end <= now)]),
        deadline=_deadline(directive, since, stays),
    )


def _merged(stays: Iterable[Stay]) -> list[tuple[datetime, datetime | None]]:
    """The stays in order, those that overlap made one."""
    merged: list[tuple[datetime, datetime | None]] = []
    for stay in sorted(stays, key=lambda one: one.from_):
        begin, end = instant(stay.from_), instant(stay.until) if stay.until else None
        if merged and (merged[-1][1] is None or begin <= merged[-1][1]):
            first, last = merged.pop()
            end = None if last is None or end is None else max(last, end)
            begin = first
        merged.append((begin, end))
    return merged


def _deadline(
    directive: Directive, since: datetime, stays: list[tuple[datetime, datetime | None]]
) -> datetime:
    """The end of the phase-out: a stay stops the clock, unless it had run out before."""
    if directive.phase_out_ends_at is None:
        return since
    deadline = instant(directive.phase_out_ends_at)
    for begin, end in stays:
        if end and begin < deadline:
            deadline += max(timedelta(), end - max(begin, since))
    return deadline


def boundaries(spec: SupplierSpec, now: datetime) -> list[datetime]:
    """The moments after `now` at which something changes by the clock alone."""
    moments = [instant(spec.approval.until)] if spec.approval and spec.approval.until else []
    for directive in spec.directives:
        moments.append(instant(directive.effective_at))
        moments += [instant(stay.from_) for stay in directive.stays]
        moments += [instant(stay.until) for stay in directive.stays if stay.until]
        moments += [instant(waiver.until) for waiver in directive.waivers]
    for order in in_force(spec, now):
        left = order.deadline - now
        moments += [order.deadline, order.deadline - timedelta(days=left.days)]
    return sorted(one for one in moments if one > now)


def remaining(end: datetime, now: datetime) -> str:
    """How long something may go on, in words."""
    days = (end - now).days
    span = f"{days} days left" if days != 1 else "1 day left"
    return f"{span if days else 'less than a day left'}, until {spelled(end)}"
