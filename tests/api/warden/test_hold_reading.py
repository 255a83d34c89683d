"""Held requests are read by approvers alone, sealed to them, and are in clear nowhere."""

import asyncio

import pytest

from api.warden.holding import (
    ADA,
    BOB,
    CONTENT,
    MARKER,
    Etcd,
    People,
    Reader,
    Warden,
    asking,
    digest,
)
from casemate.api.review import ApprovalReviewStatus
from casemate.audit import sealing
from casemate.warden import reading
from support.attacks import Layer, attack
from support.operators import Api


@attack("approvals", "to read a held request without the right", Layer.API)
async def test_an_approver_alone_reads_what_is_held(
    warden: Warden, people: People, guarded: Api
) -> None:
    held = await warden.hold(warden.pod("read"))
    ada, eve = Reader(people, ADA), Reader(people, "eve")
    review = await asking(ada, held)
    await warden.rounds.once()
    status = ada.status(review)
    assert ada.open(status) == CONTENT.encode()
    assert status["sha256"] == held["spec"]["requestDigest"] == digest()
    ApprovalReviewStatus.model_validate(status)
    with pytest.raises(sealing.SealError):
        eve.open(status)
    with pytest.raises(Exception, match="forbidden"):
        eve.ask(held)
    people.let_write("eve")
    with pytest.raises(Exception, match="has not the RBAC verb approve"):
        eve.ask(held)
    with pytest.raises(Exception, match="accepted: whoever makes the review"):
        ada.ask(held, reviewer={"username": BOB})
    with pytest.raises(Exception, match=r"spec.request.uid: found"):
        ada.ask(held, request={"name": held["metadata"]["name"], "uid": review["metadata"]["uid"]})
    where, merge = f"{ada.where}/{review['metadata']['name']}/status", "merge-patch+json"
    forged = {"status": {"sealed": "x"}}
    with pytest.raises(Exception, match=r"answered by .* only"):
        people.client("eve").request("PATCH", where, forged, f"application/{merge}")
    assert MARKER.encode() not in Etcd(guarded.plane).everything()
    assert MARKER.encode() not in b"".join(
        path.read_bytes() for path in warden.folder.rglob("*") if path.is_file()
    )


async def test_content_outlives_a_restart_and_ends_with_its_request(
    warden: Warden, people: People
) -> None:
    key = warden.pod("restart")
    held = await warden.hold(key)
    await warden.restart()
    ada = Reader(people, ADA)
    review = await asking(ada, held)
    await warden.rounds.once()
    assert ada.open(ada.status(review)) == CONTENT.encode()
    assert (warden.folder / "held" / "key.pem").stat().st_mode & 0o777 == 0o600
    assert people.say(ADA, held, "Deny") == ""
    again = ada.ask(held)
    await warden.rounds.once()
    assert warden.desk.contents.total == 0
    assert "what ended is not kept" in ada.status(again)["message"]


async def test_an_answer_is_there_for_minutes_and_a_reader_has_four(
    warden: Warden, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = await warden.hold(warden.pod("minutes"))
    ada = Reader(people, ADA)
    asked = [await asking(ada, held) for _ in range(5)]
    await warden.rounds.once()
    there = {one["metadata"]["uid"] for one in people.api.client.request("GET", ada.where)["items"]}
    gone = [one for one in asked if one["metadata"]["uid"] not in there]
    assert len(gone) == 1, "the oldest made room"
    monkeypatch.setattr(reading, "KEPT_SECONDS", 0.0)
    warden.rounds._swept = float("-inf")
    await warden.rounds.once()
    assert people.api.client.request("GET", ada.where)["items"] == []


@attack("approvals", "to read a held request after the right has ended", Layer.WARDEN)
async def test_whoever_lost_the_right_reads_nothing(
    warden: Warden, people: People, guarded: Api
) -> None:
    binding = people.let_approve("fay")
    held = await warden.hold(warden.pod("lost"))
    fay, ada = Reader(people, "fay"), Reader(people, ADA)
    own, other = await asking(fay, held), await asking(ada, held)
    guarded.client.request("DELETE", binding)
    for _ in range(100):
        if await warden.desk.electorate.refusal({"username": "fay"}, "harbour"):
            break
        await asyncio.sleep(0.1)
    await warden.rounds.once()
    assert "fay may not approve" in fay.status(own)["message"]
    assert "sealed" not in fay.status(own)
    assert ada.open(ada.status(other)) == CONTENT.encode(), "control"
