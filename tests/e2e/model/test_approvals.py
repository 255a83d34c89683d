"""Held requests on a real node: two people, one answer, the same bytes, and no text kept."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from demo import deploy
from demo.approvals import IN, approve, held
from demo.cluster import Cluster
from demo.guard import FORCE
from demo.people import Person, people
from e2e.model.conftest import Ask
from e2e.model.test_evidence import places
from support.attacks import Layer, attack
from support.enclaves import Enclave
from support.wardens import everything, record

SYSTEM = ("--namespace", deploy.SYSTEM)
PAIR = list[Person]


@pytest.fixture(scope="module")
def pair(cluster: Cluster) -> Iterator[PAIR]:
    """Two people who may approve."""
    with people(cluster, "ada", "bob") as found:
        yield found


def outcome(answer: dict[str, Any]) -> tuple[int, str]:
    if answer["ok"]:
        return 200, ""
    return answer["status"], answer["body"]["code"]


def retry(ask: Ask, name: str, prompt: str = FORCE, *how: str) -> tuple[int, str]:
    return outcome(ask("--prompt", prompt, "--approval", name, *how))


@pytest.mark.parametrize("how", [(), ("--stream",)], ids=["whole", "streamed"])
def test_two_people_let_it_go_once(
    ask: Ask, cluster: Cluster, enclave: Enclave, pair: PAIR, how: tuple[str, ...]
) -> None:
    first = ask("--prompt", FORCE, *how)
    assert outcome(first) == (403, "human_approval_required")
    name = first["body"]["approval"]["name"]

    approve(pair[0], name)
    assert retry(ask, name, FORCE, *how) == (403, "approval_pending"), "one is not two"
    approve(pair[1], name)
    answer = ask("--prompt", FORCE, "--approval", name, *how)
    assert outcome(answer) == (200, ""), answer
    assert retry(ask, name, FORCE, *how) == (403, "approval_spent")

    sent = record(enclave, answer["decision"])
    assert (sent["kind"], sent["verdict"]["verdict"]) == ("intent", "hold")
    assert sent["approval"]["name"] == name
    every = everything(enclave).values()
    kept = [one for one in every if one.get("approval", {}).get("name") == name]
    kinds = [one["kind"] for one in kept]
    assert kinds.count("approval-decided") == 2
    assert kinds.count("approval-consumed") == 1
    status = cluster.get(*IN, "approvalrequest", name)["status"]
    assert (status["phase"], status["tally"]) == ("Consumed", "2/2")


@attack("approvals", "an approval for other words than those that people read", Layer.WARDEN)
def test_other_words_are_not_sent(ask: Ask, cluster: Cluster, pair: PAIR) -> None:
    name = held(cluster, FORCE)
    for person in pair:
        approve(person, name)

    assert retry(ask, name, f"{FORCE} Now.") == (403, "approval_mismatch")
    assert retry(ask, name) == (200, ""), "control: these are"


def test_who_denies_ends_it(ask: Ask, cluster: Cluster, pair: PAIR) -> None:
    name = held(cluster, FORCE)
    approve(pair[0], name)
    pair[1].casemate("deny", name, *IN, "--reason=not within the order")

    assert retry(ask, name) == (403, "approval_denied")


def test_a_warden_that_starts_anew_knows_what_is_held_and_what_is_spent(
    ask: Ask, cluster: Cluster, enclave: Enclave, pair: PAIR
) -> None:
    spent, name = held(cluster, FORCE), held(cluster, FORCE)
    for person in pair:
        approve(person, spent)
    assert retry(ask, spent) == (200, "")
    cluster.kubectl(*SYSTEM, "rollout", "restart", "statefulset/casemate-warden")
    cluster.kubectl(*SYSTEM, "rollout", "status", "statefulset/casemate-warden", "--timeout=90s")
    enclave.eventually(lambda: ask()["ok"], "it answers again", 60)

    for person in pair:
        approve(person, name)
    assert retry(ask, spent) == (403, "approval_spent")
    assert retry(ask, name) == (200, "")


def test_what_is_held_is_nowhere_in_clear(cluster: Cluster, enclave: Enclave, pair: PAIR) -> None:
    marker = f"marker{uuid4().hex}"
    name = held(cluster, f"{FORCE} Call it {marker}.")
    shown = json.loads(pair[0].casemate("review", name, *IN, "--output=json"))
    assert marker in json.dumps(shown["content"]), "control: people read it"

    assert not {what for what, data in places(enclave, cluster) if marker.encode() in data}
