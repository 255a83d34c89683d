"""A caller is shown where its own records are, and nobody else's."""

import json

import pytest

from support.attacks import Layer, attack
from unit.gateway.desk import ANN, BOB, EVE, Desk, ask, bearer
from unit.gateway.support import FakeEngine, Running

PATH = "/v1/casemate/receipts"


async def test_a_caller_gets_the_receipt_of_its_own_request(
    asking: Running, desk: Desk, engine: FakeEngine
) -> None:
    record = (await ask(asking, ANN)).headers["Casemate-Decision"]
    seen = len(engine.requests)
    reply = await asking.request("GET", f"{PATH}/{record}", headers=bearer(ANN))
    assert (reply.status, reply.text) == (200, "receipt of desk-0/0")
    assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert desk.shown == [{"id": record, "caller": {"username": "ann", "uid": "uid-of-ann"}}]
    assert len(engine.requests) == seen, "the engine is not asked"


@attack("evidence", "the receipt of somebody else's request", Layer.WARDEN)
async def test_nobody_is_shown_the_records_of_others(asking: Running, desk: Desk) -> None:
    record = (await ask(asking, ANN)).headers["Casemate-Decision"]
    reply = await asking.request("GET", f"{PATH}/{record}", headers=bearer(BOB))
    assert (reply.status, json.loads(reply.text)["error"]["code"]) == (404, "record_not_found")
    for headers, status in (({}, 401), (bearer(EVE), 403), (bearer(ANN), 200)):
        reply = await asking.request("GET", f"{PATH}/{record}", headers=headers)
        assert reply.status == status


async def test_where_the_log_cannot_be_asked_that_is_said(asking: Running, desk: Desk) -> None:
    record = (await ask(asking, ANN)).headers["Casemate-Decision"]
    await desk.close()
    reply = await asking.request("GET", f"{PATH}/{record}", headers=bearer(ANN))
    assert (reply.status, reply.headers["Retry-After"]) == (503, "5")
    assert json.loads(reply.text)["error"]["code"] == "evidence_unavailable"


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_it_is_read_alone(asking: Running, method: str) -> None:
    reply = await asking.request(method, f"{PATH}/desk-0/0", headers=bearer(ANN))
    assert (reply.status, reply.headers["Allow"]) == (405, "GET")
