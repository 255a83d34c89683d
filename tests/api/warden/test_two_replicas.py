"""Two replicas before one API server: what one began the other takes over, and all is on record."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from api.warden.accounts import account, pod, token, warden_pod
from api.warden.looking import ended, looked
from api.warden.test_evidence import INTENT, outcome
from casemate import guardfiles
from casemate.audit.notes import Verifier
from casemate.audit.receipts import Receipt, Trust
from casemate.cli.main import main
from casemate.cluster.client import Client
from casemate.core.names import NAME_LABEL, WARDEN
from casemate.evidence import RECEIPTS_PATH, RECORDS_PATH
from casemate.gateway.link import Link, Said
from casemate.gateway.tls import load
from casemate.isolation.client import Warden, trusting
from casemate.isolation.wardens import Wardens
from casemate.ports import serve
from casemate.warden import homes
from casemate.warden.among import Among
from casemate.warden.answers import Answers
from casemate.warden.archive import Archive
from casemate.warden.callers import Callers, RefusedError
from casemate.warden.canary import Canary
from casemate.warden.ended import Ended
from casemate.warden.evidence import Evidence
from casemate.warden.homes import Homes
from casemate.warden.log.stamp import SystemClock
from casemate.warden.log.store import Log, Options
from casemate.warden.peers import Peers
from casemate.warden.proofs import Ledger
from casemate.warden.receipts import Receipts
from casemate.warden.stops import Stops
from casemate.warden.subjects import Subjects
from casemate.warden.switches import Switches
from casemate.warden.terms import Terms
from support.attacks import Layer, attack
from support.operators import SYSTEM, Api, model_deployment
from support.terms import AGREEMENT
from unit.gateway.support import Authority
from unit.isolation.place import HOST, free_port

Json = dict[str, Any]
BUNDLE, _ = guardfiles.identity(guardfiles.shipped())
NAMES = ("casemate-warden-0", "casemate-warden-1")


class Replica:
    """One replica with a log of its own, as `casemate warden` wires it."""

    def __init__(self, name: str, client: Client, folder: Path, authority: Authority) -> None:
        self.name, self.client, self.folder = name, client, folder
        self.authority, self.port = authority, free_port()
        self.others: list[Replica] = []
        self.token = folder / f"{name}.token"
        self.volume = folder / name
        self.answers = False

    def at(self) -> Warden:
        """How clients and the other one find it."""
        return Warden(HOST, self.port, f"{self.name}.svc", trusting(str(self.authority.file)))

    async def _find(self) -> list[Warden]:
        return [one.at() for one in self.others]

    async def open(self) -> None:
        origin = f"casemate.dev/warden/test/{self.name}"
        ended = Ended(self.name)
        seen = Options(seen=ended.read)
        self.log = await Log.open(self.volume, origin, SystemClock(), seen)
        self.peers = Peers(self._find, self.token)
        self.among = Among(self.log, origin, self.peers, self.volume)
        self.stops = Stops(Switches(self.client), self.log)
        self.looking = asyncio.create_task(self.stops.run())
        await looked(self.stops)
        callers, subjects = Callers(self.client, SYSTEM), Subjects(self.client, Terms(self.volume))
        evidence = Evidence(
            self.log,
            self.name,
            callers,
            subjects,
            self.stops,
            archive=Archive(self.volume),
            ended=ended,
            homes=Homes(self.peers),
        )
        app = Answers(Canary(), callers, Ledger()).app(
            evidence.route(),
            Receipts(self.log, self.name, callers, subjects).route(),
            homes.route(callers, evidence.standing),
            *self.among.routes(callers),
        )
        bundle = self.authority.bundle(self.folder / f"{self.name}.pem", host=f"{self.name}.svc")
        self.runner = await serve(app, self.port, load(bundle, datetime.now(UTC)).context, HOST)
        self.answers = True
        await self.peers.look()

    async def close(self) -> None:
        if self.answers:
            self.answers = False
            await ended(self.looking)
            await self.runner.cleanup()
            await self.peers.close()
            await self.log.close()

    def kinds(self) -> list[str]:
        entries = self.log.read(0, self.log.size)
        return [json.loads(one.record)["kind"] for one in entries]


class Pair:
    """Both, and a model pod with a gateway's link to them."""

    def __init__(self, api: Api, namespace: str, replicas: list[Replica], folder: Path) -> None:
        self.api, self.namespace, self.replicas, self.folder = api, namespace, replicas, folder
        self.first, self.second = replicas

    def link(self, name: str) -> Link:
        """A new pod's link; it begins with the first."""
        made = pod(self.api, self.namespace, name, {NAME_LABEL: "m"}, HOST)
        file = self.folder / f"{name}.token"
        file.write_text(token(self.api, self.namespace, made))
        return Link(Wardens([one.at() for one in self.replicas]), str(file))

    async def witnessed(self) -> None:
        for _ in range(2):
            for one in self.replicas:
                await one.log.proof(one.log.size - 1)
                await one.among.witnessing.round()


@pytest.fixture(scope="module")
def tokens(api: Api) -> dict[str, str]:
    """What each replica's pod presents to the other."""
    account(api, SYSTEM, WARDEN)
    made = {name: warden_pod(api, name, HOST) for name in NAMES}
    return {name: token(api, SYSTEM, one, account=WARDEN) for name, one in made.items()}


@pytest.fixture(scope="module")
def deployed(api: Api, namespace: str) -> str:
    """The models' namespace, with a deployment in it."""
    api.create(model_deployment("m", namespace))
    return namespace


@pytest.fixture
async def pair(
    api: Api,
    deployed: str,
    client: Client,
    tokens: dict[str, str],
    tmp_path: Path,
) -> AsyncIterator[Pair]:
    authority = Authority(tmp_path)
    made = [Replica(name, client, tmp_path, authority) for name in NAMES]
    for one in made:
        one.token.write_text(tokens[one.name])
        one.others = [other for other in made if other is not one]
        await one.open()
    yield Pair(api, deployed, made, tmp_path)
    for one in made:
        await one.close()


def intent(**more: Any) -> Json:
    return INTENT | {"guard": INTENT["guard"] | {"bundle": BUNDLE}} | more


async def send(link: Link, record: Json, replica: str = "") -> Said:
    return await link.post(RECORDS_PATH, record, 5.0, replica)


async def test_an_outcome_goes_home_and_comes_back_the_same(pair: Pair) -> None:
    link = pair.link("home")
    asked = (await send(link, intent())).body["id"]
    assert asked == f"{pair.first.name}/1"
    for replica in NAMES:
        said = await send(link, outcome(asked), replica)
        assert (said.status, said.body, said.replica) == (
            200, {"id": f"{pair.first.name}/2"}, pair.first.name,
        )  # fmt: skip
    assert "outcome" not in pair.second.kinds()
    await link.close()


async def test_what_began_at_one_ends_at_the_other_and_both_logs_are_whole(
    pair: Pair, capsys: pytest.CaptureFixture[str]
) -> None:
    link = pair.link("survivor")
    await pair.witnessed()
    asked = [(await send(link, intent(key=f"{n:032x}"))).body["id"] for n in range(5)]
    await pair.first.log.proof(pair.first.log.size - 1)
    shutil.copytree(pair.first.volume, pair.folder / "crashed")
    await pair.first.close()
    # As a crash leaves it: nothing of an orderly end.
    shutil.rmtree(pair.first.volume)
    (pair.folder / "crashed").rename(pair.first.volume)

    ends = [await send(link, outcome(one), pair.first.name) for one in asked]
    assert {(one.status, one.replica) for one in ends} == {(200, pair.second.name)}
    again = await send(link, outcome(asked[0]), pair.first.name)
    assert again.body == ends[0].body, "sent again, it is the same one"
    assert (await send(link, intent())).body["id"].startswith(pair.second.name), "it serves on"

    await pair.first.open()
    await pair.witnessed()
    out, listed = pair.folder / "evidence", pair.folder / "agreements.json"
    listed.write_text(json.dumps({"items": [pair.api.get("UsageAgreement", "", AGREEMENT)]}))
    volumes = [str(one.volume) for one in pair.replicas]
    main(["audit", "export", *volumes, str(out), "--agreements", str(listed)])
    capsys.readouterr()
    main(["audit", "verify", str(out), "--policy", str(out / "policy.json"), "-o", "json"])
    told = json.loads(capsys.readouterr().out)
    assert told["verdict"] == "intact", told["findings"]
    assert (told["intents"], told["outcomes"]) == (6, 5)
    assert all(log["witnesses"] for log in told["logs"])
    await link.close()


async def test_one_that_is_back_takes_its_own_outcomes_again(pair: Pair) -> None:
    link = pair.link("back")
    asked = (await send(link, intent())).body["id"]
    await pair.first.close()
    await pair.first.open()
    said = await send(link, outcome(asked), pair.second.name)
    assert (said.status, said.replica) == (200, pair.first.name), "sent there by the second"
    await link.close()


async def test_what_ended_at_the_other_has_no_second_end_there_after_a_restart(pair: Pair) -> None:
    link = pair.link("away")
    asked = [(await send(link, intent(key=f"{n:032x}"))).body["id"] for n in range(2)]
    await pair.first.close()
    first = await send(link, outcome(asked[0]))
    assert (first.status, first.replica) == (200, pair.second.name)
    await pair.second.close()
    await pair.second.open()

    said = await send(link, outcome(asked[0]) | {"status": 500})
    assert (said.status, said.body["reason"]) == (409, "intent_ended")
    assert (await send(link, outcome(asked[0]))).body == first.body, "sent again, it is the same"
    assert (await send(link, outcome(asked[1]))).status == 200, "control: one that is open"
    await link.close()


@attack("evidence", "a second outcome, by way of another replica", Layer.WARDEN)
async def test_what_ended_at_home_has_no_second_end_elsewhere_while_home_is_full(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    link, first = pair.link("full"), pair.first.log
    asked = [(await send(link, intent(key=f"{n:032x}"))).body["id"] for n in range(2)]
    ended = await send(link, outcome(asked[0]))
    assert (ended.status, ended.replica) == (200, pair.first.name)
    monkeypatch.setattr(Log, "takes", property(lambda log: log is not first))

    said = await send(link, outcome(asked[0]) | {"status": 500}, pair.second.name)
    assert (said.status, said.body["reason"]) == (409, "intent_ended")
    assert (await send(link, outcome(asked[0]), pair.second.name)).body == ended.body
    assert "outcome" not in pair.second.kinds()
    said = await send(link, outcome(asked[1]), pair.second.name)
    assert (said.status, said.replica) == (200, pair.second.name), "control: one that is open"
    await link.close()


@attack("evidence", "an outcome for another pod's request, by way of another replica", Layer.WARDEN)
async def test_another_pods_request_is_not_ended_by_way_of_the_other(pair: Pair) -> None:
    own, other = pair.link("own"), pair.link("stranger")
    asked = (await send(own, intent())).body["id"]
    unknown = (asked, f"{pair.first.name}/0", f"{pair.first.name}/99", "casemate-warden-4/1")
    for one in unknown:
        said = await send(other, outcome(one), pair.second.name)
        assert (said.status, said.body["reason"]) == (409, "no_such_intent"), one
    assert (await send(own, outcome(asked), pair.second.name)).status == 200, "control"
    for link in (own, other):
        await link.close()


async def test_what_is_sent_twice_at_once_is_kept_once(pair: Pair) -> None:
    link = pair.link("twice")
    record = intent(key="a" * 32)
    said = await asyncio.gather(*(send(link, record) for _ in range(5)))
    assert {one.body["id"] for one in said} == {f"{pair.first.name}/1"}
    other = await send(link, record | {"key": "b" * 32})
    assert other.body["id"] == f"{pair.first.name}/2", "control: another one"
    assert pair.first.kinds().count("intent") == 2
    await link.close()


async def test_a_receipt_says_where_a_callers_own_record_is(pair: Pair) -> None:
    link = pair.link("receipts")
    asked = (await send(link, intent())).body["id"]
    await pair.witnessed()
    body = {"id": asked, "caller": intent()["caller"]}
    for replica in NAMES:
        said = await link.post(RECEIPTS_PATH, body, 5, replica)
        assert said.status == 200
    (entry,) = pair.first.log.read(1, 2)
    keys, others = pair.first.log.keys.names(), pair.second.log.keys.names()
    trust = Trust((Verifier.parse(keys["log"]),), (Verifier.parse(others["witness"]),), 1)
    Receipt.parse(said.body["receipt"]).verify(entry.record, trust)
    await link.close()


@attack("evidence", "a receipt of another caller's record, asked of the warden", Layer.WARDEN)
async def test_a_receipt_of_somebody_else_is_not_there(pair: Pair) -> None:
    link = pair.link("curious")
    asked = (await send(link, intent())).body["id"]
    await send(link, outcome(asked))
    own = intent()["caller"]
    for record, caller in (
        (asked, {"username": "bob", "uid": "1"}),
        (asked, {"username": "ann", "uid": "2"}),
        (f"{pair.first.name}/0", own),
        (f"{pair.first.name}/2", own),
        (f"{pair.first.name}/999", own),
        ("elsewhere-0/1", own),
    ):
        said = await link.post(RECEIPTS_PATH, {"id": record, "caller": caller}, 5)
        assert (said.status, said.body["reason"]) == (404, "not_here"), (record, caller)
    assert (await link.post(RECEIPTS_PATH, {"id": asked, "caller": own}, 5)).status == 200, (
        "control"
    )
    await link.close()


@attack("evidence", "a model pod that asks as a replica of the warden would", Layer.WARDEN)
async def test_who_is_no_replica_is_told_nothing_that_replicas_are(
    api: Api, namespace: str, client: Client, tokens: dict[str, str]
) -> None:
    callers = Callers(client, SYSTEM)
    assert await callers.peer(tokens[NAMES[0]], HOST) == NAMES[0], "control"
    with pytest.raises(RefusedError) as caught:
        await callers.peer(tokens[NAMES[1]], "10.9.9.9")
    assert caught.value.reason == "foreign_token"
    model = token(api, namespace, pod(api, namespace, "a-model", {NAME_LABEL: "m"}, HOST))
    account(api, SYSTEM, "another")
    other = warden_pod(api, "casemate-warden-3", HOST, account="another")
    odd = warden_pod(api, "casemate-warden-x", HOST)
    for key in (
        model,
        token(api, SYSTEM, other, account="another"),
        token(api, SYSTEM, odd, account=WARDEN),
        token(api, SYSTEM, None, account=WARDEN),
    ):
        with pytest.raises(RefusedError) as caught:
            await callers.peer(key, HOST)
        assert caught.value.reason in {"not_peer", "unbound_token"}


async def test_the_ways_between_replicas_need_a_replica(pair: Pair) -> None:
    url = f"https://{HOST}:{pair.first.port}"
    context = pair.first.authority.client_context()
    context.check_hostname = False
    async with aiohttp.ClientSession() as session:
        for path in ("intents", "keys", "add-checkpoint", "seen"):
            where = f"{url}/v1/peers/{path}"
            async with session.post(where, data=b"{}", ssl=context) as answer:
                assert answer.status == 401, path
