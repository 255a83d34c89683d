"""Does the agreement allow this deployment, now?"""

from collections.abc import Iterator
from datetime import datetime

from pydantic import ValidationError

from casemate.api.agreement import Term, UsageAgreementSpec
from casemate.api.conditions import ConditionType, Reason
from casemate.api.terms import instant
from casemate.api.v1alpha1 import ModelDeploymentSpec
from casemate.core import agreements, standing
from casemate.core.findings import (
    Deployment,
    Finding,
    Terms,
    first,
    images_of,
    ports_of,
    suppliers_of,
)


def load(terms: Terms, one: Deployment) -> UsageAgreementSpec | Finding:
    """The terms of the agreement that a deployment names, or why they cannot be had."""
    name = one.spec.agreement_ref.name
    if terms.agreement is None:
        text = f"spec.agreementRef.name: there is no UsageAgreement {name}"
        return _found("False", Reason.AGREEMENT_UNKNOWN, text)
    try:
        spec = UsageAgreementSpec.model_validate(terms.agreement.get("spec"))
    except ValidationError as error:
        return _invalid(name, first(error))
    if why := agreements.unsealable(spec):
        return _invalid(name, why)
    return spec


def check(spec: UsageAgreementSpec, one: Deployment, bundle: int, now: datetime) -> Finding:
    """What the terms say of a deployment at a moment; `bundle` is the version of its guard's."""
    if trouble := next(_violations(spec, one.spec), None):
        return _found("False", *trouble)
    least = spec.guard.minimum_bundle_version
    if least is not None and bundle < least:
        text = (
            f"UsageAgreement {one.spec.agreement_ref.name} asks for a guard bundle of {least} or "
            f"later; found {bundle}, which this version of Casemate ships"
        )
        return _found("False", Reason.GUARD_OUTDATED, text)
    return _by_the_clock(spec.term, one, now)


def _invalid(name: str, why: str) -> Finding:
    text = f"UsageAgreement {name} breaks a rule of this version: {why}"
    return _found("False", Reason.AGREEMENT_INVALID, text)


def _found(status: str, reason: Reason, message: str, until: datetime | None = None) -> Finding:
    return Finding(ConditionType.AGREEMENT_IN_FORCE, status, reason, message, until)


def _by_the_clock(term: Term, one: Deployment, now: datetime) -> Finding:
    name, ends = one.spec.agreement_ref.name, agreements.stops_at(term)
    where = agreements.phase(term, now)
    if where == agreements.PENDING:
        text = f"UsageAgreement {name} begins at {term.start}"
        return _found("False", Reason.AGREEMENT_PENDING, text)
    if where == agreements.IN_FORCE:
        text = f"UsageAgreement {name} is in force until {term.end}"
        return _found("True", Reason.IN_FORCE, text, ends)
    if where == agreements.WINDING_DOWN and instant(one.created) < instant(term.end):
        text = f"UsageAgreement {name} ended at {term.end}: {standing.remaining(ends, now)}"
        return _found("True", Reason.WINDING_DOWN, text, ends)
    return _found("False", Reason.AGREEMENT_ENDED, f"UsageAgreement {name} ended at {term.end}")


def _violations(
    terms: UsageAgreementSpec, spec: ModelDeploymentSpec
) -> Iterator[tuple[Reason, str]]:
    """The agreement's lists that the spec does not keep to."""
    uses = [use.id for use in terms.allowed_uses]
    if spec.use not in uses:
        yield Reason.USE_NOT_ALLOWED, _not_in("spec.use", spec.use, uses)
    for field_, name in suppliers_of(spec).items():
        if name not in terms.suppliers:
            yield Reason.SUPPLIER_NOT_LISTED, _not_in(field_, name, terms.suppliers)
    for field_, image in images_of(spec).items():
        if not any(image.startswith(f"{registry}/") for registry in terms.registries):
            yield Reason.REGISTRY_NOT_ALLOWED, _not_in(field_, image, terms.registries)
    profiles = [profile.name for profile in terms.capacity.profiles]
    if spec.profile is not None and spec.profile not in profiles:
        yield Reason.PROFILE_UNKNOWN, _not_in("spec.profile", spec.profile, profiles)
    inside = [f"blocks inside {', '.join(terms.enclave_cidrs)}"] if terms.enclave_cidrs else []
    for number, peer in enumerate(spec.access.egress):
        if peer.cidr and not agreements.reaches(terms, peer):
            where = f"spec.access.egress[{number}].cidr"
            yield Reason.EGRESS_NOT_ALLOWED, _not_in(where, peer.cidr, inside)
    yield from _conflicts(terms, spec)


def _conflicts(
    terms: UsageAgreementSpec, spec: ModelDeploymentSpec
) -> Iterator[tuple[Reason, str]]:
    """Names and ports of required guardrails that the spec gives to something else."""
    required = {one.name for one in terms.required_guardrails}
    for taken in (one.name for one in spec.guardrails if one.name in required):
        text = f"spec.guardrails: {taken} is required by the agreement; give another name"
        yield Reason.GUARDRAIL_CONFLICT, text
    # A pod's containers share one loopback: who had the port would answer in the guard's place.
    guards = {one.port: one.name for one in terms.required_guardrails}
    for field_, port in ports_of(spec).items():
        if port in guards:
            text = f"{field_}: {port} is the port of the required guardrail {guards[port]}"
            yield Reason.GUARDRAIL_CONFLICT, f"{text}; give another"


def _not_in(where: str, value: str, accepted: list[str]) -> str:
    return f"{where}: found {value}, the agreement accepts {', '.join(accepted) or 'none'}"
