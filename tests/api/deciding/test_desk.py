"""The desk itself: what changes between the look and the word of a person."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from kubernetes.aio import client, config

from api.admission_approvals.people import WARDEN
from api.deciding.warden import Warden
from casemate.cluster.client import Client
from casemate.deciding.desk import Desk
from casemate.deciding.refusals import Ended, NotFound, Refused, Unreadable
from casemate.deciding.review import review
from enclave.waiting import until
from support.attacks import Layer, attack
from support.policies import ENCLAVE

BODY = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
WHY = "checked against the order of the day"
Config = Callable[[str], Path]


@asynccontextmanager
async def sitting(file: Path, patience: float = 20) -> AsyncIterator[Desk]:
    """A person at the desk."""
    made = client.Configuration()
    await config.load_kube_config(str(file), client_configuration=made)
    connected = Client(made)
    try:
        yield Desk(connected, patience)
    finally:
        await connected.close()


async def test_who_sits_there_is_who_the_api_server_says(config: Config):
    async with sitting(config("ann")) as desk:
        me = await desk.whoami()
    assert (me.username, me.groups) == ("ann", ["system:authenticated"])


@attack("approvals", "another request under the name of the one that was shown", Layer.API)
async def test_a_request_made_anew_under_its_name_is_another(warden: Warden, config: Config):
    place = warden.place
    old = warden.hold("reused", BODY)
    async with sitting(config("ann")) as desk:
        shown = await desk.request(ENCLAVE, "reused")
        assert review(await desk.content(shown)).digest == old["spec"]["requestDigest"]
        decided = "2026-03-01T12:00:00Z"
        assert place.judge("reused", phase="Denied", decidedAt=decided) == ""
        where = f"{place.requests}/reused"
        until(lambda: place.world.call(WARDEN, "DELETE", where) == "", 20, "never let go")
        place.world.as_user(WARDEN).request("DELETE", where)
        new = warden.hold("reused", BODY)
        with pytest.raises(Refused, match=r"spec\.request\.uid: found .*; accepted: metadata\.uid"):
            await desk.decide(shown, "Approve", WHY)
        assert await desk.decisions(ENCLAVE, "reused") == []
        made = await desk.decide(new, "Approve", WHY)
        assert made["spec"]["request"]["uid"] == new["metadata"]["uid"], "control"


async def test_what_ended_since_it_was_shown_is_no_refusal_of_the_person(
    warden: Warden, config: Config
):
    held = warden.hold("meanwhile", BODY)
    assert warden.place.judge("meanwhile", phase="Denied", decidedAt="2026-03-01T12:00:00Z") == ""
    async with sitting(config("ann")) as desk:
        with pytest.raises(Ended, match="meanwhile is Denied"):
            await desk.decide(held, "Approve", WHY)


async def test_a_silent_warden_is_not_waited_for_without_end(warden: Warden, config: Config):
    held = warden.hold("silent", BODY)
    async with sitting(config("ann")) as desk:
        assert await desk.content(held), "control"
    warden.silent.add("silent")
    async with sitting(config("ann"), patience=1) as desk:
        with pytest.raises(Unreadable, match="did not answer the review within 1 s"):
            await desk.content(held)


async def test_what_people_said_is_told_with_the_oldest_first(warden: Warden, config: Config):
    held = warden.hold("said", BODY)
    for person in ("ann", "ben"):
        async with sitting(config(person)) as desk:
            await desk.decide(held, "Approve", f"{person} has looked at it")
    async with sitting(config("ann")) as desk:
        said = [
            one["spec"]["approver"]["username"] for one in await desk.decisions(ENCLAVE, "said")
        ]
        assert sorted(said) == ["ann", "ben"]
        assert await desk.decisions(ENCLAVE, "first") == []


async def test_an_agreement_that_cannot_be_read_is_none(config: Config):
    async with sitting(config("ann")) as desk:
        found = await desk.agreement("harbour")
        assert found is not None
        assert await desk.agreement("no-such") is None
    async with sitting(config("nell")) as desk:
        assert await desk.agreement("harbour") is None
        with pytest.raises(Refused):
            await desk.request(ENCLAVE, "first")
    async with sitting(config("ann")) as desk:
        with pytest.raises(NotFound, match="no ApprovalRequest none in namespace enclave"):
            await desk.request(ENCLAVE, "none")
