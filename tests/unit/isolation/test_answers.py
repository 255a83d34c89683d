"""What the warden answers, over real TLS on loopback: reports, and what it tells the operator."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from casemate.isolation.client import CANARY_PATH, PROOFS_PATH, Request, UnheardError
from casemate.isolation.proof import Proof, Verdict
from casemate.isolation.wardens import Wardens
from casemate.warden.outside import look
from casemate.warden.proofs import Ledger
from unit.isolation.place import HOST, OPERATOR, POD, TOKEN, Place, free_port, placed

FINE = Proof(Verdict.ENFORCED, "only the warden answered")


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with placed(tmp_path) as one:
        yield one


async def told(place: Place, since: int = -1) -> Any:
    request = Request(f"{PROOFS_PATH}?since={since}", OPERATOR)
    return await place.warden.exchange(request, 5)


async def test_a_report_is_joined_with_what_is_seen_from_outside(place: Place) -> None:
    assert (await place.warden.report(FINE, [9090, 8000], TOKEN)) == place.outside
    assert place.tried == [(HOST, [9090, 8000])]
    (one,) = (await told(place))["pods"]
    assert (one["namespace"], one["name"], one["uid"]) == POD[:3]
    assert one["verdict"] == "Enforced"
    assert 0 <= one["age"] < 5


@pytest.mark.parametrize("verdict", [Verdict.NOT_ENFORCED, Verdict.INCONCLUSIVE])
async def test_one_half_that_fails_decides(place: Place, verdict: Verdict) -> None:
    bad = Proof(verdict, "why it failed")
    await place.warden.report(bad, [9090], TOKEN)
    assert (await told(place))["pods"][0]["verdict"] == verdict
    place.outside = bad
    assert await place.warden.report(FINE, [9090], TOKEN) == bad, "the pod hears of it as well"
    (one,) = (await told(place))["pods"]
    assert (one["verdict"], one["message"]) == (verdict, "why it failed")


async def test_whoever_is_not_known_is_refused_and_nothing_is_tried(place: Place) -> None:
    for token in ("", "stolen", OPERATOR):
        with pytest.raises(UnheardError, match="refused"):
            await place.warden.report(FINE, [9090], token)
        answer = await Wardens([place.warden]).report(FINE, [9090], token)
        assert answer.verdict is Verdict.INCONCLUSIVE
        assert "refused" in answer.message
    assert place.tried == []
    for token in ("", "stolen", TOKEN):
        with pytest.raises(UnheardError, match="refused"):
            await place.warden.exchange(Request(PROOFS_PATH, token), 5)
    assert (await told(place))["pods"] == [], "control: the operator is heard"


@pytest.mark.parametrize(
    "body",
    [
        {"verdict": "Enforced", "message": ""},
        {"verdict": "Fine", "message": "", "ports": [1]},
        {"verdict": "Enforced", "message": "", "ports": []},
        {"verdict": "Enforced", "message": "", "ports": [8443]},
        {"verdict": "Enforced", "message": "", "ports": [0]},
        {"verdict": "Enforced", "message": "", "ports": list(range(1, 10))},
        {"verdict": "Enforced", "message": "", "ports": "9090"},
    ],
)
async def test_a_report_that_is_none_counts_for_nothing(place: Place, body: Any) -> None:
    with pytest.raises(UnheardError, match="refused"):
        await place.warden.exchange(Request(PROOFS_PATH, TOKEN, body), 5)
    good = {"verdict": "Enforced", "message": "", "ports": [9090]}
    await place.warden.exchange(Request(PROOFS_PATH, TOKEN, good), 5)
    assert place.tried == [(HOST, [9090])]


async def test_news_are_told_at_once_and_the_same_again_is_none(place: Place) -> None:
    serial = (await told(place))["serial"]
    waiting = asyncio.create_task(told(place, serial))
    await asyncio.sleep(0)
    await place.warden.report(FINE, [9090], TOKEN)
    first = await waiting
    assert [one["verdict"] for one in first["pods"]] == ["Enforced"]

    await place.warden.report(FINE, [9090], TOKEN)
    assert (await place.ledger.after(first["serial"], 0.05))["serial"] == first["serial"]


async def test_a_start_gate_hears_of_other_pods_and_not_of_its_own(place: Place) -> None:
    other = POD._replace(uid="other", address="10.244.0.9")
    place.ledger.record(POD, [9090], FINE)
    place.ledger.record(other, [9090, 8000], FINE)
    said = await place.warden.exchange(Request(CANARY_PATH), 5)
    assert said["neighbours"] == [{"address": "10.244.0.9", "ports": [9090, 8000]}]


def test_a_pod_that_reports_no_more_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("casemate.warden.proofs.time.monotonic", lambda: clock[0])
    ledger = Ledger()
    ledger.record(POD, [9090], FINE)
    clock[0] = 61.0
    assert ledger.neighbours("", 3) == []
    clock[0] = 601.0
    ledger.record(POD._replace(uid="other"), [9090], FINE)
    assert list(ledger._entries) == ["other"]


async def test_from_outside_one_port_must_answer_and_no_other_may() -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), HOST, 0)
    port = server.sockets[0].getsockname()[1]
    try:
        assert (await look(HOST, [free_port()], allowed=port)).verdict is Verdict.ENFORCED
        reached = await look(HOST, [port], allowed=port)
        assert reached.verdict is Verdict.NOT_ENFORCED
        assert reached.message == f"reached from outside: tcp port {port} of the pod: connected"
    finally:
        server.close()
    silent = await look(HOST, [free_port()], allowed=free_port())
    assert silent.verdict is Verdict.INCONCLUSIVE
