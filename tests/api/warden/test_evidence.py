"""Records of requests: taken from model pods alone, completed by the warden's own look, kept."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from api.warden.accounts import account, pod, token
from api.warden.looking import ended, looked
from api.warden.stopping import WANTED_SECONDS, Board, within
from casemate.audit.records import parse
from casemate.cluster.client import Client
from casemate.core.names import NAME_LABEL
from casemate.evidence import RECORDS_PATH
from casemate.ports import serve
from casemate.stops import STOPS_PATH, WAIT_SECONDS
from casemate.warden.answers import Answers
from casemate.warden.archive import Archive
from casemate.warden.callers import Callers
from casemate.warden.canary import Canary
from casemate.warden.ended import Ended
from casemate.warden.evidence import Evidence
from casemate.warden.log.stamp import SystemClock
from casemate.warden.log.store import Log, Options
from casemate.warden.metrics import REGISTRY
from casemate.warden.proofs import Ledger
from casemate.warden.stopanswers import stops_route
from casemate.warden.stops import Stops
from casemate.warden.subjects import Subjects
from casemate.warden.switches import Switches
from casemate.warden.terms import Terms
from support.attacks import Layer, attack
from support.operators import SYSTEM, Api, model_deployment
from unit.isolation.place import free_port

HOST, NAME = "127.0.0.1", "casemate-warden-0"
Json = dict[str, Any]
DIGEST = "sha256:" + "a" * 64
INTENT: Json = {
    "kind": "intent",
    "caller": {"username": "ann", "uid": "1"},
    "route": "/v1/chat/completions",
    "model": "m",
    "guard": {"bundle": DIGEST, "policy": DIGEST},
    "request": {"sha256": "b" * 64, "bytes": 20, "stream": False},
    "verdict": {"verdict": "allow", "line": None, "tier": None, "findings": []},
}


def outcome(intent: str) -> Json:
    return {
        "kind": "outcome",
        "intent": intent,
        "status": 200,
        "verdict": "allow",
        "response": {"sha256": "c" * 64, "bytes": 4},
        "latency_ms": 12,
        "reason": None,
    }


def counted(reason: str) -> float:
    """How many were refused so."""
    name = "casemate_warden_refusals_total"
    return REGISTRY.get_sample_value(name, {"reason": reason}) or 0.0


class Desk:
    """A warden with a log, and model pods that send it records."""

    def __init__(self, api: Api, namespace: str, client: Client, folder: Path) -> None:
        self.api, self.namespace, self.client, self.folder = api, namespace, client, folder
        self.log: Log
        self.stops: Stops

    async def open(self) -> None:
        ended = Ended(NAME)
        seen = Options(seen=ended.read)
        self.log = await Log.open(self.folder / "log", "log/of/test", SystemClock(), seen)
        callers = Callers(self.client, SYSTEM)
        subjects = Subjects(self.client, Terms(self.folder / "log"))
        self.stops = Stops(Switches(self.client), self.log)
        self.archive = Archive(self.folder / "log")
        evidence = Evidence(
            self.log, NAME, callers, subjects, self.stops, archive=self.archive, ended=ended
        )
        self.looking = asyncio.create_task(self.stops.run())
        await looked(self.stops)
        stopping = stops_route(callers, subjects, self.stops)
        app = Answers(Canary(), callers, Ledger()).app(evidence.route(), stopping)
        self.port = free_port()
        self.runner = await serve(app, self.port, host=HOST)

    async def close(self) -> None:
        await ended(self.looking)
        await self.runner.cleanup()
        await self.archive.close()
        await self.log.close()

    def pod(self, name: str, deployment: str = "m") -> str:
        """Make a model pod; return its token."""
        labels = {NAME_LABEL: deployment}
        return token(self.api, self.namespace, pod(self.api, self.namespace, name, labels, HOST))

    async def send(self, key: str, record: Any) -> tuple[int, Json]:
        url = f"http://{HOST}:{self.port}{RECORDS_PATH}"
        headers = {"Authorization": f"Bearer {key}"}
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, json=record, headers=headers) as answer,
        ):
            return answer.status, await answer.json()

    async def stopped(self, key: str, since: object = "") -> tuple[int, Json]:
        """Ask what stops the model of a pod."""
        url = f"http://{HOST}:{self.port}{STOPS_PATH}?since={since}"
        headers = {"Authorization": f"Bearer {key}"}
        async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
            return answer.status, await answer.json()

    def records(self) -> list[Json]:
        """All that the log holds, each read again as an inspector would."""
        entries = list(self.log.read(0, self.log.size))
        for one in entries:
            parse(one.record)
        return [json.loads(one.record) for one in entries]


@pytest.fixture(scope="module")
def deployed(api: Api, namespace: str) -> str:
    return str(api.create(model_deployment("m", namespace))["metadata"]["uid"])


@pytest.fixture
async def desk(
    api: Api, namespace: str, client: Client, deployed: str, tmp_path: Path
) -> AsyncIterator[Desk]:
    made = Desk(api, namespace, client, tmp_path)
    await made.open()
    yield made
    await made.close()


async def test_a_record_says_what_the_api_server_says_of_the_pod(desk: Desk, deployed: str) -> None:
    key = desk.pod("one")
    status, said = await desk.send(key, INTENT)
    assert (status, said) == (200, {"id": f"{NAME}/1"})
    assert await desk.send(key, outcome(said["id"])) == (200, {"id": f"{NAME}/2"})

    started, intent, end = desk.records()
    assert started["kind"] == "started"
    assert intent["deployment"] == {"namespace": desk.namespace, "name": "m", "uid": deployed}
    assert intent["pod"]["name"] == "one"
    assert intent["agreement"]["digest"].startswith("sha256:")
    assert intent["image"] == model_deployment("m", "n")["spec"]["model"]["source"]["oci"]["image"]
    assert end["intent"] == said["id"]


@attack("evidence", "a record in the name of another deployment or pod", Layer.WARDEN)
@pytest.mark.parametrize(
    "lie",
    [
        {"deployment": {"namespace": "n", "name": "other", "uid": "1"}},
        {"pod": {"name": "p", "uid": "1"}},
        {"agreement": {"name": "a", "digest": DIGEST}},
        {"image": "another"},
    ],
    ids=lambda lie: next(iter(lie)),
)
async def test_what_a_gateway_says_of_itself_is_not_believed(desk: Desk, lie: Json) -> None:
    key = desk.pod(f"lies-{next(iter(lie))}")
    status, _ = await desk.send(key, INTENT | lie)

    assert status == 200
    assert [desk.records()[1][name] for name in lie] != list(lie.values())


@attack("evidence", "an outcome for another pod's request, or a second one", Layer.WARDEN)
async def test_an_outcome_is_of_an_own_intent_and_there_is_one(desk: Desk) -> None:
    own, other = desk.pod("own"), desk.pod("other")
    _, said = await desk.send(own, INTENT)
    for key, intent in ((other, said["id"]), (own, f"{NAME}/0"), (own, f"{NAME}/99")):
        status, told = await desk.send(key, outcome(intent))
        assert (status, told["reason"]) == (409, "no_such_intent")
    first = await desk.send(own, outcome(said["id"]))
    assert first[0] == 200, "control"
    assert await desk.send(own, outcome(said["id"])) == first, "sent again, it is the same one"
    assert (await desk.send(other, outcome(said["id"])))[0] == 409
    assert [each["kind"] for each in desk.records()] == ["started", "intent", "outcome"]


async def test_an_intent_is_known_after_a_restart(desk: Desk) -> None:
    key, other = desk.pod("before"), desk.pod("after")
    _, said = await desk.send(key, INTENT)
    await desk.close()
    await desk.open()

    assert (await desk.send(other, outcome(said["id"])))[0] == 409
    assert (await desk.send(key, outcome(said["id"])))[0] == 200
    kinds = [each["kind"] for each in desk.records()]
    assert kinds == ["started", "intent", "stopped", "started", "outcome"]


@attack("evidence", "a second outcome, also after the warden began anew", Layer.WARDEN)
@pytest.mark.parametrize("restart", [False, True], ids=["at once", "after a restart"])
async def test_there_is_no_second_outcome_whatever_it_says(desk: Desk, *, restart: bool) -> None:
    key, other = desk.pod(f"ends-{restart}".lower()), desk.pod(f"pries-{restart}".lower())
    (_, said), (_, open_) = await desk.send(key, INTENT), await desk.send(key, INTENT)
    first = await desk.send(key, outcome(said["id"]))
    assert first[0] == 200
    if restart:
        await desk.close()
        await desk.open()
    refused = counted("intent_ended")

    for another in ({"status": 500}, {"latency_ms": 13}, {"verdict": "refuse"}):
        status, told = await desk.send(key, outcome(said["id"]) | another)
        assert (status, told["reason"]) == (409, "intent_ended")
    assert counted("intent_ended") == refused + 3
    assert await desk.send(key, outcome(said["id"])) == first, "sent again, it is the same one"
    status, told = await desk.send(other, outcome(said["id"]))
    assert (status, told["reason"]) == (409, "no_such_intent")
    assert (await desk.send(key, outcome(open_["id"])))[0] == 200, "control: one that is open"
    ends = [each["intent"] for each in desk.records() if each["kind"] == "outcome"]
    assert ends == [said["id"], open_["id"]]


@attack("evidence", "records by who is no model pod, or of other kinds", Layer.WARDEN)
async def test_only_model_pods_send_records_and_only_of_requests(
    api: Api, desk: Desk, namespace: str
) -> None:
    key = desk.pod("plain")
    assert (await desk.send(key, INTENT))[0] == 200, "control"
    account(api, namespace, "somebody")
    for bad in ("nonsense", token(api, namespace, None, account="somebody")):
        assert (await desk.send(bad, INTENT))[0] in {401, 403}
    assert (await desk.send(desk.pod("gone", "no-such-deployment"), INTENT))[0] == 403
    wrong: list[Any] = [
        [],
        {},
        {"kind": "approval-decided"},
        {"kind": "started"},
        INTENT | {"more": 1},
        INTENT | {"seq": 0},
        {name: value for name, value in INTENT.items() if name != "caller"},
        INTENT | {"route": "https://elsewhere"},
    ]
    for record in wrong:
        status, told = await desk.send(key, record)
        assert (status, told["reason"]) == (400, "bad_report"), record
    assert len(desk.records()) == 2


async def test_a_log_that_cannot_write_takes_no_record(desk: Desk) -> None:
    key = desk.pod("full")
    await desk.log.close()
    status, told = await desk.send(key, INTENT)

    assert (status, told["reason"]) == (503, "log_unavailable")


@attack("stops", "a request of a stopped model, by a gateway that has not heard", Layer.WARDEN)
async def test_what_is_stopped_has_no_intent_but_what_was_let_go_has_its_outcome(
    api: Api, desk: Desk
) -> None:
    board, key = Board(api), desk.pod("stopped")
    _, said = await desk.send(key, INTENT)
    one: Json = {"scope": "Deployment", "deployment": {"namespace": desk.namespace, "name": "m"}}
    await board.stop("this-one", **one)
    try:
        await within(WANTED_SECONDS, lambda: desk.stops.stop(desk.namespace, "m", ""))
        status, told = await desk.send(key, INTENT)
        assert (status, told["reason"]) == (403, "stopped")
        assert "KillSwitch this-one" in told["message"]
        assert (await desk.send(key, outcome(said["id"])))[0] == 200
    finally:
        board.clear()
    await within(10, lambda: not desk.stops.stop(desk.namespace, "m", ""))
    assert (await desk.send(key, INTENT))[0] == 200, "control"
    kinds = [one["kind"] for one in desk.records()]
    assert [one for one in kinds if one not in {"kill", "lift"}] == [
        "started", "intent", "outcome", "intent"
    ]  # fmt: skip


async def test_before_the_first_look_no_intent_is_taken(desk: Desk) -> None:
    key = desk.pod("early")
    assert (await desk.send(key, INTENT))[0] == 200, "control"
    desk.stops._looked = None
    await ended(desk.looking)
    status, told = await desk.send(key, INTENT)
    assert (status, told["reason"]) == (503, "stops_unknown")
    status, told = await desk.stopped(key)
    assert (status, told["known"]) == (200, False)
    assert "not known" in told["stopped"]


async def test_who_asks_what_is_stopped_hears_of_it_at_once(api: Api, desk: Desk) -> None:
    board, key = Board(api), desk.pod("asks")
    status, runs = await desk.stopped(key)
    assert (status, runs["known"], runs["stopped"]) == (200, True, "")
    began = time.monotonic()
    status, same = await desk.stopped(key, runs["serial"])
    assert same == runs
    assert WAIT_SECONDS - 0.5 < time.monotonic() - began < WAIT_SECONDS + 1

    asking = asyncio.create_task(desk.stopped(key, runs["serial"]))
    began = time.monotonic()
    await board.stop("heard")
    try:
        _, told = await asking
    finally:
        board.clear()
    assert time.monotonic() - began < WANTED_SECONDS
    assert told["switch"] == "heard"
    assert told["stopped"] == "stopped by eve (KillSwitch heard): an answer went astray"
    assert told["serial"] != runs["serial"]
    for other in ("nonsense", token(api, desk.namespace, None)):
        assert (await desk.stopped(other))[0] in {401, 403}
