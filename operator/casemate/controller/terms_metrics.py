"""Gauges about agreements and suppliers, read from the store at scrape time."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily

from casemate.api.terms import instant
from casemate.cluster.kinds import SUPPLIER, USAGE_AGREEMENT
from casemate.cluster.store import Store

_REPLICAS = ("replicasUsed", "replicasGranted", "acceleratorsGranted")


def terms_metrics(store: Store) -> Iterator[GaugeMetricFamily]:
    """The gauges of this moment."""
    yield from _agreements(store)
    yield from _suppliers(store)
    yield _refused(store)


def _agreements(store: Store) -> Iterator[GaugeMetricFamily]:
    end = GaugeMetricFamily(
        "casemate_agreement_end_timestamp_seconds",
        "When the term of a UsageAgreement ends, as Unix time.",
        labels=["agreement"],
    )
    stop = GaugeMetricFamily(
        "casemate_agreement_wind_down_end_timestamp_seconds",
        "When what runs under a UsageAgreement must stop, as Unix time.",
        labels=["agreement"],
    )
    used, pods, devices = (
        GaugeMetricFamily(f"casemate_agreement_{name}", text, labels=["agreement"])
        for name, text in (
            ("replicas_used", "Pods that the deployments of a UsageAgreement ask for."),
            ("replicas_granted", "Pods that they may have."),
            ("accelerators_granted", "Devices that they may have."),
        )
    )
    for key in store.terms.known():
        body = store.terms.get(key)
        if key.kind != USAGE_AGREEMENT.kind or body is None:
            continue
        status = body.get("status", {})
        end.add_metric([key.name], instant(body["spec"]["term"]["end"]).timestamp())
        if "windDownEndsAt" in status:
            stop.add_metric([key.name], instant(status["windDownEndsAt"]).timestamp())
        for family, field in zip((used, pods, devices), _REPLICAS, strict=True):
            family.add_metric([key.name], status.get(field, 0))
    yield from (end, stop, used, pods, devices)


def _suppliers(store: Store) -> Iterator[GaugeMetricFamily]:
    deadline = GaugeMetricFamily(
        "casemate_supplier_deadline_timestamp_seconds",
        "When use of a Supplier's models must stop, as Unix time.",
        labels=["supplier"],
    )
    counts = GaugeMetricFamily(
        "casemate_supplier_deployments",
        "Deployments behind which a Supplier is, by its standing.",
        labels=["supplier", "standing"],
    )
    for key in store.terms.known():
        body = store.terms.get(key)
        if key.kind != SUPPLIER.kind or body is None:
            continue
        status = body.get("status", {})
        if "phaseOutEndsAt" in status:
            deadline.add_metric([key.name], instant(status["phaseOutEndsAt"]).timestamp())
        standing = status.get("standing", "Unknown")
        counts.add_metric([key.name, standing], status.get("deployments", 0))
    yield from (deadline, counts)


def _refused(store: Store) -> GaugeMetricFamily:
    family = GaugeMetricFamily(
        "casemate_modeldeployments_refused",
        "ModelDeployments that their terms do not permit as they are, by reason.",
        labels=["reason"],
    )
    watched = {"AgreementInForce", "SupplierPermitted", "CapacityGranted"}
    reasons = Counter(
        one["reason"]
        for _, conditions in store.conditions()
        for one in conditions
        if one["type"] in watched and one["status"] == "False"
    )
    for reason, count in sorted(reasons.items()):
        family.add_metric([reason], count)
    return family
