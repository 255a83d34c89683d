"""The console with a stand-in for the cluster, and a browser that keeps cookies and reads forms."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any, cast

import aiohttp
from aiohttp.test_utils import TestServer

from casemate.api.persons import Approver
from casemate.console.access import Access, EndedTokenError
from casemate.console.app import application
from casemate.deciding.refusals import DeskError, NotFound
from support.approvals import decision, request

Json = dict[str, Any]

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CONTENT = b'{"messages":[{"content":"go","role":"user"}],"model":"m"}'
ADA, BOB, ROBOT = "ada", "bob@example.org", "system:serviceaccount:enclave:robot"
TOKENS = {"ada-token": ADA, "bob-token": BOB, "robot-token": ROBOT, "caller-token": "caller"}
HOST = "localhost"


def held(name: str = "held-1", content: bytes = CONTENT, **changed: Any) -> Json:
    """A held request as the API server has it."""
    made = request(name, requestDigest=sha256(content).hexdigest(), **changed)
    made["metadata"] |= {
        "namespace": "enclave",
        "uid": "00000000-0000-4000-8000-000000000001",
        "creationTimestamp": "2026-03-01T11:58:20Z",
    }
    return made


def deployment(name: str = "m", **status: Any) -> Json:
    """A ModelDeployment as the API server has it."""
    spec = {
        "model": {"name": "smollm2", "supplier": "maker"},
        "use": "logistics",
        "owner": {"name": "Office", "contact": "room 5"},
        "agreementRef": {"name": "harbour"},
        "replicas": 2,
    }
    meta = {"name": name, "namespace": "enclave", "uid": f"u-{name}", "generation": 1}
    return {"metadata": meta, "spec": spec, "status": {"observedGeneration": 1, **status}}


@dataclass
class Cluster:
    """What there is, and what was said."""

    requests: list[Json] = field(default_factory=lambda: [held()])
    decisions: list[Json] = field(default_factory=list)
    deployments: list[Json] = field(default_factory=list)
    switches: list[Json] = field(default_factory=list)
    agreement: Json | None = None
    content: bytes | DeskError = CONTENT
    refuses: Exception | None = None
    """Of everything that is asked."""
    said: list[tuple[str, str, str, str]] = field(default_factory=list)
    """Person, verdict, digest and reason of each decision."""
    closed: list[str] = field(default_factory=list)
    """Tokens that were forgotten."""

    def enter(self, token: str) -> Access:
        return cast("Access", _Access(self, token))


class _Access:
    """Stands in for `Access` and its desk."""

    def __init__(self, cluster: Cluster, token: str) -> None:
        self._cluster, self._token = cluster, token
        self.desk = self

    def _check(self) -> None:
        if self._token not in TOKENS:
            raise EndedTokenError("no such token")
        if self._cluster.refuses is not None:
            raise self._cluster.refuses

    async def whoami(self) -> Approver:
        self._check()
        return Approver(username=TOKENS[self._token], groups=["system:authenticated"])

    async def waiting(self, _: str | None) -> list[Json]:
        self._check()
        return self._cluster.requests

    all = waiting

    async def request(self, namespace: str, name: str) -> Json:
        self._check()
        for one in self._cluster.requests:
            if (one["metadata"]["namespace"], one["metadata"]["name"]) == (namespace, name):
                return one
        raise NotFound(f"there is no ApprovalRequest {name} in namespace {namespace}")

    async def decisions(self, _: str, name: str) -> list[Json]:
        self._check()
        return [one for one in self._cluster.decisions if one["spec"]["request"]["name"] == name]

    async def agreement(self, _: str) -> Json | None:
        return self._cluster.agreement

    async def content(self, _: Json) -> bytes:
        if isinstance(self._cluster.content, DeskError):
            raise self._cluster.content
        return self._cluster.content

    async def decide(self, asked: Json, verdict: Any, reason: str) -> Json:
        self._check()
        who = TOKENS[self._token]
        self._cluster.said.append((who, verdict, asked["spec"]["requestDigest"], reason))
        made = decision(asked, who, verdict, justification=reason)
        made["metadata"]["creationTimestamp"] = "2026-03-01T11:59:00Z"
        self._cluster.decisions.append(made)
        return made

    async def deployments(self, _: str | None) -> list[Json]:
        self._check()
        return self._cluster.deployments

    async def switches(self) -> list[Json]:
        self._check()
        return self._cluster.switches

    async def close(self) -> None:
        self._cluster.closed.append(self._token)


class Clock:
    """Seconds that a test moves on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Page:
    """An answer, as a browser would see it."""

    status: int
    text: str
    headers: Any
    document: "Document"


class Document(HTMLParser):
    """The elements and the text of a page, as a browser reads them."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.pieces: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def hidden(self) -> dict[str, str]:
        """What forms carry unseen; the last form wins."""
        fields = [one for name, one in self.elements if name == "input"]
        return {
            str(one["name"]): str(one["value"]) for one in fields if one.get("type") == "hidden"
        }

    def buttons(self) -> list[str]:
        return [
            str(one["value"])
            for name, one in self.elements
            if name == "button" and one.get("name") == "verdict"
        ]


class Browser:
    """Keeps cookies as a browser would that reached the console by TLS."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url, self._session = url, session
        self.cookies: dict[str, str] = {}

    async def get(self, where: str, **headers: str) -> Page:
        return await self._ask("GET", where, None, headers)

    async def post(self, where: str, fields: Any, **headers: str) -> Page:
        return await self._ask("POST", where, fields, headers)

    async def sign_in(self, token: str) -> Page:
        page = await self.get("/sign-in")
        return await self.post("/sign-in", page.document.hidden() | {"token": token})

    async def decide(self, verdict: str = "Approve", **changed: str) -> Page:
        """Reads the first request, and decides about it with what the form carries."""
        shown = await self.get("/requests/enclave/held-1")
        fields = shown.document.hidden() | {
            "verdict": verdict,
            "justification": "checked against the order",
        }
        return await self.post("/requests/enclave/held-1/decide", fields | changed)

    async def _ask(self, method: str, where: str, fields: Any, headers: dict[str, str]) -> Page:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        given = {"Host": HOST, "Cookie": cookie} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        async with self._session.request(
            method, self._url + where, data=fields, headers=given, allow_redirects=False
        ) as answer:
            for name, one in answer.cookies.items():
                assert one["secure"], one
                assert one["httponly"], one
                assert (one["samesite"], one["path"], one["domain"]) == ("Strict", "/", "")
                self.cookies.pop(name, None)
                if one.value and one["max-age"] != "0":
                    self.cookies[name] = one.value
            text = await answer.text()
            return Page(answer.status, text, answer.headers, Document(text))


@dataclass
class Place:
    """A console that runs."""

    cluster: Cluster
    clock: Clock
    browse: Callable[[], Browser]


@asynccontextmanager
async def running() -> AsyncIterator[Place]:
    """A console over a stand-in cluster."""
    cluster, clock = Cluster(), Clock()
    app = application(cluster.enter, frozenset({HOST}), clock, lambda: NOW)
    jar = aiohttp.DummyCookieJar()
    async with TestServer(app) as server, aiohttp.ClientSession(cookie_jar=jar) as session:
        url = str(server.make_url("")).rstrip("/")
        yield Place(cluster, clock, lambda: Browser(url, session))
