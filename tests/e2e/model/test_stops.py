"""The kill switch on a real node: all answers end, on record, until somebody else lifts it."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from demo import deploy
from demo.approvals import refusal
from demo.cluster import Cluster
from demo.people import Person, people
from demo.progress import DemoError
from e2e.model.conftest import Ask
from support.attacks import Layer, attack
from support.enclaves import Enclave
from support.wardens import everything

REASON = "--reason=an answer went astray"
STOP_SECONDS = 2.0
"""Within how long a stop is in force."""
ASKING_SECONDS = 3.0
"""What starting a client in a pod and one question take on top of it, at the most."""


@pytest.fixture(scope="module")
def pair(cluster: Cluster) -> Iterator[list[Person]]:
    """One who stops, and one who lifts."""
    with people(cluster, "eve", "lou") as found:
        yield found


@contextmanager
def stopped(pair: list[Person], *what: str) -> Iterator[str]:
    """Something is stopped; who else may lifts it again."""
    eve, lou = pair
    name = eve.casemate("stop", *what, REASON, "--output=name").strip().rpartition("/")[2]
    try:
        yield name
    finally:
        lou.casemate("lift", name, "--reason=the answer was looked into")


def outcome(answer: dict[str, Any]) -> tuple[int, str]:
    return (200, "") if answer["ok"] else refusal(answer)


def answers(ask: Ask) -> bool:
    return outcome(ask()) == (200, "")


def reason(cluster: Cluster) -> str:
    """Of the deployment's `Ready`."""
    path = "jsonpath={.status.conditions[?(@.type=='Ready')].reason}"
    where = (deploy.MODEL, f"--namespace={deploy.MODELS}")
    return cluster.kubectl("get", "modeldeployment", *where, f"--output={path}")


SCOPES = {
    "all": ("all",),
    "agreement": ("agreement", "logistics-2026"),
    "deployment": ("deployment", deploy.MODEL, f"--namespace={deploy.MODELS}"),
}


@pytest.mark.parametrize("scope", SCOPES)
def test_a_stop_silences_the_model_and_is_on_record(
    ask: Ask, cluster: Cluster, enclave: Enclave, pair: list[Person], scope: str
) -> None:
    assert answers(ask), "control: it answers"
    assert reason(cluster) == "Serving", "control: and says so"
    with stopped(pair, *SCOPES[scope]) as name:
        enclave.eventually(
            lambda: outcome(ask()) == (403, "stopped"),
            "it went on answering",
            STOP_SECONDS + ASKING_SECONDS,
        )
        enclave.eventually(lambda: reason(cluster) == "Stopped", "its status hides it", 5)
    enclave.eventually(partial(answers, ask), "it never resumed", 20)
    enclave.eventually(lambda: reason(cluster) == "Serving", "its status says stopped", 20)

    told = [
        one for one in everything(enclave).values() if one.get("switch", {}).get("name") == name
    ]
    kinds = {(one["kind"], one["by"]["username"]) for one in told}
    assert kinds == {("kill", "eve"), ("lift", "lou")}


def test_what_is_stopped_elsewhere_stops_nothing_here(ask: Ask, pair: list[Person]) -> None:
    with stopped(pair, "deployment", "another", f"--namespace={deploy.MODELS}"):
        assert all(answers(ask) for _ in range(3)), "longer than a stop takes"


@attack("stops", "to lift a switch of one's own, on a real cluster", Layer.API)
def test_who_stopped_it_does_not_lift_it(
    ask: Ask, cluster: Cluster, enclave: Enclave, pair: list[Person]
) -> None:
    eve, _ = pair
    with stopped(pair, "all") as name:
        assert eve.run("lift", name, "--reason=it was a mistake").returncode != 0
        delete = ("delete", "killswitch", name, f"--kubeconfig={eve.kubeconfig}")
        with pytest.raises(DemoError):
            cluster.kubectl(*delete)
        enclave.eventually(lambda: outcome(ask()) == (403, "stopped"), "it is lifted", 10)
    enclave.eventually(partial(answers, ask), "control: somebody else lifts it", 20)
