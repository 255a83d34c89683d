"""From the client to the API server: a real gateway, a real warden, real tokens and rights."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from openai import (
    APIConnectionError,
    AsyncOpenAI,
    AuthenticationError,
    DefaultAsyncHttpxClient,
    PermissionDeniedError,
)

from api.warden.accounts import USER_ROLE, account, bind, pod, subject, token
from api.warden.stopping import WANTED_SECONDS, Board
from casemate.cluster.client import Client
from casemate.core.names import NAME_LABEL
from casemate.gateway import identity
from casemate.gateway.checks import Chain
from casemate.gateway.settings import Identity
from casemate.gateway.tls import load
from casemate.identity import CALLERS_PATH
from casemate.isolation.client import Request, UnheardError, Warden, trusting
from casemate.isolation.wardens import Wardens
from casemate.ports import serve
from casemate.warden.answers import Answers
from casemate.warden.callers import Callers
from casemate.warden.canary import Canary
from casemate.warden.proofs import Ledger
from casemate.warden.reviews import Reviews, route
from casemate.warden.stopanswers import stops_route
from casemate.warden.stops import Stops
from casemate.warden.subjects import Subjects
from casemate.warden.terms import Terms
from support.attacks import Layer, attack
from support.operators import Api, model_deployment
from unit.gateway.support import Authority, Running, fake_engine, running_gateway, settings_for
from unit.isolation.place import free_port

PEOPLE, HOST = "people", "127.0.0.1"
Start = Callable[[str], Awaitable[Running]]


@pytest.fixture(scope="module")
def people(api: Api, namespace: str) -> str:
    """Their namespace: `planner` may use `m` and `other`, `stranger` nothing."""
    api.namespace(PEOPLE)
    for name in ("m", "other"):
        api.create(model_deployment(name, namespace))
    for name in ("planner", "stranger", "leaving"):
        account(api, PEOPLE, name)
    bind(api, namespace, "users", USER_ROLE, subject(PEOPLE, "planner"))
    return PEOPLE


def of(api: Api, name: str) -> str:
    return token(api, PEOPLE, None, "casemate", name)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def subjects(client: Client, tmp_path: Path) -> Subjects:
    return Subjects(client, Terms(tmp_path))


@pytest.fixture
def routes(
    callers: Callers, reviews: Reviews, subjects: Subjects, stops: Stops
) -> list[web.RouteDef]:
    return [route(callers, reviews), stops_route(callers, subjects, stops)]


@pytest.fixture
async def warden(
    tmp_path: Path, authority: Authority, routes: list[web.RouteDef], people: str, callers: Callers
) -> AsyncIterator[Warden]:
    """A warden with the rights of the chart, over TLS."""
    context = load(authority.bundle(tmp_path / "warden.pem"), datetime.now(UTC)).context
    answers, port = Answers(Canary(), callers, Ledger()), free_port()
    runner = await serve(answers.app(*routes), port, context, HOST)
    yield Warden(HOST, port, "localhost", trusting(str(authority.file)))
    await runner.cleanup()


@pytest.fixture
async def start(
    tmp_path: Path, authority: Authority, api: Api, namespace: str, warden: Warden
) -> AsyncIterator[Start]:
    """Starts the gateway of a deployment, in the place of a pod of it."""
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(fake_engine(tmp_path))

        async def begin(name: str) -> Running:
            made = pod(api, namespace, f"{name}-{free_port()}", {NAME_LABEL: name}, HOST)
            file = tmp_path / f"token-of-{name}"
            file.write_text(token(api, namespace, made))
            bundle = authority.bundle(tmp_path / "bundle.pem")
            settings = settings_for(bundle, engine.socket)
            settings = replace(settings, identity=Identity(Wardens([warden]), str(file)))
            running = running_gateway(authority, bundle, settings, Chain())
            gateway = await stack.enter_async_context(running)
            await gateway.heard()
            return gateway

        yield begin


async def models(gateway: Running, key: str) -> list[str]:
    """What the real client gets for a key."""
    http = DefaultAsyncHttpxClient(verify=gateway.authority.client_context())
    async with AsyncOpenAI(
        base_url=f"{gateway.url}/v1", api_key=key, max_retries=0, http_client=http
    ) as client:
        return [one.id async for one in client.models.list()]


async def status(gateway: Running, key: str) -> int:
    return (await gateway.post({}, headers={"Authorization": f"Bearer {key}"})).status


async def test_the_real_client_with_a_real_token_is_answered_and_others_are_not(
    api: Api, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    gateway = await start("m")
    keys = [of(api, "planner"), of(api, "stranger")]
    keys.append(token(api, PEOPLE, None, "casemate-warden", "planner"))
    assert await models(gateway, keys[0]) == ["m"]
    with pytest.raises(PermissionDeniedError):
        await models(gateway, keys[1])
    for bad in ("unused", keys[2]):
        with pytest.raises(AuthenticationError):
            await models(gateway, bad)
    for reason, count in (("no_right", 1), ("bad_token", 2)):
        assert await gateway.metric(f'refusals_total{{reason="{reason}"}}') == count
    assert "people:stranger may not use modeldeployments.casemate.dev" in caplog.text
    assert not [key for key in keys if key in caplog.text]


@attack("callers", "a gateway that asks about another model than its own", Layer.WARDEN)
async def test_the_model_is_that_of_the_pod_whatever_is_asked(
    api: Api, namespace: str, start: Start, warden: Warden, tmp_path: Path
) -> None:
    bind(api, namespace, "one", _only(api, namespace, "m"), subject(PEOPLE, "leaving"))
    key = of(api, "leaving")
    assert await models(await start("m"), key) == ["m"], "control"
    with pytest.raises(PermissionDeniedError):
        await models(await start("other"), key)

    own = (tmp_path / "token-of-other").read_text()
    further: tuple[dict[str, Any], ...] = (
        {"name": "m"},
        {"deployment": "m", "namespace": namespace},
        {"groups": []},
    )
    for more in further:
        with pytest.raises(UnheardError, match="an object with a token alone is accepted"):
            await warden.exchange(Request(CALLERS_PATH, own, {"token": key, **more}), 5)
    with pytest.raises(UnheardError, match="casemate-warden is needed"):
        await warden.exchange(Request(CALLERS_PATH, "", {"token": key}), 5)
    with pytest.raises(UnheardError, match="casemate-warden that is valid is accepted"):
        await warden.exchange(Request(CALLERS_PATH, key, {"token": key}), 5)


def _only(api: Api, namespace: str, name: str) -> dict[str, Any]:
    rule = {"apiGroups": ["casemate.dev"], "resources": ["modeldeployments"], "verbs": ["use"]}
    role = {"metadata": {"name": "only"}, "rules": [rule | {"resourceNames": [name]}]}
    where = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/roles"
    api.client.request("POST", where, role)
    return {"kind": "Role", "name": "only"}


async def test_while_the_api_server_is_away_the_known_are_answered_and_others_get_503(
    api: Api, start: Start, reviews: Reviews, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = await start("m")
    known, new = of(api, "planner"), of(api, "planner")
    assert await models(gateway, known) == ["m"]
    with monkeypatch.context() as away:
        away.setattr(reviews._client._configuration, "host", "https://127.0.0.1:1")
        assert await models(gateway, known) == ["m"]
        reply = await gateway.post({}, headers={"Authorization": f"Bearer {new}"})
        assert (reply.status, reply.code) == (503, "identity_unavailable")
    assert await models(gateway, new) == ["m"]


async def test_a_right_that_is_taken_away_counts_when_the_gateways_answer_has_ended(
    api: Api, namespace: str, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "KNOWN_SECONDS", 3.0)
    where = bind(api, namespace, "strangers", USER_ROLE, subject(PEOPLE, "stranger"))
    gateway, key = await start("m"), of(api, "stranger")
    assert await models(gateway, key) == ["m"]
    api.client.request("DELETE", where)
    assert await models(gateway, key) == ["m"], "control: it is still remembered"
    async with asyncio.timeout(4):
        while await status(gateway, key) != 403:
            pass


@attack("stops", "to go on asking a model that is stopped", Layer.GATEWAY)
async def test_a_stop_silences_the_gateway_of_its_deployment_within_two_seconds_and_no_other(
    api: Api, namespace: str, start: Start
) -> None:
    stopped, other, key = await start("m"), await start("other"), of(api, "planner")
    assert await models(stopped, key) == ["m"], "control"
    board = Board(api)
    deployment: Any = {"namespace": namespace, "name": "m"}
    began = time.monotonic()
    await board.stop("silent", scope="Deployment", deployment=deployment)
    try:
        await listed(stopped, key, "stopped", WANTED_SECONDS)
        assert time.monotonic() - began < WANTED_SECONDS
        assert await models(other, key) == ["m"], "control"
        await board.lift("silent")
        await listed(stopped, key, "", 10)
    finally:
        board.clear()


async def listed(gateway: Running, key: str, code: str, seconds: float) -> None:
    """Wait until models are listed, or are refused with a code."""
    async with asyncio.timeout(seconds):
        while await listing(gateway, key) != code:  # noqa: ASYNC110  there is no event
            await asyncio.sleep(0.02)


async def listing(gateway: Running, key: str) -> str:
    """The code of the refusal to list models, or ""."""
    try:
        await models(gateway, key)
    except PermissionDeniedError as error:
        return str(error.code)
    except APIConnectionError:
        # A stop cuts what is under way.
        return "cut"
    return ""
