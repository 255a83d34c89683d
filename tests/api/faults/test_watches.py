"""Watches that break, forget and fall silent: what happened meanwhile is not missed."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from api.operator.test_children import CHILDREN, create
from casemate.cluster.kinds import CHILDREN as KINDS
from enclave.controlplane import ControlPlane
from support.faulty import Faulty
from support.operators import Api, Operator, eventually, running

NOTICED_SECONDS = 30
"""Until a watch that shows nothing any more is given up."""


@pytest.fixture(scope="module")
def operator(
    plane: ControlPlane, api: Api, through: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Operator]:
    assert api.plane is plane
    log = tmp_path_factory.mktemp("watches") / "operator.log"
    with running(plane, log, kubeconfig=through) as started:
        yield started


def there(api: Api, namespace: str, kind: str, name: str) -> bool:
    return api.get(kind, namespace, name) is not None


def orphans(api: Api, namespace: str) -> list[str]:
    found = [one for kind in KINDS for one in api.items(kind, namespace)]
    return [f"{one['metadata']['name']}" for one in found]


def quiet(api: Api, asked: list[int]) -> bool:
    """Whether nobody has asked for anything for the last three seconds of looks."""
    asked.append(len(api.calls()))
    return len(asked) > 60 and asked[-1] == asked[-60]


def test_what_was_deleted_while_the_watches_were_away_is_noticed_when_they_start_over(
    api: Api, operator: Operator, way: Faulty, namespace: str
) -> None:
    create(api, namespace)
    create(api, namespace, "gone")
    eventually(partial(quiet, api, []), "the operator never comes to rest")
    way.refuse_watches()
    for kind, name in CHILDREN:
        api.delete(kind, namespace, name)
    api.delete("ModelDeployment", namespace, "gone")
    assert len(orphans(api, namespace)) == len(CHILDREN), "control: the operator sees nothing"

    way.admit_watches()
    for kind, name in CHILDREN:
        eventually(partial(there, api, namespace, kind, name), f"{kind} {name} stays away", 10)
    eventually(
        lambda: not any("gone" in name for name in orphans(api, namespace)), "an orphan stayed", 10
    )
    eventually(lambda: not way.forgotten, "control: not each watch was told to start over", 10)
    assert operator.process.poll() is None


def test_a_watch_that_falls_silent_is_noticed(
    api: Api, operator: Operator, way: Faulty, namespace: str
) -> None:
    create(api, namespace)
    # A complete list would show it as well, and one follows whenever watches begin.
    eventually(partial(quiet, api, []), "the operator never comes to rest")
    way.silence()
    api.delete("Service", namespace, "m")

    eventually(partial(there, api, namespace, "Service", "m"), "nobody noticed", NOTICED_SECONDS)
    assert way.withheld > 0, "control: the watch would have shown it"
    assert operator.process.poll() is None
