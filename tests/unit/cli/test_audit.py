"""`kubectl casemate audit`, as an inspector calls it: files, output, exit statuses."""

import io
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from casemate.cli.main import main
from casemate.cli.printable import printable
from support.evidence import World, whole

POD = "casemate-warden-0"


class Place(NamedTuple):
    """What lies on the inspector's desk."""

    world: World
    bundle: Path
    policy: Path


class Done(NamedTuple):
    """How a command ended."""

    status: int
    out: str
    err: str


Audit = Callable[..., Done]


@pytest.fixture
def audit(capfd: pytest.CaptureFixture[str]) -> Audit:
    def run(*arguments: Any) -> Done:
        try:
            status = main(["audit", *map(str, arguments)])
        except SystemExit as ended:  # argparse
            status = int(str(ended.code))
        sys.stdout.flush()
        return Done(status, *capfd.readouterr())

    return run


def written(held: dict[str, bytes], root: Path) -> Path:
    for name, raw in held.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
    return root


def tarred(held: dict[str, bytes], path: Path) -> Path:
    with tarfile.open(path, "w:") as tar:
        for name, raw in held.items():
            member = tarfile.TarInfo(f"./{name}")
            member.size = len(raw)
            tar.addfile(member, io.BytesIO(raw))
    return path


@pytest.fixture(scope="module")
def world() -> World:
    return whole()


@pytest.fixture
def place(tmp_path: Path, world: World) -> Place:
    policy = tmp_path / "policy.json"
    policy.write_text(world.policy.model_dump_json())
    return Place(world, written(world.export(), tmp_path / "bundle"), policy)


def test_a_whole_bundle_is_intact_as_directory_and_as_tar(place: Place, audit: Audit) -> None:
    tar = tarred(place.world.export(), place.bundle.parent / "bundle.tar")
    for bundle in (place.bundle, tar):
        done = audit("verify", bundle, "--policy", place.policy)
        assert (done.status, done.err) == (0, "")
        assert f"{POD}: 43 records, 2 starts, 2027-01-15T08:00:00" in done.out
        assert "seen by casemate.dev/warden/0b6c/casemate-warden-1/witness" in done.out
        assert "note: casemate-warden-1/24: unfinished" in done.out
        assert "\nverdict: intact (0 broken, 0 incomplete, 4 note)\n" in done.out


def test_a_changed_record_is_broken_and_named(place: Place, audit: Audit) -> None:
    records = place.bundle / f"logs/{POD}/records.jsonl"
    leaves = records.read_bytes().splitlines(keepends=True)
    leaves[2] = leaves[2].replace(b"ana@", b"bob@")
    records.write_bytes(b"".join(leaves))
    done = audit("verify", place.bundle, "--policy", place.policy)
    assert done.status == 1
    assert f"broken: {POD}/2: this record is not the one that was signed\n" in done.out
    assert "verdict: broken (1 broken, 0 incomplete" in done.out
    told = orjson.loads(audit("verify", place.bundle, "--policy", place.policy, "-o", "json").out)
    assert told["verdict"] == "broken"
    first = told["findings"][0]
    assert (first["severity"], first["log"], first["index"]) == ("broken", POD, 2)


def test_without_a_policy_nothing_is_proven(place: Place, audit: Audit) -> None:
    done = audit("verify", place.bundle)
    assert done.status == 3
    assert "incomplete: policy.json: no policy was given" in done.out


def test_a_checkpoint_that_was_kept_shows_a_rollback(place: Place, audit: Audit) -> None:
    kept = place.bundle.parent / "kept"
    done = audit("verify", place.bundle, "--policy", place.policy, "--keep", kept)
    assert done.status == 0
    older = written(place.world.before(2).export(), place.bundle.parent / "older")
    assert audit("verify", older, "--policy", place.policy).status == 0
    brought = [part for one in sorted(kept.glob("*.checkpoint")) for part in ("--since", one)]
    assert len(brought) == 4
    assert audit("verify", place.bundle, "--policy", place.policy, *brought).status == 0
    done = audit("verify", older, "--policy", place.policy, *brought)
    assert done.status == 1
    assert "the checkpoint that you brought, of size 43, covers records that are not" in done.out


def test_nothing_is_kept_of_what_is_not_intact(place: Place, audit: Audit) -> None:
    kept = place.bundle.parent / "kept"
    assert audit("verify", place.bundle, "--keep", kept).status == 3
    assert not kept.exists()


def test_the_policy_that_is_kept_knows_the_keys_that_took_over(place: Place, audit: Audit) -> None:
    kept = place.bundle.parent / "kept"
    audit("verify", place.bundle, "--policy", place.policy, "--keep", kept)
    policy = orjson.loads((kept / "policy.json").read_bytes())
    before = place.world.policy
    assert tuple(policy["logs"][:2]) == before.logs
    assert policy["logs"][2:] == [str(place.world.logs[0].keys[1].verifier)]
    assert policy["witnesses"][2:] == [str(place.world.logs[1].witness.verifier)]
    assert audit("verify", place.bundle, "--policy", kept / "policy.json").status == 0


def test_what_belongs_to_a_record_is_shown(place: Place, audit: Audit) -> None:
    log = place.world.logs[1]
    spent = next(at for at, leaf in enumerate(log.leaves) if b"approval-consumed" in leaf)
    done = audit("show", place.bundle, f"{log.pod}/{spent}", "-o", "json")
    found = [(one["id"], one["record"]["kind"]) for one in orjson.loads(done.out)]
    kinds = [kind for _, kind in found]
    assert sorted(kinds) == sorted(
        ["approval-requested", "approval-decided", "intent", "approval-decided",
         "approval-consumed", "outcome"]
    )  # fmt: skip
    shown = audit("show", place.bundle, f"{log.pod}/{spent}")
    assert shown.status == 0
    assert all(f"{one}: {kind} at " in shown.out for one, kind in found)
    assert '  username: "cyd@example.org"' in shown.out


def pem(key: X25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def test_content_is_opened_by_the_key_alone(place: Place, audit: Audit) -> None:
    seq, part, _ = place.world.logs[0].contents[0]
    assert part == "request"
    key = place.bundle.parent / "key.pem"
    key.write_bytes(pem(place.world.sealer))
    done = audit("show", place.bundle, f"{POD}/{seq}", "--identity", key)
    assert (done.status, done.out) == (0, "what was asked")
    key.write_bytes(pem(X25519PrivateKey.generate()))
    done = audit("show", place.bundle, f"{POD}/{seq}", "--identity", key)
    assert (done.status, done.out) == (2, "")
    assert "sealed to key" in done.err
    done = audit("show", place.bundle, f"{POD}/0", "--identity", key)
    assert (done.status, done.out) == (2, "")
    assert f"holds no content of {POD}/0" in done.err


@pytest.mark.parametrize("index", [0, 1, 17, 41, 42])
def test_a_receipt_is_made_and_checked(place: Place, audit: Audit, index: int) -> None:
    kept, receipt = place.bundle.parent / "kept", place.bundle.parent / "receipt"
    audit("verify", place.bundle, "--policy", place.policy, "--keep", kept)
    made = audit("proof", place.bundle, f"{POD}/{index}")
    assert made.status == 0
    receipt.write_text(made.out)
    check = ("--check", receipt, "--policy", kept / "policy.json")
    done = audit("proof", place.bundle, f"{POD}/{index}", *check)
    assert (done.status, done.out) == (0, "verdict: intact\n")
    assert audit("proof", place.bundle, f"{POD}/{index}", *check[:2]).status == 3
    for other in (f"{POD}/{index + 1 if index < 42 else 0}", f"casemate-warden-1/{min(index, 41)}"):
        done = audit("proof", place.bundle, other, *check, "-o", "json")
        assert done.status == 1
        assert orjson.loads(done.out)["verdict"] == "broken"


def test_no_receipt_is_made_of_a_changed_log(place: Place, audit: Audit) -> None:
    records = place.bundle / f"logs/{POD}/records.jsonl"
    records.write_bytes(records.read_bytes().replace(b"ana@", b"bob@", 1))
    done = audit("proof", place.bundle, f"{POD}/20")
    assert (done.status, done.out) == (2, "")
    assert "are not those that the last checkpoint was made of" in done.err


@pytest.mark.parametrize("wrong", ["x", f"{POD}/-1", f"{POD}/01", "17"])
def test_an_id_that_is_none_is_wrong_usage(place: Place, audit: Audit, wrong: str) -> None:
    done = audit("show", place.bundle, wrong)
    assert done.status == 2
    assert "POD/INDEX is accepted" in done.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("verify", "{here}/nowhere"), "No such file"),
        (("verify", "{here}/policy.json"), "neither a directory nor an uncompressed tar"),
        (("verify", "{here}/bundle", "--policy", "{here}/bundle/bundle.json"), "contents: "),
        (("verify", "{here}/bundle", "--since", "{here}/policy.json"), "a note is a text"),
        (("show", "{here}/bundle", f"{POD}/999"), "there is no record 999"),
        (
            ("show", "{here}/bundle", "other/0"),
            "'other' was asked for; there are casemate-warden-0",
        ),
        (("proof", "{here}/bundle", f"{POD}/43"), "the last checkpoint covers 43"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_own_status(
    place: Place, audit: Audit, arguments: tuple[str, ...], told: str
) -> None:
    here = place.bundle.parent
    done = audit(*(one.format(here=here) for one in arguments))
    assert (done.status, done.out) == (2, "")
    assert told in done.err


def test_links_doubles_and_cut_tars_are_refused(place: Place, audit: Audit) -> None:
    tar = tarred(place.world.export(), place.bundle.parent / "bundle.tar")
    whole_tar = tar.read_bytes()
    with tarfile.open(tar, "a:") as more:
        more.addfile(tarfile.TarInfo("bundle.json"))
    assert "bundle.json: is there twice" in audit("verify", tar, "--policy", place.policy).err
    tar.write_bytes(whole_tar)
    with tarfile.open(tar, "a:") as more:
        link = tarfile.TarInfo("logs/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        more.addfile(link)
    assert "logs/link: is no plain file" in audit("verify", tar, "--policy", place.policy).err
    for end in (len(whole_tar) // 3, len(whole_tar) // 2):
        tar.write_bytes(whole_tar[:end])
        assert audit("verify", tar, "--policy", place.policy).status == 2
    (place.bundle / "logs" / "link").symlink_to("/etc/passwd")
    done = audit("verify", place.bundle, "--policy", place.policy)
    assert (done.status, done.out) == (2, "")
    assert "logs/link: is no plain file" in done.err


def test_what_a_record_says_does_not_move_the_cursor(audit: Audit, tmp_path: Path) -> None:
    world = World()
    for number in range(2):
        world.start(number)
    world.intent(0, caller={"username": "\x1b[2J\u202eana", "uid": "u"})
    for number in range(2):
        world.checkpoint(number)
    done = audit("show", written(world.export(), tmp_path / "bundle"), f"{POD}/1")
    assert done.status == 0
    assert "\x1b" not in done.out
    assert "\u202e" not in done.out
    assert r'username: "\u001b[2J\u202eana"' in done.out


def test_printable() -> None:
    assert printable("Größe 日本\n\x1b\u200b") == r"Größe 日本\n\x1b\u200b"


def test_verifying_loads_nothing_that_talks(place: Place) -> None:
    program = (
        "import sys; from casemate.cli.main import main; status = main(sys.argv[1:]); "
        "assert not {'kubernetes', 'aiohttp', 'kopf', 'numpy'} & sys.modules.keys(); "
        "sys.exit(status)"
    )
    call = [
        sys.executable,
        "-c",
        program,
        "audit",
        "verify",
        str(place.bundle),
        "--policy",
        str(place.policy),
    ]
    assert subprocess.run(call, check=False, capture_output=True, timeout=60).returncode == 0


def test_unknown_commands_are_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert main(["audits"]) == 2
    assert "unknown command 'audits'" in capsys.readouterr().err
    assert main(["--help"]) == 0
    assert "audit " in capsys.readouterr().out
