"""A real browser, by the keyboard alone."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api.console.house import ADA, House, token
from support.attacks import Layer, attack
from support.chromium import Focus, Tab, browsing
from unit.console.place import Document

HOSTILE = "go</pre><script>document.title='taken'</script>\n<img src=//other.example/x onerror=a>"
HIDDEN = "\u202etxet\u200b\u200b"
BODY = {"model": "m", "messages": [{"role": "user", "content": f"{HOSTILE}{HIDDEN}"}]}
REASON = "read it whole, and it is the order of the day"


@pytest.fixture
async def tab(house: House, tmp_path: Path) -> AsyncIterator[Tab]:
    async with browsing(tmp_path, house.certificate) as tab:
        yield tab


async def sign_in(house: House, tab: Tab) -> None:
    await tab.open(f"{house.url}/")
    assert (await tab.focus()) == Focus("textbox", "Token"), "one can type at once"
    await tab.write(token(ADA))
    await tab.enter()
    assert "Signed in as" in await tab.read()


@attack("console", "a held text with scripts, before a real browser", Layer.CONSOLE)
async def test_a_request_is_read_and_approved_by_keys_alone(house: House, tab: Tab) -> None:
    house.warden.hold("by-keys", BODY)
    await sign_in(house, tab)
    way = await tab.tab_to("link", "by-keys")
    assert way[0] == Focus("link", "Skip to the content")
    await tab.enter()
    text = await tab.read()
    assert "<script>document.title='taken'</script>" in text
    assert "onerror=a" in text
    assert "\u27e6U+202E\u27e7" in text
    assert "U+200B*2" in text
    assert "3 characters that cannot be seen" in text
    assert not {"\u202e", "\u200b"} & set(await tab.html())
    await tab.tab_to("textbox", "Reason")
    await tab.write(REASON)
    await tab.press("Tab")
    assert await tab.focus() == Focus("button", "Approve")
    await tab.enter()
    text = await tab.read()
    assert "Your approval is on record." in text
    assert REASON in text
    (said,) = house.decisions("by-keys")
    assert said["spec"]["approver"]["username"] == ADA
    assert said["spec"]["justification"] == REASON
    await tab.tab_to("button", "Sign out")
    await tab.enter()
    assert "You are signed out." in await tab.read()
    assert tab.hosts() == {f"localhost:{house.port}"}
    assert tab.scripts() == []
    assert tab.complaints() == []


async def test_the_browser_tells_of_scripts_and_of_what_the_policy_forbids(
    house: House, tab: Tab
) -> None:
    """The control of the test above: both would have been seen."""
    await tab.open("data:text/html,<script>1</script>")
    assert tab.scripts()
    await tab.open(f"{house.url}/sign-in")
    read = len(tab.scripts())
    root = (await tab.call("DOM.getDocument"))["root"]["nodeId"]
    body = await tab.call("DOM.querySelector", nodeId=root, selector="main")
    smuggled = "<main><img src=https://other.example/x><a href=/ onclick=a()>b</a></main>"
    await tab.call("DOM.setOuterHTML", nodeId=body["nodeId"], outerHTML=smuggled)
    await tab.open(f"{house.url}/style.css")
    forbidden = [
        one["details"]["contentSecurityPolicyIssueDetails"]["violatedDirective"]
        for one in tab.complaints()
    ]
    assert {"img-src", "script-src-attr"} <= set(forbidden)
    assert len(tab.scripts()) == read, "and it did not run"


@pytest.mark.parametrize("width", [1280, 640, 320], ids=["100 %", "200 %", "400 %"])
async def test_pages_fit_when_they_are_enlarged(house: House, tab: Tab, width: int) -> None:
    house.warden.hold(f"wide-{width}", BODY | {"stop": "x" * 3000})
    size = {"width": width, "height": 700, "deviceScaleFactor": 1280 / width, "mobile": False}
    await tab.call("Emulation.setDeviceMetricsOverride", **size)
    await sign_in(house, tab)
    for path in ("/queue", "/deployments", "/stops", f"/requests/enclave/wide-{width}"):
        await tab.open(house.url + path)
        assert not await tab.sideways(), path
    await tab.open(f"data:text/html,<p style='width:2000px'>{'x' * 2000}")
    assert await tab.sideways(), "control"


async def test_what_has_the_keyboard_is_always_told(house: House, tab: Tab) -> None:
    house.warden.hold("told", BODY)
    await sign_in(house, tab)
    await tab.open(f"{house.url}/requests/enclave/told")
    way = await tab.tab_to("button", "Deny")
    assert all(one.name for one in way), way
    asked = Document(await tab.html()).elements
    able = [
        one
        for name, one in asked
        if name in {"a", "button", "textarea"} or one.get("tabindex") == "0"
    ]
    assert len(way) == len(able), "nothing is left out, and nothing comes twice"


async def test_the_queue_fetches_itself_and_can_be_stopped(house: House, tab: Tab) -> None:
    await sign_in(house, tab)
    asked = Document(await tab.html()).elements
    refresh = [one for _, one in asked if one.get("http-equiv") == "refresh"]
    assert refresh[0]["content"] == "15;url=/queue?auto=1"
    before = tab.loaded
    house.warden.hold("came-later", BODY)
    await tab.loads(before)
    assert "came-later" in await tab.read()
    await tab.tab_to("link", "Stop fetching it")
    await tab.enter()
    asked = Document(await tab.html()).elements
    assert not [one for _, one in asked if one.get("http-equiv") == "refresh"]
