"""A scrape of a gateway shows what the reference says, before and after it was asked."""

from aiohttp import ClientSession

from support.metrics import differences, documented, shown
from unit.gateway.conftest import Start
from unit.gateway.guarded import in_force
from unit.gateway.support import CHAT, Running


async def scraped(gateway: Running) -> str:
    async with ClientSession() as session, session.get(f"{gateway.admin_url}/metrics") as answer:
        assert answer.status == 200
        return await answer.text()


async def test_a_scrape_shows_exactly_what_is_documented(start: Start) -> None:
    gateway = await start(force=in_force())
    assert differences(documented("Gateway"), shown(await scraped(gateway))) == []


async def test_what_was_answered_refused_and_unreadable_has_no_other_labels(start: Start) -> None:
    gateway = await start(force=in_force())
    assert (await gateway.post(CHAT)).status == 200
    assert (await gateway.post(CHAT, path="/v1/nothing")).status == 404
    assert (await gateway.post({"model": 1})).status == 400
    await gateway.raw(b"nonsense\r\n\r\n")
    found = shown(await scraped(gateway))
    assert found["casemate_gateway_requests_total"].labels["code"] == {"200", "404", "400"}
    assert differences(documented("Gateway"), found) == []


async def test_each_kind_of_refusal_is_there_before_the_first(start: Start) -> None:
    found = shown(await scraped(await start(force=in_force())))
    for name in ("casemate_gateway_refusals_total", "casemate_guard_refusals_total"):
        known = documented("Gateway")[name].labels["reason"]
        assert found[name].labels["reason"] == known
        assert len(known) > 15
