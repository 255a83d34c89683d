"""From a held request to its answer: a real gateway, a real warden, real names, real decisions."""

import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI, DefaultAsyncHttpxClient, PermissionDeniedError

from api.warden.accounts import USER_ROLE, account, bind, subject, token
from api.warden.holding import ADA, BOB, GUARD, HOST, Json, People
from api.warden.holding import Warden as Replica
from casemate.audit.findings import Verdict
from casemate.cluster.client import Client
from casemate.gateway.settings import Identity
from casemate.gateway.tls import load
from casemate.holds import ANOTHER, DENIED, PENDING, SPENT
from casemate.isolation.client import Warden, trusting
from casemate.isolation.wardens import Wardens
from casemate.ports import serve
from casemate.warden.answers import Answers
from casemate.warden.callers import Callers
from casemate.warden.canary import Canary
from casemate.warden.consume import Consumption
from casemate.warden.contents import Place
from casemate.warden.holds import Holds
from casemate.warden.proofs import Ledger
from casemate.warden.reviews import Reviews, route
from casemate.warden.stopanswers import stops_route
from casemate.warden.subjects import Subjects
from casemate.warden.terms import Terms
from support.operators import SYSTEM, Api
from unit.gateway.guarded import HELD, in_force, loads
from unit.gateway.support import (
    Authority,
    FakeEngine,
    Running,
    fake_engine,
    running_gateway,
    settings_for,
    until,
)
from unit.isolation.place import free_port

ASK: Json = {"model": "m", "messages": [{"role": "user", "content": f"{HELD} café"}]}


@pytest.fixture(scope="module")
def callers_home(api: Api, namespace: str) -> str:
    """Where `planner` and `other` live, who may both ask."""
    home = api.namespace("held-callers")
    for name in ("planner", "other"):
        account(api, home, name)
        bind(api, namespace, f"use-by-{name}", USER_ROLE, subject(home, name))
    return home


@pytest.fixture
async def replica(
    guarded: Api, namespace: str, client: Client, people: People, tmp_path: Path
) -> AsyncIterator[Replica]:
    made = Replica(guarded, namespace, client, tmp_path / "replica")
    (tmp_path / "replica").mkdir()
    await made.fresh()
    yield made
    await made.close()


@dataclass
class Scene:
    """A gateway between a caller, an engine and a warden over TLS."""

    api: Api
    home: str
    replica: Replica
    engine: FakeEngine
    gateway: Running

    def client(self, name: str = "planner") -> AsyncOpenAI:
        return AsyncOpenAI(
            base_url=f"{self.gateway.url}/v1",
            api_key=token(self.api, self.home, None, "casemate", name),
            max_retries=0,
            http_client=DefaultAsyncHttpxClient(verify=self.gateway.authority.client_context()),
        )

    async def refused(self, approval: str = "", name: str = "planner", **changed: Any) -> Any:
        """Ask, and return how it was refused."""
        with pytest.raises(PermissionDeniedError) as refused:
            await self.ask(approval, name, **changed)
        return refused.value

    async def ask(self, approval: str = "", name: str = "planner", **changed: Any) -> Any:
        headers = {"Casemate-Approval": approval} if approval else {}
        async with self.client(name) as client:
            return await client.chat.completions.create(**ASK | changed, extra_headers=headers)

    async def held(self, **changed: Any) -> Json:
        """Have a request held; returns the ApprovalRequest."""
        error = await self.refused(**changed)
        assert error.code == "human_approval_required"
        return self.replica.request(error.body["approval"]["name"])


@pytest.fixture
async def scene(
    api: Api, callers_home: str, replica: Replica, client: Client, tmp_path: Path
) -> AsyncIterator[Scene]:
    authority, port = Authority(tmp_path), free_port()
    callers, subjects = Callers(client, SYSTEM), Subjects(client, Terms(tmp_path))
    further = (
        replica.evidence.route(),
        Holds(replica.desk, callers, subjects, replica.evidence).route(),
        Consumption(replica.desk, callers, subjects, replica.evidence).route(),
        route(callers, Reviews(client)),
        stops_route(callers, subjects, replica.stops),
    )
    context = load(authority.bundle(tmp_path / "warden.pem"), datetime.now(UTC)).context
    app = Answers(Canary(), callers, Ledger()).app(*further)
    (tmp_path / "token").write_text(replica.pod(f"m-{free_port()}"))
    warden = Warden(HOST, port, "localhost", trusting(str(authority.file)))
    force = replace(in_force(), digest=GUARD["bundle"])
    runner = await serve(app, port, context, HOST)
    async with fake_engine(tmp_path) as engine:
        bundle = authority.bundle(tmp_path / "gateway.pem")
        settings = settings_for(bundle, engine.socket)
        settings = replace(settings, identity=Identity(Wardens([warden]), str(tmp_path / "token")))
        async with running_gateway(authority, bundle, settings, None, loads(force)) as gateway:
            await until(lambda: gateway.stack.problem is None)
            await gateway.heard()
            yield Scene(api, callers_home, replica, engine, gateway)
    await runner.cleanup()


async def test_a_held_request_is_answered_once_when_two_have_approved_it(
    scene: Scene, people: People
) -> None:
    held = await scene.held()
    name, spec = held["metadata"]["name"], held["spec"]
    assert (spec["line"], spec["approvers"]) == ("use-of-force", 2)
    assert spec["requester"]["username"].endswith(":planner")
    content = scene.replica.desk.contents.content(Place(people.namespace, name))
    assert content is not None
    assert json.loads(content) == ASK
    await people.approve(held, ADA)
    assert (await scene.refused(name)).code == PENDING
    await people.approve(held, BOB)
    assert scene.engine.requests == []

    answer = await scene.ask(name)

    assert answer.choices[0].message.content == "hello back"
    sent = scene.engine.requests[0][3]
    assert sent == content
    assert hashlib.sha256(sent).hexdigest() == spec["requestDigest"]
    assert (await scene.refused(name)).code == SPENT
    assert len(scene.engine.requests) == 1
    report = await scene.replica.inspect()
    assert report.verdict is Verdict.INTACT, report.findings.plain()
    assert (report.approvals, report.unfinished) == (1, 0)


async def test_neither_other_bytes_nor_another_caller_use_it(scene: Scene, people: People) -> None:
    held = await scene.held()
    name = held["metadata"]["name"]
    await people.approve(held, ADA, BOB)
    other = [{"role": "user", "content": f"{HELD} cafe\u0301"}]
    assert (await scene.refused(name, messages=other)).code == ANOTHER
    assert (await scene.refused(name, max_tokens=1)).code == ANOTHER
    assert (await scene.refused(name, "other")).code == ANOTHER
    assert scene.engine.requests == []
    assert (await scene.ask(name)).choices, "control"


async def test_what_one_denies_is_not_let_go(scene: Scene, people: People) -> None:
    held = await scene.held()
    await people.approve(held, ADA)
    assert people.say(BOB, held, "Deny") == ""
    error = await scene.refused(held["metadata"]["name"])
    assert error.code == DENIED
    assert error.response.headers["Casemate-Decision"]
    assert scene.engine.requests == []
