"""The election itself, candidate against candidate over one Lease on a real API server."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from casemate.cluster.client import Client
from casemate.cluster.errors import Fenced, Lost
from casemate.cluster.fence import Fence
from casemate.cluster.lease import NAME, Elector
from casemate.core.election import Pace
from enclave.controlplane import ControlPlane
from support.operators import Api, Json, eventually

PACE = Pace(2)


class Candidate:
    """One replica's part in an election, without the rest of a replica."""

    def __init__(self, client: Client, namespace: str, me: str) -> None:
        self.client, self.fence = client, Fence.closed()
        self.elector = Elector(client, self.fence, namespace, me, PACE)

    async def round(self) -> bool:
        await self.elector.round()
        return self.elector.leading.is_set()


@pytest.fixture
async def candidates(
    plane: ControlPlane, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[list[Candidate]]:
    """Two; the first has the Lease."""
    monkeypatch.setenv("KUBECONFIG", str(plane.kubeconfig))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    made = [Candidate(await Client.connect(Fence.closed(), me), namespace, me) for me in ("a", "b")]
    assert await made[0].round()
    yield made
    for one in made:
        await one.client.close()


def spec(api: Api, namespace: str) -> Json:
    lease = api.get("Lease", namespace, NAME)
    assert lease is not None
    found: Json = lease["spec"]
    return found


async def test_one_leads_and_the_other_follows_while_it_renews(
    api: Api, namespace: str, candidates: list[Candidate]
) -> None:
    first, second = candidates
    runs = [asyncio.create_task(one.elector.run()) for one in candidates]
    seen = set()

    def renewed() -> bool:
        seen.add(spec(api, namespace)["renewTime"])
        return len(seen) > PACE.duration / PACE.retry + 1

    await asyncio.to_thread(eventually, renewed, "it was not renewed for longer than it counts")
    assert not second.elector.leading.is_set()
    assert first.fence.left() > 0
    assert second.fence.left() < 0
    found = spec(api, namespace)
    assert (found["holderIdentity"], found["leaseTransitions"]) == ("a", 0)
    assert found["acquireTime"] < found["renewTime"]
    for run in runs:
        run.cancel()
    await asyncio.gather(*runs, return_exceptions=True)


async def test_who_stops_to_renew_is_replaced_when_the_time_has_passed_and_must_end(
    api: Api, namespace: str, candidates: list[Candidate]
) -> None:
    first, second = candidates
    assert not await second.round()
    second_run = asyncio.create_task(second.elector.run())
    await asyncio.wait_for(second.elector.leading.wait(), PACE.duration * 2)
    assert first.fence.left() < PACE.deadline - PACE.duration, "long before, nobody could write"
    found = spec(api, namespace)
    assert (found["holderIdentity"], found["leaseTransitions"]) == ("b", 1)
    with pytest.raises(Lost, match="not renewed"):
        await first.round()
    second_run.cancel()
    await asyncio.gather(second_run, return_exceptions=True)


async def test_who_finds_another_in_its_place_ends_though_it_had_time(
    api: Api, namespace: str, candidates: list[Candidate]
) -> None:
    first = candidates[0]
    api.patch("Lease", namespace, NAME, {"spec": {"holderIdentity": "somebody"}})
    assert await first.round(), "the conflict says only that something has changed"
    with pytest.raises(Lost, match="somebody holds it"):
        await first.round()
    assert first.fence.left() < 0


async def test_a_change_of_something_else_costs_nobody_the_lead(
    api: Api, namespace: str, candidates: list[Candidate]
) -> None:
    first = candidates[0]
    api.patch("Lease", namespace, NAME, {"metadata": {"annotations": {"x": "y"}}})
    before = spec(api, namespace)["renewTime"]
    for _ in range(2):
        assert await first.round()
    assert spec(api, namespace)["renewTime"] > before


async def test_a_lease_that_was_deleted_is_made_again(
    api: Api, namespace: str, candidates: list[Candidate]
) -> None:
    first = candidates[0]
    api.delete("Lease", namespace, NAME)
    for _ in range(2):
        assert await first.round(), "the conflict says only that something has changed"
    assert spec(api, namespace)["holderIdentity"] == "a"


async def test_what_was_given_back_is_taken_at_once(
    api: Api, namespace: str, candidates: list[Candidate]
) -> None:
    first, second = candidates
    assert not await second.round()
    await first.elector.resign()
    assert spec(api, namespace)["holderIdentity"] == ""
    with pytest.raises(Fenced):
        first.fence.check("PATCH")
    assert await second.round()
    assert spec(api, namespace)["leaseTransitions"] == 1
    await first.elector.round()
    assert spec(api, namespace)["holderIdentity"] == "b", "who has resigned takes no part"


async def test_of_two_that_see_it_free_one_gets_it_and_the_other_follows(
    api: Api, namespace: str, candidates: list[Candidate]
) -> None:
    first, second = candidates
    api.delete("Lease", namespace, NAME)
    # Both have looked, and saw that there is none; what they do next meets at the API server.
    for one in candidates:
        one.elector._lease, one.elector._current = None, True
        one.elector.leading.clear()
    await asyncio.gather(first.round(), second.round())
    leads = [one.elector.leading.is_set() for one in candidates]
    assert sorted(leads) == [False, True]
    assert spec(api, namespace)["holderIdentity"] == "ab"[leads.index(True)]
    assert [await one.round() for one in candidates] == leads
