"""Debian's Chromium without a window, by its DevTools protocol: keys in, what people get out.

What is looked at is what the browser shows to a screen reader (its accessibility tree), so a test
needs no script in the page, and can hold that there was none.
"""

import asyncio
import itertools
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import aiohttp
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from enclave import debian

Json = dict[str, Any]

_PROGRAM = "chromium"
_PATIENCE_SECONDS = 30.0
_QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-gpu",
    "--disable-sync",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-proxy-server",
    # Root in a container has no other way; what it opens here is ours alone.
    "--no-sandbox",
)
_KEYS: dict[str, Json] = {
    "Tab": {"code": "Tab", "windowsVirtualKeyCode": 9},
    "Enter": {"code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"},
}
_SHIFT = 8


class Focus(NamedTuple):
    """What has the keyboard, as a screen reader says it."""

    role: str
    name: str


class Tab:
    """One page of the browser.

    Attributes:
        events: All that the browser reported, in order.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket, self._numbers = socket, itertools.count(1)
        self._answers: dict[int, asyncio.Future[Json]] = {}
        self._news = asyncio.Condition()
        self.events: list[Json] = []

    async def listen(self) -> None:
        """Take what the browser says, until it closes."""
        async for message in self._socket:
            said = json.loads(message.data)
            if "id" in said:
                self._answers.pop(said["id"]).set_result(said)
                continue
            async with self._news:
                self.events.append(said)
                self._news.notify_all()

    async def call(self, method: str, **parameters: Any) -> Json:
        """Have the browser do something."""
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        async with asyncio.timeout(_PATIENCE_SECONDS):
            said = await answer
        assert "error" not in said, (method, said["error"])
        result: Json = said["result"]
        return result

    def seen(self, method: str) -> list[Json]:
        """What was reported of one kind."""
        return [one["params"] for one in self.events if one["method"] == method]

    async def loads(self, before: int) -> None:
        """Wait until more pages have loaded than before."""
        async with asyncio.timeout(_PATIENCE_SECONDS), self._news:
            await self._news.wait_for(lambda: self.loaded > before)

    @property
    def loaded(self) -> int:
        """How many pages have loaded."""
        return len(self.seen("Page.loadEventFired"))

    async def open(self, address: str) -> None:
        """Go to an address, as if it had been typed."""
        before = self.loaded
        await self.call("Page.navigate", url=address)
        await self.loads(before)

    async def press(self, key: str, *, shift: bool = False) -> None:
        """Press a key, and let it go."""
        given = {"key": key, "modifiers": _SHIFT if shift else 0, **_KEYS[key]}
        down = "keyDown" if "text" in given else "rawKeyDown"
        await self.call("Input.dispatchKeyEvent", type=down, **given)
        given.pop("text", None)
        await self.call("Input.dispatchKeyEvent", type="keyUp", **given)

    async def enter(self) -> None:
        """Press Enter, and wait for the page that it leads to."""
        before = self.loaded
        await self.press("Enter")
        await self.loads(before)

    async def write(self, text: str) -> None:
        """Type a text where the keyboard is."""
        await self.call("Input.insertText", text=text)

    async def focus(self) -> Focus:
        """Return what has the keyboard."""
        for node in (await self.call("Accessibility.getFullAXTree"))["nodes"]:
            told = {one["name"]: one["value"].get("value") for one in node.get("properties", ())}
            role = node.get("role", {}).get("value", "")
            if told.get("focused") and role != "RootWebArea":
                return Focus(role, node.get("name", {}).get("value", ""))
        return Focus("", "")

    async def tab_to(self, role: str, name: str, most: int = 60) -> list[Focus]:
        """Press Tab until something has the keyboard; return all that had it on the way."""
        way: list[Focus] = []
        for _ in range(most):
            await self.press("Tab")
            way.append(await self.focus())
            if way[-1].role == role and name in way[-1].name:
                return way
        raise AssertionError(f"no {role} {name!r} is reached by Tab: {way}")

    async def html(self) -> str:
        """Return the page as it is."""
        root = (await self.call("DOM.getDocument"))["root"]["nodeId"]
        found: str = (await self.call("DOM.getOuterHTML", nodeId=root))["outerHTML"]
        return found

    async def read(self) -> str:
        """Return the page's text, as it is read aloud."""
        nodes = (await self.call("Accessibility.getFullAXTree"))["nodes"]
        pieces = (
            one["name"]["value"]
            for one in nodes
            if one.get("role", {}).get("value") == "StaticText" and "name" in one
        )
        return "\n".join(pieces)

    async def sideways(self) -> bool:
        """Whether the page is wider than its window."""
        layout = await self.call("Page.getLayoutMetrics")
        wide: float = layout["cssContentSize"]["width"]
        room: float = layout["cssLayoutViewport"]["clientWidth"]
        return wide > room

    def hosts(self) -> set[str]:
        """Return whom the browser asked for anything, as HOST:PORT."""
        asked = (one["request"]["url"] for one in self.seen("Network.requestWillBeSent"))
        return {urlsplit(one).netloc for one in asked}

    def scripts(self) -> list[Json]:
        """Return the scripts that the browser read."""
        return self.seen("Debugger.scriptParsed")

    def complaints(self) -> list[Json]:
        """Return what the browser forbade, and dialogs that a page opened."""
        issues = [one["issue"] for one in self.seen("Audits.issueAdded")]
        forbidden = [one for one in issues if one["code"] == "ContentSecurityPolicyIssue"]
        return forbidden + self.seen("Page.javascriptDialogOpening")


_DOMAINS = ("Page", "Network", "DOM", "Accessibility", "Debugger", "Audits", "Log")


@asynccontextmanager
async def browsing(folder: Path, trusted: x509.Certificate) -> AsyncIterator[Tab]:
    """A browser with one empty page.

    Args:
        folder: An empty one, for its profile and its log.
        trusted: A certificate that it takes for its host's, whoever signed it.
    """
    debian.ensure()
    key = trusted.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    command = [
        *(_PROGRAM, "--headless=new", "--remote-debugging-port=0", f"--user-data-dir={folder}"),
        f"--ignore-certificate-errors-spki-list={b64encode(sha256(key).digest()).decode()}",
        # Nothing but this machine has a name here.
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
        *(*_QUIET, "--window-size=1280,900", "about:blank"),
    ]
    with (folder / "chromium.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        async with aiohttp.ClientSession() as session:
            address = await _page(session, process, folder)
            async with session.ws_connect(address, max_msg_size=0) as socket:
                tab = Tab(socket)
                listening = asyncio.create_task(tab.listen())
                for domain in _DOMAINS:
                    await tab.call(f"{domain}.enable")
                yield tab
                await socket.close()
                with suppress(asyncio.CancelledError):
                    await listening
    finally:
        process.terminate()
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await process.wait()


async def _page(
    session: aiohttp.ClientSession, process: asyncio.subprocess.Process, folder: Path
) -> str:
    """Return the address by which the first page is driven, once the browser has one."""
    told = folder / "DevToolsActivePort"
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while not (told.exists() and told.read_text().count("\n")):
            assert process.returncode is None, (folder / "chromium.log").read_text()
            await asyncio.sleep(0.05)
        port = told.read_text().split("\n")[0]
        while True:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                pages = [one for one in await answer.json() if one["type"] == "page"]
            if pages:
                return str(pages[0]["webSocketDebuggerUrl"])
            await asyncio.sleep(0.05)
