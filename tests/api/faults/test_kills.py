"""Killed at any write, and started anew: the same end as if nothing had happened."""

import json
import re
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from api.operator.test_children import complete, create
from casemate.cluster.kinds import CHILDREN
from enclave.controlplane import ControlPlane
from support.faulty import Cut, Faulty
from support.operators import SYSTEM, Api, Operator, eventually, model_deployment, start

Json = dict[str, Any]

SECONDS = 10
"""From the start of the next process to the end state."""
OTHER = f"registry.enclave.local/other@sha256:{'1' * 64}"
CHANGE: Json = {
    "spec": {
        "replicas": 1,
        "engine": {"image": OTHER},
        "access": {"clients": [{"podSelector": {"matchLabels": {"app": "other"}}}]},
    }
}
"""Touches two children, and makes one superfluous."""
COUNTED_UP = re.compile(
    r'"(?:uid|resourceVersion|creationTimestamp|lastTransitionTime|clusterIP|'
    r'casemate\.dev/desired-digest)": "[^"]*"'
)


def _made(api: Api, namespace: str) -> None:
    create(api, namespace, replicas=2)


def _nothing(api: Api, namespace: str) -> None:
    del api, namespace


class Course(NamedTuple):
    """Something that the operator does in several writes."""

    begin: Callable[[Api, str], None]
    act: Callable[[Api, str], object]
    least: int
    """How many writes it takes at the very least."""


COURSES = {
    "create": Course(
        _nothing, lambda api, at: api.create(model_deployment("m", at, replicas=2)), 7
    ),
    "update": Course(_made, lambda api, at: api.patch("ModelDeployment", at, "m", CHANGE), 4),
    # Nobody collects garbage here: the operator itself removes what is left behind.
    "delete": Course(_made, lambda api, at: api.delete("ModelDeployment", at, "m"), 6),
}


def state(api: Api, namespace: str) -> str:
    """All that is of a namespace's deployments, without what each object has of its own."""
    found = [api.items(kind, namespace) for kind in ("ModelDeployment", *CHILDREN)]
    for one in (one for items in found for one in items):
        one["metadata"].pop("managedFields")
        one["metadata"].pop("generation", None)
        one.get("spec", {}).pop("clusterIPs", None)
    return COUNTED_UP.sub("", json.dumps(found, indent=1)).replace(namespace, "NAMESPACE")


class Relay:
    """Operators one after the other, each from where the one before was killed."""

    def __init__(self, plane: ControlPlane, api: Api, through: Path, folder: Path) -> None:
        self._plane, self._api, self._through, self._folder = plane, api, through, folder
        self._numbers = count()
        self.now = self._start()

    def _start(self) -> Operator:
        log = self._folder / f"{next(self._numbers)}.log"
        return start(self._plane, log, kubeconfig=self._through)

    def begin_anew(self) -> None:
        """The next process, which need not wait for a Lease to run out: nobody else is there."""
        self.now.process.wait()
        self._api.delete("Lease", SYSTEM, "casemate-operator")
        self.now = self._start()

    def killed(self) -> bool:
        return self.now.process.poll() is not None

    def idle(self) -> bool:
        return self.now.metric("casemate_queue_age_seconds") == 0

    def took_something_for_drift(self) -> bool:
        return self.now.total("casemate_drift_repairs_total") > 0


@pytest.fixture
def relay(plane: ControlPlane, api: Api, through: Path, tmp_path: Path) -> Any:
    found = Relay(plane, api, through, tmp_path)
    eventually(found.now.ready, "the operator never got ready", 30)
    yield found
    found.now.stop()


@pytest.mark.parametrize("arrives", [False, True], ids=["before it arrives", "before its answer"])
@pytest.mark.parametrize("what", COURSES)
def test_killed_at_any_write_the_next_process_comes_to_the_same_end(
    api: Api, relay: Relay, way: Faulty, what: str, *, arrives: bool
) -> None:
    course = COURSES[what]
    told = f"{what}-{'answer' if arrives else 'request'}"
    wanted = _undisturbed(api, relay, way, course, f"{told}-0")
    ends = {}
    for number in count(1):
        namespace = api.namespace(f"{told}-{number}")
        course.begin(api, namespace)
        way.cut(Cut(f"/namespaces/{namespace}/", number, arrives, relay.now.process.kill))
        course.act(api, namespace)
        same = partial(_is_so, api, namespace, wanted)
        done = partial(_done_before, way, number, same)
        eventually(partial(_killed_or, relay, done), "neither killed nor done")
        if not relay.killed():
            break
        way.cut(None)
        relay.begin_anew()
        eventually(same, partial(_difference, api, namespace, wanted), SECONDS)
        eventually(relay.now.ready, "it is not ready")
        assert not relay.took_something_for_drift()
        ends[namespace] = number
    way.cut(None)
    # Writes of one stage are sent together: a kill at one of them may find others answered.
    assert len(ends) >= course.least // 2, "control: it was killed at many of its writes"
    for namespace in ends:
        assert _is_so(api, namespace, wanted), f"{namespace}: something came afterwards"


def _undisturbed(api: Api, relay: Relay, way: Faulty, course: Course, name: str) -> str:
    namespace = api.namespace(name)
    course.begin(api, namespace)
    before = state(api, namespace)
    way.cut(Cut(f"/namespaces/{namespace}/", 0, arrives=False, act=relay.now.process.kill))
    course.act(api, namespace)
    eventually(partial(_done, api, namespace), "control: it was never done")
    eventually(relay.idle, "control: it never came to rest")
    assert way.writes >= course.least
    after = state(api, namespace)
    assert after != before
    return after


def _killed_or(relay: Relay, condition: Callable[[], bool]) -> bool:
    return relay.killed() or condition()


def _done_before(way: Faulty, number: int, condition: Callable[[], bool]) -> bool:
    return way.writes < number and condition()


def _done(api: Api, namespace: str) -> bool:
    if api.items("ModelDeployment", namespace):
        return complete(api, namespace)
    return "metadata" not in state(api, namespace)


def _is_so(api: Api, namespace: str, wanted: str) -> bool:
    return state(api, namespace) == wanted


def _difference(api: Api, namespace: str, wanted: str) -> str:
    found = set(state(api, namespace).splitlines())
    return f"{namespace}: {sorted(set(wanted.splitlines()) ^ found)}"
