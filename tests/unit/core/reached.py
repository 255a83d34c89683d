"""The deployments of support.reach as rendered, and what the plain reader makes of it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from casemate.core.observed import Ref
from support.reach import (
    BLOCKS,
    MODELS,
    NODE,
    OUTSIDE,
    PLACES,
    SYSTEM,
    TEAMS,
    Cell,
    access,
    cells,
)
from support.terms import agreement
from unit.api.cases import changed
from unit.core.world import ISOLATION, SETTINGS, World
from unit.netpol.oracle import Cluster, Packet

Json = dict[str, Any]

ADDRESSES = {name: f"10.0.0.{n}" for n, name in enumerate([*MODELS, *PLACES, *SYSTEM], 1)}
DOORS = OUTSIDE | dict.fromkeys(NODE, "192.0.2.1")
_SYSTEM_LABELS = {name: {"app.kubernetes.io/name": f"casemate-{name}"} for name in SYSTEM}
_SPACES = {"models", "system", *(place.namespace for place in PLACES.values())}


def rendered(space: Callable[[str], str]) -> tuple[list[Json], dict[str, Json]]:
    """Return the NetworkPolicies, and the labels of each deployment's pods."""
    settings = replace(
        SETTINGS,
        isolation=replace(ISOLATION, namespace=space("system")),
        monitoring_namespace=space("monitoring"),
    )
    policies, labels = [], {}
    for name in MODELS:
        wanted = access(space)[name]
        world = World(changed("access", wanted), name, space("models"))
        world.terms[0] = agreement(enclaveCIDRs=BLOCKS)
        made = {one.ref: one.body for stage in world.plan(settings).stages for one in stage}
        policies += [body for ref, body in made.items() if ref.kind == "NetworkPolicy"]
        labels[name] = made[Ref("Deployment", name)]["spec"]["template"]["metadata"]["labels"]
    return policies, labels


def _pod(name: str, namespace: str, labels: Json) -> Json:
    meta = {"name": name, "namespace": namespace, "labels": labels}
    return {"metadata": meta, "spec": {"containers": []}, "status": {"podIP": ADDRESSES[name]}}


def _space(name: str) -> Json:
    labels = {"kubernetes.io/metadata.name": name, **TEAMS.get(name, {})}
    return {"metadata": {"name": name, "labels": labels}}


def cluster(policies: list[Json], labels: dict[str, Json]) -> Cluster:
    """Everybody in the table under these policies; `labels` are those of rendered pods."""
    pods = [
        *(_pod(name, "models", labels[name]) for name in MODELS),
        *(_pod(name, place.namespace, place.labels) for name, place in PLACES.items()),
        *(_pod(name, "system", labels.get(name, bare)) for name, bare in _SYSTEM_LABELS.items()),
    ]
    return Cluster(pods, [_space(name) for name in _SPACES], policies)


def allowed(found: Cluster, guarded: tuple[str, ...]) -> set[Cell]:
    """Every cell that the specification lets through."""
    return {
        cell
        for cell in cells(guarded)
        if found.allows(
            Packet(
                ADDRESSES[cell.source],
                (ADDRESSES | DOORS)[cell.target],
                cell.protocol,
                cell.port,
            )
        )
    }
