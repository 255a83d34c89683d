"""The gate against a real warden and a real canary on loopback."""

import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from casemate.gateway.tls import load
from casemate.isolation import gate
from casemate.isolation.client import Warden
from casemate.isolation.gate import Options, round_of
from casemate.isolation.probes import probe
from casemate.isolation.proof import Answer, Verdict
from casemate.isolation.targets import Protocol, Target
from casemate.ports import serve
from casemate.warden.canary import Canary
from casemate.warden.main import answers
from unit.gateway.support import Authority

HOST = "127.0.0.1"


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as one:
        one.bind((HOST, 0))
        return int(one.getsockname()[1])


@dataclass
class Place:
    """A warden that answers, a canary that lives, and a port that is closed."""

    warden: Warden
    canary: Canary
    canary_port: int

    def at(self, protocol: Protocol) -> Target:
        """The canary, as nobody should reach it."""
        return Target(protocol, HOST, self.canary_port, "canary")


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    authority = Authority(tmp_path)
    context = load(authority.bundle(tmp_path / "bundle.pem"), datetime.now(UTC)).context
    canary, port = Canary(), free_port()
    number = await canary.open(HOST, free_port())
    runner = await serve(answers(canary), port, context, HOST)
    yield Place(Warden(HOST, port, "localhost", authority.file), canary, number)
    canary.close()
    await runner.cleanup()


async def seen(place: Place) -> None:
    """An allowed caller gets through on both protocols."""
    for one in Protocol:
        assert (await probe(place.at(one))).answered


CLOSED = Target(Protocol.TCP, HOST, 1, "nobody")


async def test_it_is_proven_where_only_the_warden_answers(place: Place) -> None:
    await seen(place)
    closed = [replace(CLOSED, port=free_port()), Target(Protocol.UDP, HOST, free_port())]
    assert (await round_of(place.warden, closed)).verdict is Verdict.ENFORCED


@pytest.mark.parametrize("protocol", Protocol)
async def test_a_canary_that_answers_disproves_it(place: Place, protocol: Protocol) -> None:
    await seen(place)
    proof = await round_of(place.warden, [CLOSED, place.at(protocol)])
    assert proof.verdict is Verdict.NOT_ENFORCED
    assert f"{protocol} 127.0.0.1:{place.canary_port} (canary)" in proof.message


async def test_a_canary_that_nobody_saw_proves_nothing(place: Place) -> None:
    proof = await round_of(place.warden, [CLOSED])
    assert (proof.verdict, proof.message) == (
        Verdict.INCONCLUSIVE,
        "nobody allowed reached the canary lately by tcp, udp",
    )


async def test_a_warden_that_is_gone_proves_nothing(place: Place) -> None:
    await seen(place)
    gone = replace(place.warden, port=free_port())
    assert (await round_of(gone, [CLOSED])).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("change", ["name", "ca"])
async def test_who_only_sits_in_the_wardens_place_proves_nothing(
    place: Place, tmp_path: Path, change: str
) -> None:
    await seen(place)
    other = tmp_path / "other"
    other.mkdir()
    wrong: dict[str, object] = {"name": "another.svc", "ca": Authority(other).file}
    assert (await place.warden.ask()).problem == "", "control: the real one"
    false = replace(place.warden, **{change: wrong[change]})  # type: ignore[arg-type]
    assert "certificate" in (await false.ask()).problem.lower()
    assert (await round_of(false, [CLOSED])).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    "body",
    [b"", b"HTTP/1.1 500 x\r\n\r\n{}", b"HTTP/1.1 200 OK\r\n\r\n{", b"HTTP/1.1 200 OK\r\n\r\n{}"],
)
def test_an_answer_that_is_none_is_no_answer(body: bytes) -> None:
    from casemate.isolation.client import _answer  # noqa: PLC0415

    good = b'HTTP/1.1 200 OK\r\n\r\n{"seen": {"tcp": 1.5, "udp": null}}'
    assert _answer(good) == Answer(seen=((Protocol.TCP, 1.5),))
    with pytest.raises((ValueError, KeyError)):
        _answer(body)


async def test_the_gate_waits_until_it_is_proven(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    options = Options(place.warden, (CLOSED,), patience=20.0)
    tried = []

    async def later(warden: Warden, closed: tuple[Target, ...]) -> object:
        tried.append(closed)
        if len(tried) == 2:
            await seen(place)
        return await round_of(warden, closed)

    proof = await gate.hold(options, later)  # type: ignore[arg-type]
    assert proof.verdict is Verdict.ENFORCED
    lines = capsys.readouterr().out.splitlines()
    assert ["Inconclusive" in lines[0], "Enforced" in lines[-1]] == [True, True]


async def test_the_gate_gives_up_with_the_reason(place: Place) -> None:
    options = Options(place.warden, (place.at(Protocol.TCP),), patience=0.3)
    assert (await gate.hold(options)).verdict is Verdict.NOT_ENFORCED
