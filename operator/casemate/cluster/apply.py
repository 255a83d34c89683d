"""Carries a plan out: stage by stage, and inside a stage all at once."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from casemate.api.conditions import Reason
from casemate.cluster.client import Client
from casemate.cluster.errors import Stalled, Transient
from casemate.cluster.keys import Key
from casemate.cluster.kinds import CHILDREN, MODEL_DEPLOYMENT, POD
from casemate.cluster.store import Store
from casemate.core import fields
from casemate.core.isolation import GATE, Mark
from casemate.core.names import DIGEST_ANNOTATION, FIELD_MANAGER, default_deny
from casemate.core.observed import Live, Observed, Ref
from casemate.core.ownership import applied_by_us, belongs_to, made_for
from casemate.core.plan import Apply, Delete, Plan

_GONE, _CONFLICT = 404, 409
_NO_VERSION = "1"
"""A resourceVersion that no object ever has: the first write to an etcd is its revision 2.

An apply with it creates, or conflicts with whatever has the name; it never merges.
"""

Done = Callable[[Ref, bool], None]
"""Told about each child that was written, and whether it existed before as ours."""


async def carry_out(
    client: Client, store: Store, observed: Observed, plan: Plan, done: Done
) -> None:
    """Removes and writes what the plan says; what the API server answers goes to the store.

    A stage begins only when the one before it is complete, so a pod never exists before the
    policies that close it. Where something failed, nothing more is created, but everything that
    exists is still repaired: one object that cannot be had must not shield the others' drift.

    Raises:
        Stalled, Waiting, Transient: the first failure.
    """
    failures = await _all(_delete(client, observed.namespace, one) for one in plan.prune)
    for stage in plan.stages:
        halted = failures or plan.conflict
        wanted = [one for one in stage if one.known or not halted]
        failures += await _all(_apply(client, store, observed, one, done) for one in wanted)
    failures += await _all(_mark(client, store, observed, one) for one in plan.marks)
    if failures:
        raise failures[0]


async def prune_orphans(client: Client, store: Store, key: Key) -> bool:
    """Removes what a ModelDeployment left behind; returns whether there was anything.

    The garbage collector does this too, but not after `kubectl delete --cascade=orphan`: a model
    that runs without its ModelDeployment would run without terms. What only wears our labels stays,
    and so does a child of another deployment that wears this one's. What closes the network stays
    as long as there are pods: it goes when the watches show the end of the last one.
    """
    closing = {Ref("NetworkPolicy", default_deny(key.name))} if store.has_pods(key) else set()
    left = [
        Delete(ref, live.uid)
        for ref, live in store.children(key).items()
        if live.applied and made_for(key.name, live) and not live.deleting and ref not in closing
    ]
    if not left or await client.get(MODEL_DEPLOYMENT, key.namespace, key.name) is not None:
        return False
    if failures := await _all(_delete(client, key.namespace, one) for one in left):
        raise failures[0]
    return True


async def write_status(client: Client, store: Store, observed: Observed, plan: Plan) -> None:
    """Writes the whole status, if the plan has a new one, and if there still is where to."""
    if plan.status is None:
        return
    body = {
        "apiVersion": MODEL_DEPLOYMENT.api_version,
        "kind": MODEL_DEPLOYMENT.kind,
        # With its UID, so that a status never lands on a later object of the same name.
        "metadata": {
            "name": observed.name,
            "namespace": observed.namespace,
            "uid": observed.uid,
        },
        "status": plan.status,
    }
    answer = await client.apply(MODEL_DEPLOYMENT, body, sub="status", accept=frozenset({_GONE}))
    if answer.code != _GONE:
        store.put(MODEL_DEPLOYMENT.kind, answer)


async def _all(calls: Iterable[Awaitable[None]]) -> list[BaseException]:
    """Runs all at once to their ends; returns what they raised."""
    results = await asyncio.gather(*calls, return_exceptions=True)
    return [result for result in results if isinstance(result, BaseException)]


async def _delete(client: Client, namespace: str, one: Delete) -> None:
    await client.delete(CHILDREN[one.ref.kind], namespace, one.ref.name, one.uid)


async def _apply(client: Client, store: Store, observed: Observed, one: Apply, done: Done) -> None:
    kind = CHILDREN[one.ref.kind]
    if one.whole:
        await client.replace(kind, _whole(one.body, observed.children[one.ref].body))
    elif one.strip:
        # Before the apply, which an added second controller would make invalid.
        await client.replace(kind, fields.without(observed.children[one.ref].body, one.strip))
    existed = one.known
    if existed:
        body = _only(one.body, uid=observed.children[one.ref].uid)
    else:
        body = _only(one.body, resourceVersion=_NO_VERSION)
    answer = await client.apply(kind, body, force=existed, accept=frozenset({_CONFLICT}))
    if answer.code == _CONFLICT and not existed:
        existed, version = True, await _version_of_ours(client, observed, one)
        body = _only(one.body, resourceVersion=version)
        answer = await client.apply(kind, body, accept=frozenset({_CONFLICT}))
    if answer.code == _CONFLICT:
        raise Transient(f"{one.ref} was written by somebody at the same moment")
    store.put(kind.kind, answer, home=Key(observed.namespace, observed.name))
    done(one.ref, existed)


async def _mark(client: Client, store: Store, observed: Observed, one: Mark) -> None:
    """Writes a readiness gate; a pod that is gone, or made anew, needs none."""
    gate = one.gate
    told = {"lastProbeTime": gate.proven} if gate.proven else {}
    condition = {
        "type": GATE,
        "status": gate.status,
        "reason": gate.reason,
        "message": gate.message,
        "lastTransitionTime": gate.since,
        **told,
    }
    body = {
        "apiVersion": POD.api_version,
        "kind": POD.kind,
        "metadata": {
            "name": one.pod.name,
            "namespace": observed.namespace,
            "uid": one.pod.uid,
        },
        "status": {"conditions": [condition]},
    }
    answer = await client.apply(POD, body, sub="status", accept=frozenset({_GONE, _CONFLICT}))
    if answer.code < _GONE:
        store.put(POD.kind, answer)


def _whole(body: Mapping[str, Any], live: Mapping[str, Any]) -> dict[str, Any]:
    """The desired object in place of the live one, as the answer to fields that nobody owns.

    With one field of ours in managedFields: were there none, the apply that follows would find all
    defaults to be somebody's.
    """
    version = {key: live["metadata"][key] for key in ("uid", "resourceVersion")}
    ours = {
        "manager": FIELD_MANAGER,
        "operation": "Apply",
        "apiVersion": body["apiVersion"],
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:metadata": {"f:annotations": {f"f:{DIGEST_ANNOTATION}": {}}}},
    }
    return {**body, "metadata": {**body["metadata"], **version, "managedFields": [ours]}}


def _only(body: Mapping[str, Any], **meta: str) -> dict[str, Any]:
    """An object to be applied only over a live one of this UID or resourceVersion."""
    return {**body, "metadata": {**body["metadata"], **meta}}


async def _version_of_ours(client: Client, observed: Observed, one: Apply) -> str:
    """Looks at a child that the watches did not show: it may have lost its labels."""
    found = await client.get(CHILDREN[one.ref.kind], observed.namespace, one.ref.name)
    if found is None:
        raise Transient(f"{one.ref} went at the same moment")
    meta = found["metadata"]
    if belongs_to(observed, Live(found, applied=applied_by_us(meta.get("managedFields", [])))):
        return str(meta["resourceVersion"])
    raise Stalled(
        Reason.NAME_CONFLICT,
        f"{one.ref} exists and does not belong to this ModelDeployment: "
        "delete or rename it, or give this ModelDeployment another name",
    )
