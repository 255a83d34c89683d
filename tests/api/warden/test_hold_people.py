"""Who approves: enough people with the right, none of them the one who asked, and no program."""

import asyncio

import pytest

from api.warden.holding import (
    ADA,
    BOB,
    CY,
    People,
    Warden,
)
from casemate.holds import (
    PENDING,
)
from support.attacks import Layer, attack
from support.operators import Api


@attack("approvals", "a retry before enough people have approved", Layer.WARDEN)
async def test_one_of_two_is_not_enough(warden: Warden, people: People) -> None:
    key = warden.pod("one-of-two")
    held = await warden.hold(key)
    name = held["metadata"]["name"]
    await people.approve(held, ADA)
    assert await warden.retry(key, name) == (403, PENDING)
    assert warden.request(name)["status"]["phase"] == "Pending"
    await people.approve(held, BOB)
    assert (await warden.retry(key, name))[0] == 200, "control"


@attack("approvals", "to approve one's own request", Layer.API)
async def test_who_asked_does_not_approve(warden: Warden, people: People) -> None:
    key = warden.pod("self")
    held = await warden.hold(key, caller={"username": CY, "uid": ""})
    await people.approve(held, ADA)
    assert "made ApprovalRequest" in people.say(CY, held)
    name = held["metadata"]["name"]
    who = {"username": CY, "uid": ""}
    assert await warden.retry(key, name, caller=who) == (403, PENDING)
    await people.approve(held, BOB)
    assert (await warden.retry(key, name, caller=who))[0] == 200, "control: another person"


@attack("approvals", "one person who approves twice", Layer.API)
async def test_one_person_counts_once(warden: Warden, people: People) -> None:
    key = warden.pod("twice")
    held = await warden.hold(key)
    await people.approve(held, ADA)
    assert "already exists" in people.say(ADA, held)
    renamed = people.say(ADA, held, client=people.client(ADA, "system:authenticated"))
    assert renamed
    assert await warden.retry(key, held["metadata"]["name"]) == (403, PENDING)
    await people.approve(held, BOB)
    assert (await warden.retry(key, held["metadata"]["name"]))[0] == 200, "control"


@attack("approvals", "a service account, the operator or the warden that approves", Layer.API)
@pytest.mark.parametrize(
    "user",
    [
        "system:serviceaccount:models:bot",
        "system:serviceaccount:casemate-system:casemate-operator",
        "system:serviceaccount:casemate-system:casemate-warden",
    ],
)
async def test_no_program_approves(warden: Warden, people: People, user: str) -> None:
    binding = people.let_approve(user)
    held = await warden.hold(warden.pod(f"bot-{user.rpartition(':')[2][-8:]}"))
    await people.approve(held, ADA)
    assert "must be whoever makes the decision, a person" in people.say(user, held)
    assert await warden.phase(held["metadata"]["name"]) == "Pending"
    people.api.client.request("DELETE", binding)  # the warden's other tests are without it


@attack("approvals", "to approve in another's name, impersonated or written", Layer.API)
async def test_nobody_approves_in_the_name_of_another(warden: Warden, people: People) -> None:
    key = warden.pod("impersonation")
    held = await warden.hold(key)
    await people.approve(held, ADA)
    assert "whoever makes the decision" in people.say(BOB, held, client=people.client(ADA))
    assert "has not" in people.say(BOB, held, approver={"username": BOB, "groups": ["officers"]})
    assert await warden.retry(key, held["metadata"]["name"]) == (403, PENDING)
    await people.approve(held, BOB)
    assert (await warden.retry(key, held["metadata"]["name"]))[0] == 200, "control"


@attack("approvals", "an approver whose right ended in between", Layer.WARDEN)
async def test_a_right_that_ended_counts_no_more(
    warden: Warden, people: People, guarded: Api
) -> None:
    binding = people.let_approve("dan")
    key = warden.pod("right")
    held = await warden.hold(key)
    name = held["metadata"]["name"]
    await people.approve(held, ADA, "dan")
    assert await warden.phase(name) == "Approved"
    guarded.client.request("DELETE", binding)
    for _ in range(100):
        if await warden.phase(name) == "Pending":
            break
        await asyncio.sleep(0.1)
    assert "dan may not approve" in str(warden.request(name)["status"]["ignored"])
    assert await warden.retry(key, name) == (403, PENDING)
    await people.approve(held, BOB)
    assert (await warden.retry(key, name))[0] == 200, "control"
