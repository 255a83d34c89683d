"""The one decision: from a snapshot to what must be written, removed and reported."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import ValidationError

from casemate.api.conditions import Reason
from casemate.api.v1alpha1 import KIND, ModelDeploymentSpec
from casemate.core import contest, isolation, status
from casemate.core.compare import Difference, difference
from casemate.core.fields import Path
from casemate.core.findings import Deployment, broken
from casemate.core.names import DIGEST_ANNOTATION
from casemate.core.observed import Live, Observed, Ref, Repair, Settings, Trouble
from casemate.core.ownership import (
    belongs_to,
    controller,
    held_by_pods,
    is_left_over,
    made_for,
)
from casemate.core.permission import Permission, permit
from casemate.core.render import policy_of, render

_INCOMPLETE = {Reason.INVALID_SPEC, Reason.NAME_CONFLICT, Reason.APPLY_REFUSED}
"""Reasons of passes that may have left out a child: one that is missing then was not deleted."""

_GONE_SOON_SECONDS = 1.0
"""When to look again at a name that an object on its way out still holds."""


_OF_PODS = ("metadata.ownerReferences", f"metadata.annotations.{DIGEST_ANNOTATION}")
"""Fields that follow from which pods there are."""


class Apply(NamedTuple):
    """One object to apply server-side."""

    ref: Ref
    body: dict[str, Any]
    known: bool
    """Whether the live object is ours for certain; otherwise nothing may be taken by force."""
    strip: tuple[Path, ...]
    """Fields of others to remove before."""
    whole: bool = False
    """Whether everything else is removed before, whoever owns it."""


class Delete(NamedTuple):
    """One object to delete, and only this very one."""

    ref: Ref
    uid: str


@dataclass(frozen=True)
class Plan:
    """What to do, in order: each stage of `stages`, then `prune`, then the status."""

    stages: tuple[tuple[Apply, ...], ...] = ()
    prune: tuple[Delete, ...] = ()
    repairs: tuple[Repair, ...] = ()
    put_off: tuple[Repair, ...] = ()
    """Repairs that wait, as somebody undoes each of them."""
    marks: tuple[isolation.Mark, ...] = ()
    """Readiness gates to be written on pods."""
    conflict: str | None = None
    """Names of ours that objects of others hold: a reason to create nothing further."""
    status: Mapping[str, Any] | None = None
    requeue: float | None = None
    """Seconds until this must be looked at again, without any event; None: not at all."""

    @property
    def writes(self) -> int:
        """How many objects change."""
        return sum(map(len, self.stages)) + len(self.prune) + len(self.marks)


class _Judged(NamedTuple):
    """What one desired object asks for."""

    apply: Apply | None = None
    stale: Delete | None = None
    repair: Repair | None = None
    put_off: Repair | None = None
    conflict: str | None = None
    waiting: bool = False
    pending: str | None = None
    """What is under way and not yet seen, in words."""


def plan(observed: Observed, settings: Settings, now: datetime) -> Plan:
    """Decides about one ModelDeployment. Pure: equal arguments give equal plans."""
    try:
        spec = ModelDeploymentSpec.model_validate(observed.body.get("spec"))
    except ValidationError as error:
        trouble = Trouble(Reason.INVALID_SPEC, "; ".join(broken(error)))
        return Plan(status=_troubled(observed, trouble, now))
    permission = _permission(observed, spec, settings, now)
    terms = status.Consequence(permission, policy_of(spec, settings, permission))
    desired = render(observed, spec, settings, permission)
    judged = [
        [_bounded(observed, _judge(observed, ref, body)) for ref, body in stage.items()]
        for stage in desired
    ]
    flat = [one for stage in judged for one in stage]
    wanted = {ref for stage in desired for ref in stage}
    return Plan(
        stages=tuple(tuple(one.apply for one in stage if one.apply) for stage in judged),
        prune=(*(one.stale for one in flat if one.stale), *_unwanted(observed, wanted)),
        repairs=tuple(one.repair for one in flat if one.repair),
        put_off=tuple(one.put_off for one in flat if one.put_off),
        marks=tuple(isolation.marks(observed.alive, observed.words, now)),
        conflict="; ".join(one.conflict for one in flat if one.conflict) or None,
        status=_status(observed, spec, terms, flat, now),
        requeue=_requeue(observed, flat),
    )


def _requeue(observed: Observed, judged: list[_Judged]) -> float | None:
    moments = [_GONE_SOON_SECONDS for one in judged if one.waiting or one.stale]
    moments += [observed.contests[one.put_off.ref].wait for one in judged if one.put_off]
    moments += [one.over for one in observed.contests.values() if one.text]
    return min(moments, default=None)


def _bounded(observed: Observed, judged: _Judged) -> _Judged:
    """Puts a repair off whose child is contested; what the spec itself changes never waits."""
    repair = judged.repair
    known = observed.contests.get(repair.ref) if repair else None
    return _Judged(put_off=repair) if known and known.wait > 0 else judged


def _permission(
    observed: Observed, spec: ModelDeploymentSpec, settings: Settings, now: datetime
) -> Permission:
    live = observed.children.get(Ref("Deployment", observed.name))
    ours = live is not None and belongs_to(observed, live)
    meta = observed.body["metadata"]
    one = Deployment(
        namespace=observed.namespace,
        uid=observed.uid,
        created=meta["creationTimestamp"],
        spec=spec,
        running=live.body["spec"].get("replicas", 1) if live and ours else 0,
    )
    return permit(observed.terms, one, settings.guard_bundle.version, now)


def _judge(observed: Observed, ref: Ref, body: dict[str, Any]) -> _Judged:
    live = observed.children.get(ref)
    if live is None:
        lost = Repair(ref, "deleted", (), ()) if _was_complete(observed) else None
        apply = Apply(ref, body, known=False, strip=())
        return _Judged(apply=apply, repair=lost, pending=_applying(ref))
    if live.deleting:
        return _Judged(waiting=True, pending=f"{ref} is being removed, to be made anew")
    if trait := _useless(observed, live):
        pending = f"{ref} {trait} is being removed"
        return _Judged(stale=Delete(ref, live.uid), pending=pending)
    if not belongs_to(observed, live):
        return _Judged(
            conflict=f"{ref} exists and belongs to somebody else: delete or rename it, "
            f"or give this ModelDeployment another name"
        )
    found = difference(body, live)
    # An edit can empty managedFields, and so hide what else it added.
    untold = () if live.applied else ("metadata.managedFields",)
    if not found and not untold and not live.noted:
        return _Judged()
    changed = (*found.changed, *found.added_names(), *untold)
    repair = Repair(ref, "edited", changed, found.managers)
    pods = _only_pods(observed, live, found)
    return _Judged(
        apply=Apply(ref, body, known=True, strip=found.added, whole=bool(untold) or live.noted),
        repair=None if found.outdated or pods else repair,
        pending=None if pods else _applying(ref),
    )


def _useless(observed: Observed, live: Live) -> str:
    """What makes an object of ours one that has to go before it comes anew, or nothing."""
    if is_left_over(observed, live) and not held_by_pods(live):
        return f"of an earlier {KIND}"
    # We set it on no ConfigMap, and no write takes it back.
    if live.body.get("immutable") and belongs_to(observed, live):
        return "that was made immutable"
    return ""


def _only_pods(observed: Observed, live: Live, found: Difference) -> bool:
    """Whether nothing differs but which pods own the object: they come and go, and it is no drift.

    The garbage collector drops the references to pods that ended, before us or after.
    """
    kept = live.applied and controller(live.body).get("uid") == observed.uid and not live.noted
    theirs = found.added or found.managers
    return kept and not theirs and all(path.startswith(_OF_PODS) for path in found.changed)


def _applying(ref: Ref) -> str:
    return f"{ref} is being applied"


def _was_complete(observed: Observed) -> bool:
    """Whether an earlier pass had applied everything for this very spec."""
    before = observed.body.get("status", {})
    if before.get("observedGeneration") != observed.generation:
        return False
    return not any(c["reason"] in _INCOMPLETE for c in before.get("conditions", []))


def _unwanted(observed: Observed, wanted: set[Ref]) -> list[Delete]:
    """Children of this very deployment that its spec no longer asks for."""
    return [
        Delete(ref, live.uid)
        for ref, live in observed.children.items()
        if ref not in wanted and not live.deleting and made_for(observed.name, live)
    ]


def _status(
    observed: Observed,
    spec: ModelDeploymentSpec,
    terms: status.Consequence,
    judged: list[_Judged],
    now: datetime,
) -> Mapping[str, Any] | None:
    conflicts = [one.conflict for one in judged if one.conflict]
    if conflicts:
        trouble = Trouble(Reason.NAME_CONFLICT, "; ".join(conflicts))
        return _troubled(observed, trouble, now)
    if observed.trouble:
        return _troubled(observed, observed.trouble, now)
    rollout = _rollout(observed)
    pending = [one.pending for one in judged if one.pending]
    verdict = status.judge(
        rollout,
        terms.permission.replicas,
        suspended=spec.suspend,
        pending=pending[0] if pending else None,
        pods=len(observed.pods),
        troubles=(*isolation.troubles(observed.alive), *observed.pod_troubles),
    )
    verdict = status.heed(_permitted(verdict, terms.permission), status.stop(observed))
    verdict = _contested(observed, judged) or verdict
    return status.write(observed, verdict, rollout, now, terms)


def _contested(observed: Observed, judged: list[_Judged]) -> status.Verdict | None:
    """The verdict while somebody else fights for children, or None."""
    told = {ref: one.text for ref, one in observed.contests.items() if one.text}
    new = {one.put_off.ref: contest.words(one.put_off) for one in judged if one.put_off}
    texts = sorted((new | told).values())
    return status.troubled(Trouble(Reason.CONTESTED, "; ".join(texts))) if texts else None


def _permitted(verdict: status.Verdict, permission: Permission) -> status.Verdict:
    """The verdict under the terms: a refusal is for a person to act on, whatever the pods do.

    What cannot be told yet is progress: to kstatus, an object that is neither reconciling nor
    stalled is as its spec asks, and nobody knows that here.
    """
    if not verdict.complete:
        return verdict
    if refusal := permission.refusal:
        return status.troubled(Trouble(refusal.reason, refusal.message))
    if (open_ := permission.undecided) and verdict.ready == "True":
        told = replace(verdict, reason=open_.reason, message=open_.message)
        return replace(told, ready="Unknown", reconciling=True)
    return verdict


def _troubled(observed: Observed, trouble: Trouble, now: datetime) -> Mapping[str, Any] | None:
    return status.write(observed, status.troubled(trouble), _rollout(observed), now)


def _rollout(observed: Observed) -> status.Rollout:
    """What this deployment's own Deployment says: never one of somebody else or an earlier one."""
    live = observed.children.get(Ref("Deployment", observed.name))
    if live is None or is_left_over(observed, live) or not belongs_to(observed, live):
        return status.NOTHING
    return status.Rollout.of(live.body)
