"""Kill switches at the warden: in force within 2 s, kept over restarts, on record, and lifted."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from api.warden.conftest import ACCOUNT, GROUPS, connected
from api.warden.stopping import WANTED_SECONDS, Board, Json, Warden, Way, patience, within
from casemate.audit.findings import Verdict
from casemate.audit.verify import verify
from casemate.cli.bundles import opened
from casemate.cli.export import export
from casemate.cluster.client import Client
from casemate.warden.stops import NOT_KNOWN
from enclave.kubeapi import ApiError
from support.attacks import Layer, attack
from support.operators import Api

_CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/killswitches.casemate.dev"
_ONE = {"scope": "Deployment", "deployment": {"namespace": "models", "name": "m"}}
_UNDER = {"scope": "Agreement", "agreementRef": {"name": "harbour"}}


@pytest.fixture
def board(api: Api) -> Iterator[Board]:
    made = Board(api)
    yield made
    made.clear()


@pytest.fixture
async def warden(client: Client, tmp_path: Path) -> AsyncIterator[Warden]:
    made = Warden(client, tmp_path)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
def way(api: Api) -> Iterator[Way]:
    with Way(api.plane, api.plane.client_config_for(ACCOUNT, GROUPS)) as made:
        yield made


@pytest.fixture
async def far(way: Way, tmp_path: Path) -> AsyncIterator[Warden]:
    """A warden behind that way."""
    client = await connected(way.kubeconfig(tmp_path / "kubeconfig"))
    made = Warden(client, tmp_path)
    await made.open()
    yield made
    await made.close()
    await client.close()


async def test_a_stop_is_in_force_within_two_seconds_each_time(
    board: Board, warden: Warden
) -> None:
    took = []
    for turn in range(5):
        assert warden.reason() == ""
        began = time.monotonic()
        await board.stop(f"turn-{turn}")
        await within(WANTED_SECONDS, warden.reason)
        took.append(time.monotonic() - began)
        said = f"stopped by eve (KillSwitch turn-{turn}): an answer went astray"
        assert warden.reason() == said
        await board.lift(f"turn-{turn}")
        await within(10, lambda: not warden.reason())
    assert max(took) < WANTED_SECONDS, took


@pytest.mark.parametrize(
    ("spec", "scope", "spared"),
    [
        (_ONE, {"kind": "deployment", "namespace": "models", "name": "m"}, ("n", "harbour")),
        (_UNDER, {"kind": "agreement", "name": "harbour"}, ("m", "other")),
        ({"scope": "All"}, {"kind": "all"}, None),
    ],
    ids=["one", "an agreement's", "all"],
)
async def test_it_stops_what_it_names_and_nothing_else(
    board: Board, warden: Warden, spec: Json, scope: Json, spared: tuple[str, str] | None
) -> None:
    made = await board.stop("named", **spec)
    await within(WANTED_SECONDS, warden.reason)
    assert bool(warden.reason("n", "other", "elsewhere")) == (spared is None)
    if spared:
        assert warden.reason(*spared) == "", "control"
    kill = await warden.recorded("kill")
    assert kill["switch"] == {"name": "named", "uid": made["metadata"]["uid"]}
    assert (kill["scope"], kill["by"]) == (scope, {"username": "eve", "uid": ""})
    assert kill["reason"] == "an answer went astray"


async def test_a_lift_is_on_record_with_who_and_why_before_anything_goes_on(
    board: Board, warden: Warden
) -> None:
    made = await board.stop("short")
    await within(WANTED_SECONDS, warden.reason)
    serial = warden.stops.serial
    # Noted and deleted between two lists: no list has ever seen the note.
    await board.lift("short", "lou: it was a drill, all is well")
    await within(10, lambda: not warden.reason())
    (lift,) = warden.records("lift")
    assert lift["switch"] == {"name": "short", "uid": made["metadata"]["uid"]}
    assert lift["by"] == {"username": "lou", "uid": ""}
    assert lift["reason"] == "it was a drill, all is well"
    assert warden.stops.serial > serial


@attack("stops", "who stopped lets go again", Layer.API)
async def test_who_stopped_does_not_lift(board: Board, warden: Warden) -> None:
    await board.stop("own")
    await within(WANTED_SECONDS, warden.reason)
    with pytest.raises(ApiError, match="another person"):
        await board.lift("own", "eve: I have changed my mind", by="eve")
    assert warden.reason()
    await board.lift("own")
    await within(10, lambda: not warden.reason()), "control"


async def test_a_restart_keeps_what_is_stopped_and_records_it_once(
    board: Board, warden: Warden
) -> None:
    await board.stop("lasting")
    await warden.recorded("kill")
    for _ in range(2):
        await warden.close()
        await warden.open(wait=False)
        assert warden.reason(), "before the first look, too"
        await within(10, lambda: warden.stops.known)
        assert "KillSwitch lasting" in warden.reason()
    await board.stop("second")
    await within(10, lambda: len(warden.records("kill")) > 1)
    names = [one["switch"]["name"] for one in warden.records("kill", "lift")]
    assert names == ["lasting", "second"]


async def test_what_was_lifted_while_nobody_looked_is_recorded_as_lifted_by_nobody_knows_whom(
    board: Board, warden: Warden
) -> None:
    await board.stop("missed")
    await warden.recorded("kill")
    await warden.close()
    await board.lift("missed")
    await warden.open()
    await within(10, lambda: not warden.reason())
    (lift,) = warden.records("lift")
    assert (lift["switch"]["name"], lift["by"], lift["reason"]) == ("missed", None, None)
    await warden.close()
    await warden.open()
    assert len(warden.records("lift")) == 1
    assert warden.reason() == ""


@attack("stops", "a connection to the API server that hangs while somebody stops", Layer.WARDEN)
async def test_a_list_that_hangs_delays_no_stop(board: Board, far: Warden, way: Way) -> None:
    way.hanging = 1
    await within(5, lambda: way.hanging == 0)
    began = time.monotonic()
    await board.stop("hanging")
    await within(WANTED_SECONDS, far.reason)
    assert time.monotonic() - began < WANTED_SECONDS


@attack("stops", "the warden cut off from the API server", Layer.WARDEN)
async def test_an_api_server_that_does_not_answer_is_known_and_nothing_is_let_go(
    board: Board, far: Warden, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    patience(monkeypatch, KNOWN_SECONDS=3.0)
    assert far.reason() == "", "control"
    serial = far.stops.serial
    way.hanging = 10_000
    took = await within(6, far.reason)
    assert far.reason() == NOT_KNOWN
    assert took > 1, "one list that is lost is borne"
    await within(3, lambda: far.stops.serial > serial)
    way.hanging = 0
    await within(10, lambda: not far.reason())
    assert far.records("kill", "lift") == []


async def test_an_api_server_that_is_away_is_known_too(
    api: Api, board: Board, warden: Warden, monkeypatch: pytest.MonkeyPatch
) -> None:
    patience(monkeypatch, KNOWN_SECONDS=2.0)
    await board.stop("before")
    await within(WANTED_SECONDS, warden.reason)
    # In this thread: the server ends with the one that starts it.
    with api.plane.api_server_down():
        await within(10, lambda: warden.reason() == NOT_KNOWN)
    await within(30, lambda: "KillSwitch before" in warden.reason())
    assert [one["kind"] for one in warden.records("kill", "lift")] == ["kill"]


async def test_where_nobody_tells_who_lifted_it_is_lifted_a_little_later(
    board: Board, far: Warden, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    patience(monkeypatch, WORDS_SECONDS=2.0)
    await board.stop("mute")
    await within(WANTED_SECONDS, far.reason)
    way.cutting = True
    await board.lift("mute")
    await within(10, lambda: not far.reason())
    assert far.records("lift")[0]["by"] is None


@attack("stops", "a kill switch that no warden can read", Layer.WARDEN)
async def test_a_switch_that_cannot_be_read_stops_everything(
    api: Api, board: Board, warden: Warden
) -> None:
    crd = api.client.request("GET", _CRD)
    (served,) = crd["spec"]["versions"]
    loose = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    free = [{**served, "schema": {"openAPIV3Schema": loose}}]
    api.client.request("PATCH", _CRD, {"spec": {"versions": free}}, "application/merge-patch+json")
    try:
        async with asyncio.timeout(30):
            while not await _made(board):  # noqa: ASYNC110  what is waited for has no event
                await asyncio.sleep(0.1)
        await within(WANTED_SECONDS, warden.reason)
        for which in (("m", "harbour"), ("n", "other")):
            assert "stopped by KillSwitch odd, which breaks a rule" in warden.reason(*which)
        kill = await warden.recorded("kill")
        assert (kill["scope"], kill["by"]) == ({"kind": "all"}, None)
        await warden.close()
        await warden.open()
        assert "breaks a rule" in warden.reason()
    finally:
        board.clear()
        whole = {"spec": {"versions": [served]}}
        api.client.request("PATCH", _CRD, whole, "application/merge-patch+json")


async def _made(board: Board) -> bool:
    try:
        # Whole but for its scope: with no schema, nothing is filled in.
        await board.stop("odd", scope="Some", stoppedBy={"username": "eve", "uid": ""})
    except ApiError:
        return False
    return True


async def test_the_log_of_a_stop_and_its_lift_is_intact(
    board: Board, warden: Warden, tmp_path: Path
) -> None:
    for turn in range(2):
        await board.stop(f"kept-{turn}")
        await within(WANTED_SECONDS, warden.reason)
        await board.lift(f"kept-{turn}")
        await within(10, lambda: not warden.reason())
    await warden.close()
    try:
        assert verdict(tmp_path, "known") == []
    finally:
        await warden.open()
    await board.stop("missed")
    await within(WANTED_SECONDS, warden.reason)
    await warden.close()
    await board.lift("missed")
    await warden.open()
    await within(10, lambda: not warden.reason())
    await warden.close()
    assert verdict(tmp_path, "unknown") == [("incomplete", "by", "no log says who lifted it")]
    await warden.open()


def verdict(folder: Path, name: str) -> list[tuple[Any, ...]]:
    """What an inspection finds about stops and lifts in the log of a folder."""
    export([folder / "log"], None, folder / name)
    with opened(folder / name) as bundle:
        report = verify(bundle, bundle.policy)
    assert report.verdict is not Verdict.BROKEN
    return [
        (str(one.severity), one.field, one.why)
        for one in report.findings.kept
        if one.field in {"by", "switch", "scope"}
    ]
