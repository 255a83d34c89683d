"""Two replicas' volumes in one bundle: whole where nothing was touched, and a rollback is found."""

import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from casemate import guardfiles
from casemate.api.agreement import UsageAgreementSpec
from casemate.cli.main import main
from casemate.core.digests import digest_of
from support.evidence import TERMS
from unit.audit.samples import FIELDS, HEX
from unit.warden.two import Replica, replicas

Capture = pytest.CaptureFixture[str]
SPEC = UsageAgreementSpec.model_validate(TERMS).model_dump(
    mode="json", by_alias=True, exclude_none=True
)
BUNDLE, _ = guardfiles.identity(guardfiles.shipped())


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[list[Replica]]:
    async with replicas(tmp_path) as made:
        yield made


async def asked(one: Replica) -> str:
    """Record an intent; return its id."""
    intent: dict[str, Any] = FIELDS["intent"] | {
        "verdict": {"verdict": "allow", "line": None, "tier": None, "findings": []},
        "request": {"sha256": HEX, "bytes": 412, "stream": False},
        "agreement": {"name": "logistics", "digest": digest_of(SPEC)},
        "guard": {"bundle": BUNDLE, "policy": f"sha256:{HEX}"},
    }
    del intent["approval"]
    return f"{one.name}/{(await one.log.append('intent', intent)).index}"


async def ended(one: Replica, intent: str, latency: int = 12) -> None:
    """Record what became of an intent."""
    end = {"intent": intent, "response": {"sha256": HEX, "bytes": 90}, "latency_ms": latency}
    await one.log.append("outcome", FIELDS["outcome"] | end)


async def answered(one: Replica, other: Replica | None = None) -> None:
    intent = await asked(one)
    one.clock.tick(0.01)
    (other or one).clock.tick(0.01)
    await ended(other or one, intent)


async def witnessed(two: list[Replica]) -> None:
    for one in two:
        await one.log.proof(one.log.size - 1)
        await one.among.witnessing.round()


class Evidence:
    """What an inspector carries away."""

    def __init__(self, folder: Path, capture: Capture) -> None:
        self.folder, self._capture, self._count = folder, capture, 0
        self.terms = folder / "agreements.json"
        self.terms.write_text(json.dumps({"items": [{"spec": SPEC}]}))

    def exported(self, *volumes: Path) -> Path:
        self._count += 1
        out = self.folder / f"evidence-{self._count}"
        given = [str(one) for one in volumes]
        assert main(["audit", "export", *given, str(out), "--agreements", str(self.terms)]) == 0
        return out

    def verified(self, out: Path, policy: Path | None = None) -> dict[str, Any]:
        self._capture.readouterr()
        keys = str(policy or out / "policy.json")
        status = main(["audit", "verify", str(out), "--policy", keys, "-o", "json"])
        told: dict[str, Any] = json.loads(self._capture.readouterr().out)
        assert status == {"intact": 0, "broken": 1, "incomplete": 3}[told["verdict"]]
        return told


@pytest.fixture
def evidence(tmp_path: Path, capsys: Capture) -> Evidence:
    return Evidence(tmp_path, capsys)


def whys(told: dict[str, Any], severity: str) -> str:
    return "\n".join(one["why"] for one in told["findings"] if one["severity"] == severity)


async def test_two_logs_are_whole_and_each_is_seen_by_the_other(
    two: list[Replica], evidence: Evidence
) -> None:
    for _ in range(3):
        await answered(*two)
        await answered(two[1])
        await witnessed(two)
    await answered(two[0])
    await two[0].log.proof(two[0].log.size - 1)
    out = evidence.exported(*(one.keep(f"copy-of-{one.name}") for one in two))
    told = evidence.verified(out)
    assert told["verdict"] == "intact", told["findings"]
    assert json.loads((out / "policy.json").read_text())["quorum"] == 1
    assert [log["witnesses"] for log in told["logs"]] == [
        [f"{one.origin}/witness"] for one in two[::-1]
    ]
    assert "have no witness yet" in whys(told, "note"), "the last request is told apart"
    assert (told["intents"], told["outcomes"], told["unfinished"]) == (7, 7, 0)


async def test_what_was_recorded_twice_as_an_answer_was_lost_is_whole(
    two: list[Replica], evidence: Evidence
) -> None:
    one, other = two
    intent = await asked(one)
    await ended(one, intent)
    await ended(other, intent)
    await witnessed(two)
    told = evidence.verified(evidence.exported(one.volume, other.volume))
    assert told["verdict"] == "intact", told["findings"]
    assert "its answer was lost" in whys(told, "note")
    await ended(other, intent, latency=13)
    await witnessed(two)
    told = evidence.verified(evidence.exported(one.volume, other.volume))
    assert told["verdict"] == "broken", "another outcome is no repetition"


async def test_a_log_that_was_rolled_back_is_found_by_the_other_one_s_memory(
    two: list[Replica], evidence: Evidence
) -> None:
    one, other = two
    await answered(one)
    await witnessed(two)
    older = one.keep("older")
    await answered(one)
    await witnessed(two)
    assert evidence.verified(evidence.exported(one.volume, other.volume))["verdict"] == "intact"
    told = evidence.verified(evidence.exported(older, other.volume))
    assert told["verdict"] == "broken"
    assert "cut or rolled back" in whys(told, "broken")


async def test_another_history_by_the_same_key_is_found_by_the_other_one_s_memory(
    two: list[Replica], evidence: Evidence
) -> None:
    one, other = two
    await answered(one)
    await one.close()
    older = one.keep("older")
    await one.open()
    await answered(one)
    await witnessed(two)
    await one.close()
    one.put_back(older)
    await one.open()
    for _ in range(3):
        await answered(one)
    told = evidence.verified(evidence.exported(one.keep("anew"), other.volume))
    assert told["verdict"] == "broken"
    assert "has another root" in whys(told, "broken")


async def test_a_log_without_the_other_still_has_its_signatures(
    two: list[Replica], evidence: Evidence
) -> None:
    one, _ = two
    await answered(one)
    await witnessed(two)
    told = evidence.verified(evidence.exported(one.volume))
    assert told["verdict"] == "intact", told["findings"]
    assert len(told["logs"][0]["witnesses"]) == 1


async def test_one_replica_alone_has_no_witness_and_says_so(
    tmp_path: Path, evidence: Evidence
) -> None:
    async with replicas(tmp_path, 1) as (one,):
        await answered(one)
        await one.log.proof(one.log.size - 1)
        out = evidence.exported(one.volume)
    assert json.loads((out / "policy.json").read_text())["quorum"] == 0
    told = evidence.verified(out)
    assert told["verdict"] == "intact", told["findings"]
    assert "could have written it anew" in whys(told, "note")


async def test_an_end_that_nobody_witnessed_for_long_is_incomplete(
    two: list[Replica], evidence: Evidence
) -> None:
    one, other = two
    await answered(one)
    await witnessed(two)
    await other.fall_silent()
    one.clock.tick(601.0)
    await answered(one)
    await one.log.proof(one.log.size - 1)
    told = evidence.verified(evidence.exported(one.volume, other.volume))
    assert told["verdict"] == "incomplete"
    assert "may have written them anew" in whys(told, "incomplete")


async def test_each_log_is_given_once(two: list[Replica], tmp_path: Path, capsys: Capture) -> None:
    copy = tmp_path / "copy"
    await two[0].log.proof(0)
    shutil.copytree(two[0].volume, copy)
    assert main(["audit", "export", str(copy), str(two[0].volume), str(tmp_path / "out")]) == 2
    assert "each log once is accepted" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
