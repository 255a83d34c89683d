"""A scrape of the warden shows what the reference says."""

from aiohttp import ClientSession, web

from casemate.ports import health
from casemate.warden.metrics import REGISTRY
from support.metrics import differences, documented, shown


async def test_a_scrape_shows_exactly_what_is_documented() -> None:
    runner = web.AppRunner(health(REGISTRY))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    try:
        async with (
            ClientSession() as session,
            session.get(f"http://{host}:{port}/metrics") as answer,
        ):
            text = await answer.text()
    finally:
        await runner.cleanup()
    assert differences(documented("Warden"), shown(text)) == []
