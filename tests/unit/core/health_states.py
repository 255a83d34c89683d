"""Objects as the operator's own functions leave them: nothing in a status is written by hand."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from casemate.api.terms import spelled
from casemate.api.v1alpha1 import ModelDeploymentSpec
from casemate.core.agreements import Grant
from casemate.core.findings import artifacts
from casemate.core.inventory import Behind
from casemate.core.isolation import GATE, Word, Words
from casemate.core.observed import Contest, Ref, Trouble
from casemate.core.plan import plan
from casemate.core.terms_status import of_agreement, of_supplier
from support.terms import agreement, directive, supplier
from unit.api.cases import SPEC, Json, changed
from unit.core.world import NOW, SETTINGS, UID, World, guarded_pod, pod, ready

OTHERS = [supplier("maker"), supplier("base-lab")]
GRANT = Grant({UID: 1}, used=1, granted=1, accelerators=0)
UNSEEN: Json = {"observedGeneration": -1}
"""What the API server writes into an object that is new."""


def new() -> Json:
    """A deployment that nobody has seen."""
    return World().parent


def edited() -> Json:
    """One that serves, with a newer spec that nobody has seen."""
    parent = ready().parent
    parent["metadata"]["generation"] = 2
    return parent


def beginning() -> Json:
    """A new one after the first look: all parts are on their way."""
    world = World()
    return reported(world)


def rolling_out() -> Json:
    """One whose parts are there, and whose pods are starting."""
    return World().settle().parent


def late() -> Json:
    """One whose Deployment has given up waiting for pods."""
    world = World().settle().roll_out(availableReplicas=0)
    reason = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    world.deployment["status"]["conditions"] = [reason]
    return reported(world)


def isolated(verdict: str = "Enforced", message: str = "", silent: str = "", **counts: int) -> Json:
    """One whose pod carries a gate, as the operator last wrote it."""
    world = ready().roll_out(**counts)
    status = "True" if verdict == "Enforced" else "False"
    gate = {"type": GATE, "status": status, "reason": verdict, "message": message}
    times = dict.fromkeys(("lastProbeTime", "lastTransitionTime"), spelled(NOW))
    world.pods = [pod(conditions=[gate | times])]
    world.words = Words(silent, {"uid-of-m-1": Word("models", "m-1", verdict, message, NOW)})
    return reported(world)


def guarded(*policies: str) -> Json:
    """One with a ready pod for each of these guard policies; an empty one is the current."""
    world = ready()
    numbered = enumerate(policies, 1)
    world.pods = [guarded_pod(one or world.policy, f"m-{number}") for number, one in numbered]
    return reported(world)


def drifted() -> Json:
    """One that served until somebody deleted a part of it."""
    world = ready()
    del world.objects[Ref("Service", "m")]
    return reported(world)


def taken() -> Json:
    """One whose Service has a name that is somebody else's."""
    world = ready()
    theirs: Json = {"ownerReferences": [], "managedFields": []}
    world.objects[Ref("Service", "m")]["metadata"] |= theirs
    return reported(world)


def contested() -> Json:
    """One of which somebody changes a part again and again; it was just restored."""
    world = ready()
    fight = {Ref("Service", "m"): Contest(0.0, "Service m is edited again and again", 60.0)}
    found = plan(replace(world.observed(), contests=fight), SETTINGS, NOW).status
    return {**world.parent, "status": dict(found or {})}


def refused_by_the_server() -> Json:
    """One of which a part was refused for good."""
    return reported(ready(), Trouble("ApplyRefused", "the API server answered 403: quota"))


def stopped(*switches: Json, known: bool = True) -> Json:
    """One that served until somebody stopped it, or nobody could tell whether somebody did."""
    world = ready()
    world.switches = list(switches) if known else None
    return reported(world)


def reported(world: World, trouble: Trouble | None = None) -> Json:
    """The deployment with the status that a look gives it, before anything is carried out."""
    found = plan(world.observed(trouble), SETTINGS, NOW).status
    return world.parent if found is None else {**world.parent, "status": dict(found)}


def under(*terms: Json, spec: Json = SPEC, moment: datetime = NOW, doubt: str = "") -> Json:
    """One that served, once spec, terms or clock changed and all of that was carried out."""
    return changed_to(ready(), list(terms), spec, moment, doubt)


def begun_under(*terms: Json, doubt: str = "") -> Json:
    """A new one under such terms, once everything was carried out."""
    return changed_to(World(), list(terms), SPEC, NOW, doubt)


def changed_to(world: World, terms: list[Json], spec: Json, moment: datetime, doubt: str) -> Json:
    """What becomes of a deployment; its pods come and go as the plan has them."""
    world.parent["spec"], world.terms, world.doubt = spec, terms or world.terms, doubt
    world.parent["metadata"]["generation"] += spec != SPEC
    for _ in range(3):
        world.carry_out(world.plan(now=moment))
        world.roll_out()
    return world.parent


def ordered(*inventory: Behind, moment: datetime = NOW, spec: Json = SPEC, **order: Any) -> Json:
    """One whose supplier is under an order, with what existed recorded when it took effect."""
    body = judged(supplier(directives=[directive(**order)]), inventory)
    return under(agreement(), body, *OTHERS, spec=spec, moment=moment)


def existed(spec: Json = SPEC) -> Behind:
    """The deployment as an inventory has it."""
    found = artifacts(ModelDeploymentSpec.model_validate(spec))
    return Behind("2026-02-01T00:00:00Z", UID, 1, found)


def judged(body: Json, behind: tuple[Behind, ...] = (), moment: datetime = NOW) -> Json:
    """An agreement or supplier once the operator looked at it."""
    body = fresh(body)
    if body["kind"] == "Supplier":
        return body | {"status": of_supplier(body, behind, moment).status}
    return body | {"status": of_agreement(body, GRANT, moment).status}


def fresh(body: Json) -> Json:
    """An agreement or supplier that nobody has seen."""
    return body | {"metadata": body["metadata"] | {"generation": 1}, "status": UNSEEN}


def again(body: Json) -> Json:
    """The same with a newer spec that nobody has seen."""
    return body | {"metadata": body["metadata"] | {"generation": 2}}


def with_base(supplied_by: str) -> Json:
    """The spec of a fine-tune."""
    base = {"supplier": supplied_by, "digest": f"sha256:{'0' * 64}"}
    return changed("model.base", base, changed("model.variant", "FineTune"))
