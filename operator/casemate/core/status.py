"""What the status says of a snapshot: only what was seen, never what was just requested."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from casemate.api.conditions import ConditionType, Reason
from casemate.api.terms import spelled
from casemate.core import guard_policy, isolation, names, stops
from casemate.core.findings import Finding
from casemate.core.guard_policy import Policy
from casemate.core.observed import Observed, Trouble
from casemate.core.permission import Permission


@dataclass(frozen=True)
class Verdict:
    """The top-line answer, before it is written out as conditions."""

    ready: str
    reason: str
    message: str
    reconciling: bool = False
    stalled: bool = False
    complete: bool = True
    """Whether every child is as the spec asks, or a person was told why not."""


class Consequence(NamedTuple):
    """What follows from the terms."""

    permission: Permission
    policy: Policy
    """What the guard must keep to."""


@dataclass(frozen=True)
class Rollout:
    """The Deployment's own status, with absent counts read as 0."""

    current: bool
    """Whether the Deployment's controller has seen the newest spec."""
    replicas: int
    updated: int
    available: int
    ready: int
    exceeded: bool
    """Whether the rollout took longer than its deadline."""

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "Rollout":
        """Reads a live Deployment."""
        status = body.get("status", {})
        reasons = {c.get("reason") for c in status.get("conditions", [])}
        return cls(
            current=status.get("observedGeneration", 0) >= body["metadata"]["generation"],
            replicas=status.get("replicas", 0),
            updated=status.get("updatedReplicas", 0),
            available=status.get("availableReplicas", 0),
            ready=status.get("readyReplicas", 0),
            exceeded="ProgressDeadlineExceeded" in reasons,
        )


NOTHING = Rollout(current=False, replicas=0, updated=0, available=0, ready=0, exceeded=False)


def troubled(trouble: Trouble) -> Verdict:
    """The verdict when no retry can help."""
    return Verdict("False", trouble.reason, trouble.message, stalled=True)


def judge(
    rollout: Rollout,
    wanted: int,
    *,
    suspended: bool,
    pending: str | None,
    pods: int = 0,
    troubles: Sequence[str] = (),
) -> Verdict:
    """The verdict on a valid spec; `pending` says what is not done yet.

    `pods` counts those that exist: a Deployment's own counts leave out pods that are being stopped.
    """
    if pending:
        return Verdict("False", Reason.PROGRESSING, pending, reconciling=True, complete=False)
    if not rollout.current or rollout.replicas > rollout.updated or rollout.updated < wanted:
        message = f"{rollout.updated} of {wanted} pods run the current spec"
        verdict = Verdict("False", Reason.PROGRESSING, message, reconciling=True)
    elif rollout.replicas > wanted or (wanted == 0 and pods > 0):
        message = f"{max(rollout.replicas, pods) - wanted} pods are being stopped"
        verdict = Verdict("False", Reason.PROGRESSING, message, reconciling=True)
    elif suspended:
        return Verdict("False", Reason.SUSPENDED, "spec.suspend is set: no pod runs")
    elif wanted == 0:
        return Verdict("True", Reason.SCALED_TO_ZERO, "spec.replicas is 0: no pod runs")
    elif rollout.available < wanted:
        message = f"{rollout.available} of {wanted} pods answer"
        verdict = Verdict("False", Reason.PROGRESSING, message, reconciling=True)
    else:
        return Verdict("True", Reason.SERVING, f"{rollout.available} of {wanted} pods answer")
    if troubles:
        verdict = replace(verdict, message=f"{verdict.message}; {troubles[0]}")
    if rollout.exceeded:
        return replace(verdict, reason=Reason.DEADLINE_EXCEEDED, reconciling=False, stalled=True)
    return verdict


def stop(observed: Observed) -> Finding:
    """Whether no kill switch stops it."""
    return stops.finding(observed.switches, observed.namespace, observed.name, observed.agreement)


def heed(verdict: Verdict, stop: Finding) -> Verdict:
    """The verdict beside the kill switches: who set one is to be asked before anybody else.

    One that nobody can tell of takes away what was well, and nothing else.
    """
    if stop.status == "True" or (stop.status == "Unknown" and verdict.ready != "True"):
        return verdict
    told = replace(verdict, reason=stop.reason, message=stop.message)
    if stop.status == "Unknown":
        return replace(told, ready="Unknown", reconciling=True)
    return replace(told, ready="False", reconciling=False, stalled=True)


def write(
    observed: Observed,
    verdict: Verdict,
    rollout: Rollout,
    now: datetime,
    terms: Consequence | None = None,
) -> dict[str, Any] | None:
    """The whole new status, or None when the live one already says so."""
    findings = [isolation.finding(observed.alive, observed.words), stop(observed)]
    if terms:
        guarded = guard_policy.finding(observed.alive, terms.policy.digest)
        findings += [*terms.permission.findings, guarded]
    found = _conditions(verdict, rollout)
    found += [condition(f.type, f.status, f.reason, f.message) for f in findings]
    before = observed.body.get("status", {})
    # Only a spec that was carried out counts as seen: a missing child is drift from then on.
    seen = observed.generation if verdict.complete else before.get("observedGeneration", -1)
    status: dict[str, Any] = {
        "observedGeneration": seen,
        "conditions": [dated(c, before, observed.generation, now) for c in found],
        "replicas": rollout.replicas,
        "readyReplicas": rollout.ready,
        "selector": names.selector_text(names.selector_labels(observed.name)),
        "isolation": isolation.report(observed.alive),
        "url": names.url(observed.name, observed.namespace),
    }
    if terms:
        status["guard"] = guard_policy.report(terms.policy)
    if terms and terms.permission.until:
        status["permittedUntil"] = spelled(terms.permission.until)
    return None if status == before else status


def _conditions(verdict: Verdict, rollout: Rollout) -> list[dict[str, str]]:
    up = rollout.available > 0
    found = [
        condition(ConditionType.READY, verdict.ready, verdict.reason, verdict.message),
        condition(
            ConditionType.AVAILABLE,
            "True" if up else "False",
            Reason.MINIMUM_AVAILABLE if up else Reason.NO_REPLICA_READY,
            "at least one pod answers" if up else "no pod answers",
        ),
    ]
    abnormal = (
        (ConditionType.RECONCILING, verdict.reconciling),
        (ConditionType.STALLED, verdict.stalled),
    )
    for kind, holds in abnormal:
        if holds:
            found.append(condition(kind, "True", verdict.reason, verdict.message))
    return found


def condition(kind: str, status: str, reason: str, message: str) -> dict[str, str]:
    """A condition without its dates."""
    return {"type": str(kind), "status": status, "reason": str(reason), "message": message}


def dated(
    condition: dict[str, str], before: Mapping[str, Any], generation: int, now: datetime
) -> dict[str, Any]:
    """Adds the generation, and the time of the last change of status."""
    changed = spelled(now)
    for old in before.get("conditions", []):
        if old["type"] == condition["type"] and old["status"] == condition["status"]:
            changed = old["lastTransitionTime"]
    return {**condition, "observedGeneration": generation, "lastTransitionTime": changed}
