"""One API server and one console for all tests of this folder."""

from collections.abc import AsyncIterator, Callable, Iterator

import aiohttp
import pytest

from api.console.house import House, serving, world
from unit.console.place import Browser


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    plane, console = map(tmp_path_factory.mktemp, ("console-plane", "console"))
    with world(plane) as made, serving(console, made) as house:
        yield house


@pytest.fixture(autouse=True)
def _at_work(house: House) -> Iterator[None]:
    """Have the warden work while a test runs."""
    with house.warden.wanted():
        yield


@pytest.fixture
async def browse(house: House) -> AsyncIterator[Callable[[], Browser]]:
    """Makes browsers that know nobody yet."""
    connector = aiohttp.TCPConnector(ssl=house.trust)
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(connector=connector, cookie_jar=jar) as session:
        yield lambda: Browser(house.url, session)
