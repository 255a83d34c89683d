"""Each use of break-glass is told once: while its note stands, and with the end of what bore it."""

from typing import Any

from casemate.cluster.glass import Use
from casemate.cluster.store import Store
from casemate.core.names import BREAK_GLASS_ANNOTATION
from casemate.core.observed import Ref
from unit.cluster.test_store import A, B, child

WHY = "alice: the site is cut off"
REF = Ref("Service", "s")


def noted(version: int, note: str = WHY, **more: Any) -> dict[str, Any]:
    body = child(version, **more)
    body["metadata"]["annotations"] = {BREAK_GLASS_ANNOTATION: note}
    return body


def test_a_note_is_told_once_and_to_its_deployment_alone() -> None:
    store = Store()
    store.put("Service", noted(5), watched=True)
    assert store.glass.take(B) == []
    assert store.glass.take(A) == [Use(REF, WHY)]
    store.put("Service", noted(6), watched=True)
    assert store.glass.take(A) == []


def test_a_note_that_was_healed_is_a_use_again() -> None:
    store = Store()
    for version in (5, 7):
        store.put("Service", noted(version), watched=True)
        assert store.glass.take(A) == [Use(REF, WHY)]
        store.put("Service", child(version + 1))


def test_another_note_is_another_use() -> None:
    store = Store()
    store.put("Service", noted(5))
    store.put("Service", noted(6, "bob: the site is cut off"))
    assert [use.note for use in store.glass.take(A)] == [WHY, "bob: the site is cut off"]


def test_the_same_note_on_a_later_object_is_another_use() -> None:
    store = Store()
    store.put("Service", noted(5, uid="first"))
    store.put("Service", noted(9, uid="second"))
    assert len(store.glass.take(A)) == 2


def test_a_stale_note_is_no_use() -> None:
    store = Store()
    store.put("Service", child(7))
    store.put("Service", noted(6))
    assert store.glass.take(A) == []


def test_a_note_seen_with_the_end_first_is_told_and_forgotten() -> None:
    store = Store()
    store.put("Service", child(5))
    assert store.drop("Service", noted(7)) == A
    assert store.glass.take(A) == [Use(REF, WHY)]
    assert store.glass._standing == {}


def test_a_note_seen_before_the_end_is_not_told_again() -> None:
    store = Store()
    store.put("Service", noted(5))
    assert store.drop("Service", noted(7)) == A
    assert len(store.glass.take(A)) == 1


def test_what_came_and_went_unseen_is_told() -> None:
    store = Store()
    assert store.drop("Service", child(7)) is None
    assert store.drop("Service", noted(9)) == A
    assert store.glass.take(A) == [Use(REF, WHY)]


def test_notes_of_pods_and_deployments_are_none() -> None:
    store = Store()
    body = noted(5, name="a", spec={"containers": []}, status={})
    store.put("Pod", body)
    store.put("ModelDeployment", noted(6, name="a", spec={}))
    store.drop("Pod", noted(8, name="a"))
    assert not store.glass.has_news(A)


def test_what_a_list_no_longer_shows_is_forgotten() -> None:
    store = Store()
    store.put("Service", noted(5))
    store.keep_only("Service", set(), 9)
    assert store.glass._standing == {}


def test_who_takes_over_tells_only_what_still_stands() -> None:
    store = Store()
    store.put("Service", noted(5))
    store.put("Service", child(6))
    store.put("Service", noted(7, "bob: still"))
    store.put("Service", child(8))
    store.put("Service", noted(9, "bob: still"))
    store.put("Service", noted(3, name="other"))
    store.drop("Service", noted(4, name="other"))
    store.glass.retell()
    assert store.glass.take(A) == [Use(REF, "bob: still")]
    assert not store.glass.has_news(A)
