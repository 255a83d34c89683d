"""Many things at once: whatever the order in which the operator sees them, it ends in one state."""

import contextlib
import random
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from api.operator.test_children import CHILDREN, create
from enclave.kubeapi import ApiError
from support.operators import Api, Operator, eventually, model_deployment

Json = dict[str, Any]

BUGS = 'casemate_reconcile_errors_total{kind="bug"}'
KINDS = sorted({kind for kind, _ in CHILDREN} | {"PodDisruptionBudget"})
EDITS: list[Json] = [
    {"metadata": {"labels": {"x": "x"}}},
    {"metadata": {"labels": None}},
    {"metadata": {"labels": {"casemate.dev/model-deployment": "other"}}},
    {"metadata": {"annotations": None}},
    {"metadata": {"ownerReferences": None}},
    {"spec": {"replicas": 9}},
]
SPECS: list[Json] = [{"replicas": 1}, {"replicas": 3}, {"suspend": True}, {"suspend": False}]


def test_a_deployment_deleted_while_it_is_made_leaves_nothing_and_is_no_bug(
    api: Api, operator: Operator, namespace: str
) -> None:
    bugs = operator.metric(BUGS)
    create(api, namespace, "kept")

    for index in range(30):
        api.create(model_deployment(f"m{index}", namespace))
        if index % 3:
            made = partial(api.get, "NetworkPolicy", namespace, f"m{index}-allow")
            eventually(lambda m=made: m() is not None, "nothing was begun")  # type: ignore[misc]
        api.delete("ModelDeployment", namespace, f"m{index}")

    for kind in KINDS:
        left = partial(_names, api, namespace, kind)
        eventually(
            lambda f=left: all("kept" in name for name in f()),  # type: ignore[misc]
            lambda f=left: f"left over: {f()}",  # type: ignore[misc]
        )
    assert _names(api, namespace, "Deployment") == {"kept"}, "control: the one that stays"
    assert operator.metric(BUGS) == bugs, operator.log.read_text()[-3000:]


def _names(api: Api, namespace: str, kind: str) -> set[str]:
    return {one["metadata"]["name"] for one in api.items(kind, namespace)}


@pytest.mark.parametrize("seed", range(3))
def test_after_a_mess_everything_is_as_if_nothing_had_happened(
    api: Api, operator: Operator, namespace: str, seed: int
) -> None:
    bugs, dice = operator.metric(BUGS), random.Random(seed)
    for name in ("a", "b", "c"):
        create(api, namespace, name)
    create(api, namespace, "untouched")

    for _ in range(60):
        with contextlib.suppress(ApiError):  # gone already, or the edit is none of a valid object
            _mess(api, namespace, dice.choice("abc"), dice)()
    for name in ("a", "b", "c"):
        back = model_deployment(name, namespace)["spec"] | {"replicas": 1, "suspend": False}
        with contextlib.suppress(ApiError):
            api.create(model_deployment(name, namespace))
        api.patch("ModelDeployment", namespace, name, {"spec": back})

    assert len(_shape(api, namespace, "untouched")) == len(CHILDREN)
    for name in ("a", "b", "c"):
        eventually(
            lambda n=name: _shape(api, namespace, n) == _shape(api, namespace, "untouched"),  # type: ignore[misc]
            lambda n=name: f"{_shape(api, namespace, n)}",  # type: ignore[misc]
        )
    assert operator.metric(BUGS) == bugs, operator.log.read_text()[-3000:]


def _mess(api: Api, namespace: str, name: str, dice: random.Random) -> Callable[[], Any]:
    """One thing that somebody could do."""
    kind = dice.choice(KINDS)
    names = [one for one in _names(api, namespace, kind) if one.partition("-")[0] == name]
    child = dice.choice(sorted(names)) if names else name
    ways: list[Callable[[], Any]] = [
        partial(api.patch, kind, namespace, child, dice.choice(EDITS)),
        partial(api.delete, kind, namespace, child),
        partial(api.patch, "ModelDeployment", namespace, name, {"spec": dice.choice(SPECS)}),
        partial(api.delete, "ModelDeployment", namespace, name),
        partial(api.create, model_deployment(name, namespace)),
    ]
    return dice.choice(ways)


def _shape(api: Api, namespace: str, name: str) -> set[tuple[str, str]]:
    """Everything of a deployment, with what tells it from another one taken out."""
    owner = api.get("ModelDeployment", namespace, name)
    assert owner is not None
    return {
        (kind, _written(one, name, owner["metadata"]["uid"]))
        for kind in KINDS
        for one in api.items(kind, namespace)
        if one["metadata"]["name"].partition("-")[0] == name
    }


def _written(body: Json, name: str, uid: str) -> str:
    volatile = ("resourceVersion", "generation", "managedFields", "uid", "creationTimestamp")
    meta = {k: v for k, v in body["metadata"].items() if k not in volatile}
    meta["annotations"] = sorted(meta.get("annotations", {}))
    spec = {k: v for k, v in body.get("spec", {}).items() if k not in ("clusterIP", "clusterIPs")}
    rest = {k: v for k, v in body.items() if k not in ("metadata", "spec", "status")}
    text = repr((sorted(meta.items()), sorted(spec.items()), sorted(rest.items())))
    return text.replace(f"'{name}'", "NAME").replace(f"'{name}-", "'NAME-").replace(uid, "UID")
