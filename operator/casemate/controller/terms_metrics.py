"""Gauges about agreements and suppliers, read from the store at scrape time."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from casemate.api.conditions import Reason
from casemate.api.terms import instant
from casemate.cluster.kinds import SUPPLIER, USAGE_AGREEMENT, Kind
from casemate.cluster.store import Store
from casemate.core import standing
from casemate.core.notices import TERMS
from casemate.metering import Family, Label, one_of

_AGREEMENT = Label("name of the UsageAgreement")
_SUPPLIER = Label("name of the Supplier")
_STANDINGS = (standing.APPROVED, standing.PHASING_OUT, standing.BLOCKED, "Unknown")
_REPLICAS = ("replicasUsed", "replicasGranted", "acceleratorsGranted")


def terms_metrics(store: Store) -> Iterator[Family]:
    """The gauges of this moment."""
    yield from _agreements(store)
    yield from _suppliers(store)
    yield _refused(store)


def _gauge(name: str, text: str, **labels: Label) -> Family:
    return Family(f"casemate_{name}", text, **labels)


def _of_kind(store: Store, kind: Kind) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Name and object of each agreement, or of each supplier."""
    for key in store.terms.known():
        body = store.terms.get(key)
        if key.kind == kind.kind and body is not None:
            yield key.name, body


def _agreements(store: Store) -> Iterator[Family]:
    end = _gauge(
        "agreement_end_timestamp_seconds",
        "When the term of a UsageAgreement ends, as Unix time.",
        agreement=_AGREEMENT,
    )
    stop = _gauge(
        "agreement_wind_down_end_timestamp_seconds",
        "When what runs under a UsageAgreement must stop, as Unix time.",
        agreement=_AGREEMENT,
    )
    used, pods, devices = (
        _gauge(f"agreement_{name}", text, agreement=_AGREEMENT)
        for name, text in (
            ("replicas_used", "Pods that the deployments of a UsageAgreement ask for."),
            ("replicas_granted", "Pods that they may have."),
            ("accelerators_granted", "Devices that they may have."),
        )
    )
    for name, body in _of_kind(store, USAGE_AGREEMENT):
        status = body.get("status", {})
        end.add_metric([name], instant(body["spec"]["term"]["end"]).timestamp())
        if "windDownEndsAt" in status:
            stop.add_metric([name], instant(status["windDownEndsAt"]).timestamp())
        for family, field in zip((used, pods, devices), _REPLICAS, strict=True):
            family.add_metric([name], status.get(field, 0))
    yield from (end, stop, used, pods, devices)


def _suppliers(store: Store) -> Iterator[Family]:
    deadline = _gauge(
        "supplier_deadline_timestamp_seconds",
        "When use of a Supplier's models must stop, as Unix time.",
        supplier=_SUPPLIER,
    )
    counts = _gauge(
        "supplier_deployments",
        "Deployments behind which a Supplier is, by its standing.",
        supplier=_SUPPLIER,
        standing=one_of("its own; `Unknown` before the operator has seen it", *_STANDINGS),
    )
    for name, body in _of_kind(store, SUPPLIER):
        status = body.get("status", {})
        if "phaseOutEndsAt" in status:
            deadline.add_metric([name], instant(status["phaseOutEndsAt"]).timestamp())
        counts.add_metric([name, status.get("standing", "Unknown")], status.get("deployments", 0))
    yield from (deadline, counts)


def _refused(store: Store) -> Family:
    family = _gauge(
        "modeldeployments_refused",
        "ModelDeployments that their terms do not permit as they are, by reason.",
        reason=one_of("of the first condition that says so, see docs/reasons.md", *Reason),
    )
    reasons = Counter(
        one["reason"]
        for _, conditions in store.conditions()
        for one in conditions
        if one["type"] in TERMS and one["status"] == "False"
    )
    for reason, count in sorted(reasons.items()):
        family.add_metric([reason], count)
    return family
