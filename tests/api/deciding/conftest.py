"""One API server with the chart's policies and roles, and people with the roles and no more."""

import io
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from api.admission_approvals.people import APPROVERS, REQUESTER, SWITCHES, WARDEN, Place
from api.deciding.warden import REVIEWS, Warden
from casemate.cli.main import main
from enclave import parts
from enclave.waiting import until
from support import policies as support
from support.approvals import decision, request
from support.policies import ADMIN, ENCLAVE, World, bind, holds, install, policies

PEOPLE = ("ann", "ben")
"""Approvers by the chart's role alone: unlike others here, they may write nothing else."""
NOBODY = "nell"
"""Known to the API server, and has no right at all."""
RUN = "import sys; from casemate.cli.main import main; sys.exit(main())"


class Done(NamedTuple):
    """How a command ended."""

    status: int
    out: str
    err: str


Kubectl = Callable[..., Done]


@pytest.fixture(autouse=True)
def _interruptible() -> Iterator[None]:
    """Have commands that are begun hear SIGINT, also where this program was begun without it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    parts.ensure(["helm"])
    with support.serving(tmp_path_factory.mktemp("deciding-plane")) as world:
        install(world, policies())
        for kind in (SWITCHES, REVIEWS):
            until(partial(_served, world, kind), 30, f"{kind} never served")
        for person in (*APPROVERS, *PEOPLE, REQUESTER):
            bind(world, "casemate-approver", person)
        place = Place(world)
        held = world.make(WARDEN, place.requests, request("first"))
        wrong = decision(held, APPROVERS[0], requestDigest="0" * 64)
        holds(lambda: world.call(APPROVERS[0], "POST", place.decisions, wrong))
        yield place


def _served(world: World, kind: str) -> bool:
    return world.call(ADMIN, "GET", kind) == ""


@pytest.fixture(scope="session")
def resting(place: Place) -> Iterator[Warden]:
    with Warden(place).working() as warden:
        yield warden


@pytest.fixture
def warden(resting: Warden) -> Iterator[Warden]:
    """At work while a test wants it."""
    with resting.wanted():
        yield resting


@pytest.fixture(scope="session")
def config(place: Place) -> Callable[[str], Path]:
    """Kubeconfigs of people: with the rights that the chart's roles give, and no others."""

    def of(user: str) -> Path:
        if user in (*PEOPLE, NOBODY, REQUESTER):
            return place.world.plane.client_config_for(user, ["system:authenticated"])
        return place.world.config(user)

    return of


@pytest.fixture
def casemate(config: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> Kubectl:
    """Runs a command as somebody, in the enclave's namespace, away from any terminal."""

    def run(user: str, *arguments: str, namespace: str = ENCLAVE) -> Done:
        inside = ["--namespace", namespace] if namespace else []
        monkeypatch.setenv("KUBECONFIG", str(config(user)))
        monkeypatch.setattr(sys, "stdin", io.StringIO())
        with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
            try:
                status = main([*arguments, *inside])
            except SystemExit as ended:  # argparse
                status = int(str(ended.code))
        return Done(status, out.getvalue(), err.getvalue())

    return run
