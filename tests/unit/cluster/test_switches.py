"""What is remembered of kill switches, and for how long."""

from casemate.cluster.keys import Key
from casemate.cluster.store import Store
from casemate.cluster.switches import KNOWN_SECONDS, Switches
from support.approvals import Json, switch
from support.operators import model_deployment

NOBODY = {"scope": "Deployment", "deployment": {"namespace": "models", "name": "none"}}


def stored(name: str, version: int = 1, created: str = "2026-03-01T00:00:00Z") -> Json:
    body = switch(name, "eve")
    meta = {"uid": f"uid-of-{name}", "resourceVersion": str(version), "creationTimestamp": created}
    return {**body, "metadata": body["metadata"] | meta}


def names(switches: Switches) -> list[str] | None:
    known = switches.known()
    return None if known is None else [one["metadata"]["name"] for one in known]


def test_nothing_is_known_before_the_first_answer_nor_long_after_the_last() -> None:
    now = 100.0
    switches = Switches(lambda: now)
    switches.put(stored("a"))
    assert names(switches) is None
    switches.heard()
    now += KNOWN_SECONDS
    assert names(switches) == ["a"]
    now += 0.001
    assert names(switches) is None
    switches.heard()
    assert names(switches) == ["a"]


def test_the_oldest_comes_first() -> None:
    switches = Switches()
    switches.heard()
    for name, created in (("b", "2026-03-02T00:00:00Z"), ("c", "2026-03-01T00:00:00Z")):
        assert switches.put(stored(name, created=created))
    assert names(switches) == ["c", "b"]


def test_what_was_lifted_does_not_come_back_with_a_late_list() -> None:
    switches = Switches()
    switches.heard()
    assert switches.put(stored("a"))
    assert switches.drop(stored("a", 2))
    assert not switches.put(stored("a", 1))
    assert names(switches) == []
    assert switches.put(stored("b", 3)), "control: another one"


def test_only_what_stops_something_else_is_news() -> None:
    switches = Switches()
    assert switches.put(stored("a", 2))
    assert not switches.put(stored("a", 1))
    assert not switches.put(stored("a", 3)), "who is about to lift it notes it first"
    changed = stored("a", 4)
    changed["spec"] |= NOBODY
    assert switches.put(changed)


def test_a_list_takes_away_what_it_does_not_show_and_nothing_newer() -> None:
    switches = Switches()
    switches.heard()
    for name, version in (("a", 1), ("b", 2), ("c", 9)):
        switches.put(stored(name, version))
    (gone,) = switches.keep_only({"uid-of-b"}, 5)
    assert gone["metadata"]["name"] == "a"
    assert names(switches) == ["b", "c"]


def test_a_switch_for_one_deployment_concerns_it_alone_and_any_other_all() -> None:
    store = Store()
    for name in ("m", "n"):
        body = model_deployment(name, "models")
        meta = {"uid": name, "resourceVersion": "1", "generation": 1}
        body["metadata"] |= meta | {"creationTimestamp": "2026-03-01T00:00:00Z"}
        store.put("ModelDeployment", body)
    one = switch("s", "eve", scope="Deployment", deployment={"namespace": "models", "name": "n"})
    assert store.under(one) == [Key("models", "n")]
    assert store.under(switch("s", "eve", **NOBODY)) == []
    assert store.under(switch("s", "eve")) == [Key("models", "m"), Key("models", "n")]
