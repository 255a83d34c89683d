from collections.abc import AsyncIterator

import pytest

from unit.console.place import Browser, Place, running


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    async with running() as place:
        yield place


@pytest.fixture
async def ada(place: Place) -> Browser:
    """Somebody who is signed in, and may approve."""
    browser = place.browse()
    page = await browser.sign_in("ada-token")
    assert page.status == 303, page.text
    return browser
