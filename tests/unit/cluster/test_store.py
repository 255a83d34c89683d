"""The memory of what the API server showed: order, ends, homes, and what no watch has shown yet."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casemate.api.v1alpha1 import KIND
from casemate.cluster import store as module
from casemate.cluster.keys import Key
from casemate.cluster.store import Store
from casemate.core.names import NAME_LABEL
from casemate.core.observed import Ref
from unit.core.specs import few

A, B = Key("n", "a"), Key("n", "b")


def parent(version: int, name: str = "a", **more: Any) -> dict[str, Any]:
    return {"metadata": _meta(name, version), **more}


def child(version: int, of: str = "a", name: str = "s", **more: Any) -> dict[str, Any]:
    meta = _meta(name, version)
    meta["uid"] = more.pop("uid", meta["uid"])
    return {"metadata": meta | ({"labels": {NAME_LABEL: of}} if of else {}), **more}


def _meta(name: str, version: int) -> dict[str, Any]:
    return {
        "name": name,
        "namespace": "n",
        "uid": f"uid-{name}",
        "resourceVersion": str(version),
        "managedFields": [{"manager": "casemate", "operation": "Apply"}],
    }


def known(store: Store) -> Any:
    live = store.children(A).get(Ref("Service", "s"))
    return None if live is None else int(live.body["metadata"]["resourceVersion"])


def test_an_object_is_news_once() -> None:
    store = Store()
    assert store.put("Service", child(5)) == A
    assert store.put("Service", child(5), watched=True) is None
    assert store.put("Service", child(6), watched=True) == A


def test_a_stale_answer_changes_nothing() -> None:
    store = Store()
    store.put("Service", child(10, spec={"x": "new"}), watched=True)
    assert store.put("Service", child(9, spec={"x": "old"})) is None
    assert known(store) == 10


def test_versions_are_compared_as_numbers() -> None:
    store = Store()
    store.put("Service", child(9))
    assert store.put("Service", child(10)) == A


def test_a_late_answer_revives_nothing_that_was_deleted() -> None:
    store = Store()
    store.put("Service", child(5))
    assert store.drop("Service", child(7)) == A
    assert store.put("Service", child(6)) is None
    assert known(store) is None
    assert store.put("Service", child(8)) == A


def test_the_end_of_an_older_object_does_not_take_the_newer_one() -> None:
    store = Store()
    store.put("Service", child(9, uid="second"))
    assert store.drop("Service", child(7, uid="first")) is None
    assert known(store) == 9


def test_the_end_of_something_unknown_is_no_news() -> None:
    store = Store()
    assert store.drop("Service", child(7)) is None
    assert store.keys() == []


def test_only_so_many_ends_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TOMBSTONES", 3)
    store = Store()
    for number in range(5):
        store.put("Service", child(10 + number, name=f"s{number}"))
        store.drop("Service", child(20 + number, name=f"s{number}"))
    assert len(store._deleted) == 3
    assert store.put("Service", child(15, name="s4")) is None
    assert store.put("Service", child(15, name="s0")) == A


def test_what_a_full_list_does_not_show_is_gone() -> None:
    store = Store()
    store.put("Service", child(5, name="kept"))
    store.put("Service", child(6, name="gone"))
    store.put("Deployment", child(6, name="other-kind"))
    assert store.keep_only("Service", {"uid-kept"}, 8) == {A}
    assert {ref.name for ref in store.children(A)} == {"kept", "other-kind"}
    assert store.put("Service", child(7, name="gone")) is None


def test_what_is_newer_than_a_list_stays() -> None:
    store = Store()
    store.put("Service", child(9))
    assert store.keep_only("Service", set(), 8) == set()
    assert known(store) == 9
    assert store.keep_only("Service", set(), 9) == {A}


def test_one_of_the_same_name_but_another_uid_is_gone_all_the_same() -> None:
    store = Store()
    store.put("Service", child(5, uid="first"))
    assert store.keep_only("Service", {"second"}, 8) == {A}


def test_an_edited_label_reaches_the_deployment_whose_child_it_was() -> None:
    store = Store()
    store.put("Service", child(5))
    assert store.put("Service", child(6, of="b"), watched=True) == A
    assert known(store) == 6
    assert store.children(B) == {}
    assert store.put("Service", child(7, of=""), watched=True) == A
    assert store.drop("Service", child(8, of="")) == A
    assert store.put("Service", child(9, of="b")) == B


@pytest.mark.parametrize("label", ["b", ""])
def test_what_was_written_for_a_deployment_is_its_child_whatever_it_was_seen_as(label: str) -> None:
    store = Store()
    store.put("Service", child(5, of=label))
    assert known(store) is None

    store.put("Service", child(6), home=A)

    assert known(store) == 6
    assert store.children(B) == {}
    assert list(store.unseen) == [(A, Ref("Service", "s"))]
    assert store.put("Service", child(6), watched=True) is None
    assert store.unseen == {}
    assert store.drop("Service", child(7)) == A


def test_an_answer_that_comes_after_the_end_brings_nothing_home() -> None:
    store = Store()
    store.put("Service", child(5), home=A)
    store.drop("Service", child(9))
    assert store.put("Service", child(8, of=""), home=A) is None
    assert store.keys() == []


def test_an_object_without_our_label_is_nobodys() -> None:
    store = Store()
    assert store.put("Service", child(5, of="")) is None
    assert store.keys() == []


def test_an_answer_is_unseen_until_a_watch_shows_it_or_something_later() -> None:
    store = Store()
    store.put("Service", child(5))
    assert list(store.unseen.values()) == [5]
    store.put("Service", child(4), watched=True)
    assert list(store.unseen.values()) == [5]
    store.put("Service", child(5), watched=True)
    assert store.unseen == {}
    store.put("Service", child(6))
    store.put("Service", child(8), watched=True)
    assert store.unseen == {}


def test_what_a_watch_showed_first_is_never_unseen() -> None:
    store = Store()
    store.put("Service", child(5), watched=True)
    store.put("Service", child(5))
    store.put("Service", child(4))
    assert store.unseen == {}


@pytest.mark.parametrize("shown", [True, False], ids=["by the watch", "by a list"])
def test_an_object_that_is_gone_is_not_waited_for(*, shown: bool) -> None:
    store = Store()
    store.put("Service", child(5))
    assert store.unseen
    if shown:
        store.drop("Service", child(7))
    else:
        store.keep_only("Service", set(), 8)
    assert store.unseen == {}


CALLS = st.lists(
    st.tuples(
        st.sampled_from(["put", "watch", "drop", "list", "written"]),
        st.sampled_from(["a", "b", ""]),
        st.sampled_from(["s", "t"]),
        st.integers(1, 30),
    ),
    max_size=30,
)


@few
@given(CALLS)
def test_nothing_leaks_whatever_comes_in_which_order(calls: Any) -> None:
    store = Store()
    for call, of, name, version in calls:
        body = child(version, of=of, name=name)
        if call == "drop":
            store.drop("Service", body)
        elif call == "list":
            store.keep_only("Service", {f"uid-{name}"}, version)
        elif call == "written":
            store.put("Service", body, home=A)
        else:
            store.put("Service", body, watched=call == "watch")
        remembered = {(key, ref) for key in (A, B) for ref in store.children(key)}
        assert set(store.unseen) <= remembered
        assert {(home, ref) for (_, ref), home in store._homes.items()} == remembered
    store.keep_only("Service", set(), 100)
    assert (store.keys(), store.unseen, store._homes) == ([], {}, {})


def test_a_snapshot_has_the_parent_its_children_and_its_pods() -> None:
    store = Store()
    store.put("Service", child(5))
    assert store.gather(A) is None
    store.put(KIND, parent(6, spec={"x": 1}))
    pods = {"p": {"phase": "Failed", "reason": "Evicted"}, "q": {"phase": "Running"}}
    for number, (name, status) in enumerate(pods.items()):
        store.put("Pod", child(7 + number, name=name, status=status))
    found = store.gather(A)
    assert found is not None
    assert (found.name, found.namespace, found.uid) == ("a", "n", "uid-a")
    assert list(found.children) == [Ref("Service", "s")]
    assert found.children[Ref("Service", "s")].applied
    assert "managedFields" not in found.body["metadata"]
    assert [one.name for one in found.pods] == ["p", "q"]
    assert found.pod_troubles == ("pod p: failed: Evicted",)


def test_conditions_are_those_of_deployments_only() -> None:
    store = Store()
    ready = {"type": "Ready", "status": "True"}
    store.put(KIND, parent(5, status={"conditions": [ready]}))
    store.put(KIND, parent(5, name="b"))
    store.put("Service", child(5, of="c", status={"conditions": [ready]}))
    assert list(store.conditions()) == [(A, [ready]), (B, [])]
