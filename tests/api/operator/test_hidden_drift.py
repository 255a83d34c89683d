"""Edits that hide from whoever looks for them by labels or by managedFields are undone as well."""

from functools import partial
from typing import Any

import pytest

from api.operator.test_children import create
from api.operator.test_drift import watch
from support.operators import Api, Operator, eventually

POD = {"template": {"spec": {"hostNetwork": True}}}
UNOWNED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "an open way out": ("NetworkPolicy", "m-default-deny", {"egress": [{}]}),
    "addresses too early": ("Service", "m", {"publishNotReadyAddresses": True}),
    "the host's network": ("Deployment", "m", POD),
}


@pytest.mark.parametrize("edit", UNOWNED)
def test_an_edit_that_nobody_owns_is_undone_once(
    api: Api, operator: Operator, namespace: str, edit: str
) -> None:
    kind, name, spec = UNOWNED[edit]
    state, before, counted = watch(api, operator, namespace, kind, name)
    count = counted()

    api.patch(kind, namespace, name, {"metadata": {"managedFields": [{}]}, "spec": spec})

    eventually(lambda: state() == before, lambda: f"{edit}: stayed as {state()}")
    api.patch(kind, namespace, name, {"metadata": {"labels": {"x": "x"}}})
    eventually(lambda: state() == before, "control: a later edit stayed")
    eventually(lambda: counted() >= count + 2, "control: not counted")
    assert counted() == count + 2, "defaults were taken for edits"


# Each edit may cost two repairs, and more than ten of one child would be a contest.
@pytest.mark.parametrize("half", [1, 2])
def test_an_edit_that_hides_behind_a_lost_label_is_undone(
    api: Api, operator: Operator, namespace: str, half: int
) -> None:
    create(api, namespace)
    get = partial(api.get, "NetworkPolicy", namespace, "m-default-deny")

    for index in range(4):  # a watch may show what was hidden in time, or too late
        change = {"metadata": {"labels": None}, "spec": {"egress": [{}]}}
        api.patch("NetworkPolicy", namespace, "m-default-deny", change)

        def closed() -> bool:
            found = get()
            assert found is not None
            return bool(found["metadata"].get("labels")) and "egress" not in found["spec"]

        eventually(closed, lambda i=index: f"edit {half}.{i} stayed: {get()}", seconds=10)  # type: ignore[misc]
