"""May this deployment run, how large, and until when: a chain of checks."""

from datetime import datetime
from typing import NamedTuple

from casemate.api.agreement import UsageAgreementSpec
from casemate.api.conditions import ConditionType, Reason
from casemate.core import check_agreement, check_supplier
from casemate.core.findings import Deployment, Finding, Terms, asked


class Permission(NamedTuple):
    """The outcome for one deployment."""

    findings: tuple[Finding, ...]
    replicas: int
    """Pods that it may have."""
    closed: bool
    """Whether nobody may connect any more."""
    until: datetime | None
    agreement: UsageAgreementSpec | None
    """The terms, where they are known and valid."""

    @property
    def refusal(self) -> Finding | None:
        """The first thing that does not hold, or nothing."""
        return next((one for one in self.findings if one.status == "False"), None)

    @property
    def undecided(self) -> Finding | None:
        """The first thing that cannot be told now, or nothing."""
        return next((one for one in self.findings if one.status == "Unknown"), None)


def permit(terms: Terms, one: Deployment, bundle: int, now: datetime) -> Permission:
    """Judges a deployment. On a doubtful clock nothing changes and nothing new starts.

    Args:
        terms: What the cluster says.
        one: The deployment.
        bundle: Version of the bundle that its guard would judge by.
        now: The moment.
    """
    loaded = check_agreement.load(terms, one)
    spec = None if isinstance(loaded, Finding) else loaded
    if terms.clock_doubtful:
        return _held(terms.clock_doubtful, one, spec)
    allowed = (
        loaded if isinstance(loaded, Finding) else check_agreement.check(loaded, one, bundle, now)
    )
    permitted = check_supplier.check(terms, one, now)
    findings = (allowed, permitted, _capacity(terms, one, permitted.at_most))
    refused = "False" in (allowed.status, permitted.status)
    wanted = _wanted(one, terms.granted, permitted.at_most)
    if permitted.status == "Unknown":
        wanted = min(wanted, one.running)
    return Permission(
        findings=findings,
        replicas=0 if refused else wanted,
        closed=refused,
        until=min((found.until for found in findings if found.until), default=None),
        agreement=spec,
    )


def _held(why: str, one: Deployment, spec: UsageAgreementSpec | None) -> Permission:
    kinds = (ConditionType.AGREEMENT_IN_FORCE, ConditionType.SUPPLIER_PERMITTED)
    findings = tuple(Finding(kind, "Unknown", Reason.CLOCK_DOUBTFUL, why) for kind in kinds)
    # Fewer pods than run now are always accepted: a person can stop a model at any time.
    replicas = min(one.running, asked(one.spec))
    return Permission(findings, replicas, closed=False, until=None, agreement=spec)


def _wanted(one: Deployment, granted: int, at_most: int | None) -> int:
    return min(asked(one.spec), granted, *([] if at_most is None else [at_most]))


def _capacity(terms: Terms, one: Deployment, at_most: int | None) -> Finding:
    wanted = asked(one.spec)
    kind = ConditionType.CAPACITY_GRANTED
    if at_most is not None and wanted > at_most:
        text = f"spec.replicas: found {wanted}, an order about the supplier accepts {at_most}"
        return Finding(kind, "False", Reason.CAPACITY_EXCEEDED, text)
    if terms.granted >= wanted:
        return Finding(kind, "True", Reason.WITHIN_CAPACITY, f"all {wanted} pods are granted")
    text = (
        f"spec.replicas: found {wanted}, the agreement's capacity has {terms.granted} for this "
        "deployment; older ones come first"
    )
    return Finding(kind, "False", Reason.CAPACITY_EXCEEDED, text)
