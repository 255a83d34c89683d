"""What is in force: the pinned policy and the bundle that it asks for, and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from casemate.gateway.errors import Cause, CheckUnavailableError
from casemate.gateway.guard import InForce
from casemate.gateway.guardmetrics import GuardMetrics
from casemate.gateway.loading import load
from casemate.gateway.policy import Keeper, LoadError, digest_of
from casemate.gateway.quotas import Limits
from casemate.gateway.settings import Pinned, parse_settings
from unit.gateway.conftest import Start
from unit.gateway.guarded import BUNDLE, VERSION, Markers, build
from unit.gateway.support import CHAT, until
from unit.gateway.test_guard_failures import readiness, refused

TERMS: dict[str, Any] = {
    "version": 1,
    "bundle": {"digest": digest_of(BUNDLE), "minimumVersion": VERSION},
    "lines": [{"id": "use-of-force", "verdict": "Refuse", "patterns": ["fire at will"]}],
    "uncovered": "Refuse",
    "systemInstruction": "Stay within the terms.",
    "quotas": {"windowSeconds": 3600, "requests": 10, "tokens": 1000, "persons": 5},
    "detectors": [],
}


def terms(**changes: Any) -> bytes:
    return json.dumps({**TERMS, **changes}).encode()


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Kept:
    """A keeper of a file, with a clock to turn."""

    def __init__(self, path: Path, content: bytes) -> None:
        self.path = path
        self.clock = Clock()
        self.registry = CollectorRegistry()
        self.pinned = Pinned(path, digest_of(content), 600.0)
        self.keeper = Keeper(self.pinned, self.load, GuardMetrics(self.registry), self.clock)

    def load(self, policy: bytes | None) -> InForce:
        return load(policy, BUNDLE, build)

    def reloads(self, result: str) -> float:
        name = "casemate_guard_reloads_total"
        return self.registry.get_sample_value(name, {"result": result}) or 0.0

    def cause(self) -> Cause | None:
        try:
            self.keeper()
        except CheckUnavailableError as error:
            return error.cause
        return None


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    path = tmp_path / "policy.json"
    path.write_bytes(terms())
    return Kept(path, terms())


async def test_the_pinned_policy_comes_into_force_with_all_that_it_says(kept: Kept) -> None:
    assert kept.cause() is Cause.LOADING
    await kept.keeper.look()
    force = kept.keeper()
    assert isinstance(force.judge, Markers)
    assert (force.digest, force.version) == (digest_of(BUNDLE), VERSION)
    assert force.limits == Limits(3600, 10, 1000, 5)
    assert force.instruction is not None
    assert force.instruction.text == "Stay within the terms."
    assert kept.keeper.problem is None
    assert kept.reloads("ok") == 1
    labels = {"digest": digest_of(BUNDLE), "version": str(VERSION)}
    assert kept.registry.get_sample_value("casemate_guard_bundle_info", labels) == 1


async def test_other_content_does_not_come_into_force_and_the_old_stays(kept: Kept) -> None:
    await kept.keeper.look()
    before = kept.keeper()
    for content in (terms(lines=[]), b"", b"x" * (2 << 20)):
        kept.path.write_bytes(content)
        await kept.keeper.look()
        await kept.keeper.look()
        assert kept.keeper() is before
    kept.path.unlink()
    await kept.keeper.look()
    assert kept.keeper() is before
    assert kept.reloads("refused") == 3  # too large and missing are the same: there is none


async def test_a_difference_that_lasts_makes_the_gateway_unready_until_it_ends(kept: Kept) -> None:
    await kept.keeper.look()
    kept.path.write_bytes(terms(lines=[]))
    await kept.keeper.look()
    kept.clock.now += 599
    await kept.keeper.look()
    assert kept.cause() is None
    kept.clock.now += 1
    assert kept.cause() is Cause.STALE
    assert "differs" in (kept.keeper.problem or "")
    kept.path.write_bytes(terms())
    await kept.keeper.look()
    assert kept.cause() is None
    assert kept.reloads("ok") == 2
    kept.clock.now += 10_000
    assert kept.cause() is None


async def test_a_file_that_comes_later_is_waited_for(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "policy.json", terms())
    await kept.keeper.look()
    assert "missing" in (kept.keeper.problem or "")
    kept.path.write_bytes(terms(uncovered="Hold"))
    await kept.keeper.look()
    assert "pinned digest" in (kept.keeper.problem or "")
    kept.path.write_bytes(terms())
    await kept.keeper.look()
    assert kept.keeper.problem is None


async def test_a_file_without_end_is_not_read(tmp_path: Path) -> None:
    kept = Kept(Path("/dev/zero"), terms())
    await kept.keeper.look()
    assert kept.cause() is Cause.LOADING


REFUSED: dict[str, tuple[bytes, str]] = {
    "another bundle": (terms(bundle={"digest": "sha256:" + "1" * 64}), "asks for bundle"),
    "a newer bundle": (terms(bundle={"minimumVersion": VERSION + 1}), "or later"),
    "an unknown field": (terms(extra=1), "unknown field 'extra'"),
    "an unknown field within": (terms(bundle={"x": 1}), "unknown field 'bundle.x'"),
    "an unknown field of a line": (
        terms(lines=[{"id": "a", "verdict": "Hold", "x": 1}]),
        "lines[0].x",
    ),
    "a line that allows": (terms(lines=[{"id": "a", "verdict": "Allow"}]), "Hold or Refuse"),
    "a line without a verdict": (terms(lines=[{"id": "a"}]), "Hold or Refuse"),
    "a line without a name": (terms(lines=[{"verdict": "Hold"}]), "lines[0].id"),
    "a pattern that is none": (
        terms(lines=[{"id": "a", "verdict": "Hold", "patterns": [1]}]),
        "patterns must be",
    ),
    "an unknown verdict on languages": (terms(uncovered="Allow"), "uncovered must be"),
    "another version": (terms(version=2), "version must be 1"),
    "no version": (json.dumps({}).encode(), "version must be 1"),
    "a version that is no number": (terms(version=True), "version must be"),
    "a field twice": (b'{"version": 1, "lines": [], "lines": []}', "twice"),
    "no JSON": (b"{", "not JSON"),
    "bytes": (b"\xff", "not JSON"),
    "a list": (b"[]", "must be an object"),
    "quotas without a window": (terms(quotas={"requests": 1}), "windowSeconds is required"),
    "quotas of none": (terms(quotas={"windowSeconds": 60, "requests": 0}), "at least 1"),
    "quotas in words": (terms(quotas={"windowSeconds": "60"}), "type int"),
    "a digest that is none": (terms(bundle={"digest": "sha256:x"}), "64 hexadecimal"),
    "a port that is none": (
        terms(detectors=[{"name": "w", "port": 70_000, "detectorId": "w"}]),
        "from 1 to 65535",
    ),
}


@pytest.mark.parametrize(("content", "why"), REFUSED.values(), ids=REFUSED.keys())
async def test_a_policy_that_cannot_be_kept_does_not_come_into_force(
    content: bytes, why: str, tmp_path: Path
) -> None:
    with pytest.raises(LoadError, match=r".*") as caught:
        load(content, BUNDLE, build)
    assert why in str(caught.value)
    path = tmp_path / "policy.json"
    path.write_bytes(content)
    kept = Kept(path, content)
    await kept.keeper.look()
    await kept.keeper.look()
    assert kept.cause() is Cause.LOADING
    assert why in (kept.keeper.problem or "")
    assert kept.reloads("refused") == 1


def test_the_least_that_a_policy_may_say_is_its_version() -> None:
    force = load(b'{"version": 1}', BUNDLE, build)
    assert (force.instruction, force.limits) == (None, None)
    assert load(None, BUNDLE, build).version == VERSION


async def test_a_gateway_serves_by_the_pinned_policy_and_not_by_another(
    start: Start, tmp_path: Path
) -> None:
    path = tmp_path / "policy.json"
    path.write_bytes(b"{}")
    pinned = Pinned(path, digest_of(terms()), 600.0)
    gateway = await start(load=lambda raw: load(raw, BUNDLE, build), pinned=pinned)
    await refused(gateway, CHAT, "loading")
    assert "pinned digest" in await readiness(gateway)
    path.write_bytes(terms())
    await until(lambda: gateway.stack.problem is None)
    assert (await gateway.post(CHAT)).status == 200


BASE = [
    "--listen",
    "127.0.0.1:1",
    "--metrics",
    "127.0.0.1:2",
    "--tls-bundle",
    "x",
    "--engine",
    "http://127.0.0.1:3",
    "--identity",
    "anonymous",
]
DIGEST = "sha256:" + "a" * 64


def test_the_command_line_names_policy_digest_bundle_and_patience() -> None:
    given = ["--guard-policy", "p", "--guard-policy-digest", DIGEST, "--guard-bundle", "b"]
    guard = parse_settings([*BASE, *given, "--guard-stale-timeout", "5"]).guard
    assert guard.pinned == Pinned(Path("p"), DIGEST, 5.0)
    assert guard.bundle == Path("b")
    assert parse_settings([*BASE, *given]).guard.pinned == Pinned(Path("p"), DIGEST, 600.0)
    assert parse_settings(BASE).guard.pinned is None


@pytest.mark.parametrize(
    "given",
    [
        ["--guard-policy", "p"],
        ["--guard-policy-digest", DIGEST],
        ["--guard-policy", "p", "--guard-policy-digest", "sha256:x"],
        ["--guard-policy", "p", "--guard-policy-digest", DIGEST.upper()],
        ["--guard-policy", "p", "--guard-policy-digest", DIGEST, "--guard-stale-timeout", "0"],
    ],
    ids=["no digest", "no file", "no digest's form", "upper case", "no patience"],
)
def test_a_policy_without_its_digest_or_the_reverse_is_refused(given: list[str]) -> None:
    with pytest.raises(SystemExit):
        parse_settings([*BASE, *given])
