"""The gate against a real warden and a real canary on loopback."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from casemate.isolation import gate
from casemate.isolation.client import Warden, _answer, _decoded, trusting
from casemate.isolation.gate import Options
from casemate.isolation.probes import probe
from casemate.isolation.proof import Answer, Verdict
from casemate.isolation.rounds import Circuit, round_of
from casemate.isolation.targets import Protocol, Target
from casemate.isolation.wardens import Wardens
from unit.gateway.support import Authority
from unit.isolation.place import HOST, Place, closed, free_port, placed


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with placed(tmp_path) as one:
        yield one


async def seen(place: Place) -> None:
    """An allowed caller gets through on both protocols."""
    for one in Protocol:
        assert (await probe(place.at(one))).answered


async def test_it_is_proven_where_only_the_warden_answers(place: Place) -> None:
    await seen(place)
    targets = closed(), Target(Protocol.UDP, HOST, free_port())
    assert (await round_of(place.through(*targets))).verdict is Verdict.ENFORCED


@pytest.mark.parametrize("protocol", Protocol)
async def test_a_canary_that_answers_disproves_it(place: Place, protocol: Protocol) -> None:
    await seen(place)
    proof = await round_of(place.through(closed(), place.at(protocol)))
    assert proof.verdict is Verdict.NOT_ENFORCED
    assert f"{protocol} 127.0.0.1:{place.canary_port} (canary)" in proof.message


async def test_a_canary_that_nobody_saw_proves_nothing(place: Place) -> None:
    proof = await round_of(place.through())
    assert (proof.verdict, proof.message) == (
        Verdict.INCONCLUSIVE,
        "nobody allowed reached the canary lately by tcp, udp",
    )


async def test_a_warden_that_is_gone_proves_nothing(place: Place) -> None:
    await seen(place)
    gone = replace(place.warden, port=free_port())
    assert (await round_of(Circuit(Wardens([gone]), (closed(),)))).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("change", ["name", "trust"])
async def test_who_only_sits_in_the_wardens_place_proves_nothing(
    place: Place, tmp_path: Path, change: str
) -> None:
    await seen(place)
    other = tmp_path / "other"
    other.mkdir()
    foreign = trusting(str(Authority(other).file))
    wrong: dict[str, object] = {"name": "another.svc", "trust": foreign}
    assert (await place.warden.ask()).problem == "", "control: the real one"
    false = replace(place.warden, **{change: wrong[change]})  # type: ignore[arg-type]
    assert "certificate" in (await false.ask()).problem.lower()
    assert (await round_of(Circuit(Wardens([false]), (closed(),)))).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"HTTP/1.1 500 x\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\n\r\n{}",
        b'HTTP/1.1 200 OK\r\n\r\n{"seen": {"tcp": 1, "udp": 1}, "neighbours": ["x"]}',
    ],
)
def test_an_answer_that_is_none_is_no_answer(body: bytes) -> None:
    good = b'HTTP/1.1 200 OK\r\n\r\n{"seen": {"tcp": 1.5, "udp": null}}'
    assert _answer(_decoded(good)) == Answer(seen=((Protocol.TCP, 1.5),))
    with pytest.raises((ValueError, KeyError, TypeError)):
        _answer(_decoded(body))


def neighbour(address: str) -> dict[str, object]:
    return {"address": address, "ports": [9090]}


def test_neighbours_are_few_and_addresses_of_somebody_else() -> None:
    named = ["127.0.0.1", "169.254.169.254", "224.0.0.1", "0.0.0.0", "::1", "10.0.0.1"]
    said = {"seen": {"tcp": 1, "udp": 1}}
    found = [_answer(said | {"neighbours": [neighbour(one)]}).neighbours for one in named]
    assert found == [*[()] * 5, (("10.0.0.1", (9090,)),)]
    many = [neighbour(f"10.0.0.{number}") for number in range(1, 9)]
    assert len(_answer(said | {"neighbours": many}).neighbours) == 3


async def test_a_neighbour_that_answers_disproves_it(place: Place) -> None:
    await seen(place)
    circuit = replace(place.through(), neighbour_ports=(free_port(),))
    assert (await round_of(circuit)).verdict is Verdict.ENFORCED, "control: it names none"
    lately = tuple((one, 0.0) for one in Protocol)
    named = Answer(seen=lately, neighbours=((HOST, (place.canary_port,)),))

    class Naming(Warden):
        async def ask(self) -> Answer:
            return named

    warden = Naming(place.warden.host, place.warden.port, "localhost", place.warden.trust)
    proof = await round_of(replace(circuit, wardens=Wardens([warden])))
    assert proof.verdict is Verdict.NOT_ENFORCED
    assert f"tcp port {place.canary_port} of another model: connected" in proof.message


async def test_the_gate_waits_until_it_is_proven(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    options = Options(place.through(), patience=20.0)
    tried = []

    async def later(circuit: Circuit) -> object:
        tried.append(circuit)
        if len(tried) == 2:
            await seen(place)
        return await round_of(circuit)

    proof = await gate.hold(options, later)  # type: ignore[arg-type]
    assert proof.verdict is Verdict.ENFORCED
    lines = capsys.readouterr().out.splitlines()
    assert ["Inconclusive" in lines[0], "Enforced" in lines[-1]] == [True, True]


async def test_the_gate_gives_up_with_the_reason(place: Place) -> None:
    options = Options(place.through(place.at(Protocol.TCP)), patience=0.3)
    assert (await gate.hold(options)).verdict is Verdict.NOT_ENFORCED


def child_of(process: int) -> int:
    return int(Path(f"/proc/{process}/task/{process}/children").read_text())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes a namespace of processes")
async def test_it_ends_when_it_is_told_to(place: Place) -> None:
    """As first process of a container, where a signal that nobody handles does nothing."""
    target = place.at(Protocol.TCP).argument()
    warden = Target(Protocol.TCP, HOST, place.warden.port, "localhost").argument()
    command = [sys.executable, "-m", "casemate", "start-gate", f"--warden={warden}"]
    command += [f"--warden-ca={place.authority.file}", f"--closed={target}"]
    namespace = ("unshare", "--pid", "--fork", "--kill-child")
    gate = await asyncio.create_subprocess_exec(
        *namespace, *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert gate.stdout is not None
    assert b"NotEnforced" in await asyncio.wait_for(gate.stdout.readline(), 20)
    try:
        os.kill(child_of(gate.pid), signal.SIGTERM)
        await asyncio.wait_for(gate.wait(), 10)
    finally:
        with suppress(ProcessLookupError):
            gate.kill()
