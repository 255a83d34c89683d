"""Whoever edits the policy of a guard, or what its pods are told of it, sees it restored."""

from typing import Any

import pytest

from api.operator.test_children import create, ready
from api.operator.test_drift import notes, watch
from support.operators import Api, Operator, eventually

PINNED = "casemate.dev/guard-policy"
EDITS: dict[str, tuple[str, str, Any]] = {
    "a milder policy": (
        "ConfigMap",
        "m-guard",
        {"data": {"policy.json": '{"version":1,"lines":[]}'}},
    ),
    "a further file": ("ConfigMap", "m-guard", {"data": {"more.json": "{}"}}),
    "a file of bytes": ("ConfigMap", "m-guard", {"binaryData": {"more.bin": "e30="}}),
    "pods under another policy": (
        "Deployment",
        "m",
        {"spec": {"template": {"metadata": {"annotations": {PINNED: "sha256:0"}}}}},
    ),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_of_the_policy_is_undone_counted_and_reported(
    api: Api, operator: Operator, namespace: str, edit: str
) -> None:
    kind, name, change = EDITS[edit]
    state, before, counted = watch(api, operator, namespace, kind, name)
    count = counted()

    api.patch(kind, namespace, name, change)

    eventually(lambda: state() == before, lambda: f"stayed as {state()}")
    eventually(lambda: counted() > count, "not counted")
    note = f"{kind} {name} was edited by intruder and is restored"
    eventually(lambda: note in notes(api, namespace), f"no Event says: {note}")


def test_a_policy_that_nobody_can_change_any_more_is_made_anew(
    api: Api, operator: Operator, namespace: str
) -> None:
    state, before, _ = watch(api, operator, namespace, "ConfigMap", "m-guard")

    api.patch("ConfigMap", namespace, "m-guard", {"data": {"policy.json": "{}"}, "immutable": True})

    eventually(lambda: state() == before, lambda: f"stayed as {state()}")
    note = "ConfigMap m-guard was deleted and is restored"
    eventually(lambda: note in notes(api, namespace), f"no Event says: {note}")


def test_a_config_map_of_somebody_else_under_that_name_is_left_as_it_was(
    api: Api, operator: Operator, namespace: str
) -> None:
    meta = {"name": "m-guard", "namespace": namespace}
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "immutable": True}
    before = api.create({**body, "data": {"policy.json": "{}"}})

    create(api, namespace)

    assert ready(api, namespace)["reason"] == "NameConflict"
    assert api.get("Deployment", namespace, "m") is None, "no pod runs without its policy"
    assert api.get("ConfigMap", namespace, "m-guard") == before
