"""One API server with the chart's policies and roles, a held request, and people of every kind."""

from collections.abc import Iterator

import pytest

from api.admission_approvals.people import (
    APPROVERS,
    LIFTERS,
    REQUESTER,
    STOPPERS,
    SWITCHES,
    WARDEN,
    Place,
)
from enclave import parts
from enclave.waiting import until
from support import policies as support
from support.approvals import decision
from support.policies import ADMIN, bind, holds, install, policies


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Everything that the chart brings; two who may approve, and one who asked and may as well."""
    parts.ensure(["helm"])
    with support.serving(tmp_path_factory.mktemp("approvals-plane")) as world:
        install(world, policies())
        until(lambda: not world.call(ADMIN, "GET", SWITCHES), 30, "the kinds never served")
        for person in (*APPROVERS, REQUESTER):
            bind(world, "casemate-approver", person)
        for person in STOPPERS:
            bind(world, "casemate-stopper", person)
        for person in LIFTERS:
            bind(world, "casemate-lifter", person)
        place = Place(world)
        place.hold("other", WARDEN)
        held = place.hold("seen", WARDEN)
        # A policy sees a new request a moment after it is made.
        wrong = decision(held, APPROVERS[0], requestDigest="0" * 64)
        holds(lambda: world.call(APPROVERS[0], "POST", place.decisions, wrong))
        yield place
