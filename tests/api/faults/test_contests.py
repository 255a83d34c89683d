"""Somebody who undoes each repair: writes are bounded, and a person is told."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from api.operator.test_children import create, ready
from casemate.core.contest import AT_ONCE, EVERY_SECONDS, OVER_SECONDS
from enclave.controlplane import ControlPlane
from support.operators import USER, Api, Operator, eventually, running

INTRUDER: dict[str, object] = {"spec": {"selector": {"app": "intruder"}}}


@pytest.fixture(scope="module")
def operator(
    plane: ControlPlane, api: Api, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Operator]:
    assert api.plane is plane
    with running(plane, tmp_path_factory.mktemp("contests") / "operator.log") as started:
        yield started


def undone(api: Api, namespace: str) -> bool:
    """Whether the Service is as the operator wants it."""
    found = api.get("Service", namespace, "m")
    return found is not None and found["spec"]["selector"] != {"app": "intruder"}


@contextmanager
def fighting(api: Api, namespace: str) -> Iterator[Counter[str]]:
    """Somebody who makes the same edit whenever it was undone; the edits are counted."""
    ended, edits = threading.Event(), Counter[str]()
    other = Api(api.plane)

    def fight() -> None:
        while not ended.wait(0.02):
            if undone(other, namespace):
                other.patch("Service", namespace, "m", INTRUDER)
                edits["made"] += 1

    thread = threading.Thread(target=fight)
    thread.start()
    try:
        yield edits
    finally:
        ended.set()
        thread.join()


def writes(api: Api, namespace: str) -> int:
    """What the operator wrote in a namespace so far."""
    return sum(
        one["verb"] in {"create", "update", "patch", "delete"}
        and one.get("objectRef", {}).get("namespace") == namespace
        for one in api.calls(USER)
    )


def because(api: Api, namespace: str, reason: str) -> Callable[[], bool]:
    return lambda: ready(api, namespace).get("reason") == reason


def test_a_writer_that_undoes_each_repair_costs_a_bounded_number_of_writes_and_is_told_of(
    api: Api, operator: Operator, namespace: str
) -> None:
    create(api, namespace)
    before = writes(api, namespace)
    counter = 'casemate_contests_total{kind="Service"}'
    repairs = 'casemate_drift_repairs_total{action="edited",kind="Service"}'
    counted, repaired = operator.metric(counter), operator.metric(repairs)
    with fighting(api, namespace) as edits:
        eventually(because(api, namespace, "Contested"), "nobody is told")
        assert "Service m is edited again and again by intruder" in ready(api, namespace)["message"]
        eventually(lambda: operator.metric(counter) == counted + 1, "not counted")
        notes = [one["reason"] for one in api.items("Event", namespace)]
        assert notes.count("Contested") == 1

        found = api.get("NetworkPolicy", namespace, "m-allow")
        assert found is not None
        api.delete("NetworkPolicy", namespace, "m-allow")
        eventually(
            lambda: api.get("NetworkPolicy", namespace, "m-allow") is not None,
            "control: what is not contested is restored at once",
            EVERY_SECONDS / 2,
        )
        assert edits["made"] > AT_ONCE, "control: the other one goes on"
        # Another repair is made in its time, and does not end the contest.
        made = operator.metric(repairs)
        eventually(lambda: operator.metric(repairs) > made, "it gave up", EVERY_SECONDS + 5)
        assert because(api, namespace, "Contested")()
        # Each repair is an apply, an Event and at most a report; one more at the beginning.
        assert operator.metric(repairs) - repaired <= AT_ONCE + 4
        assert writes(api, namespace) - before <= 3 * (AT_ONCE + 6)

    eventually(lambda: undone(api, namespace), "control: it was never restored", EVERY_SECONDS + 5)
    eventually(
        lambda: ready(api, namespace)["reason"] == "Progressing",
        "it is contested for ever",
        OVER_SECONDS + 30,
    )
    made = operator.metric(repairs)
    api.patch("Service", namespace, "m", INTRUDER)
    eventually(lambda: undone(api, namespace), "control: not restored", EVERY_SECONDS / 2)
    eventually(lambda: operator.metric(repairs) == made + 1, "control: not counted")
