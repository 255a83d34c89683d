"""The copy of a log that runs, and how it is unpacked: what is no evidence is in neither."""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from casemate.api.agreement import UsageAgreementSpec
from casemate.audit.bundle import BundleError
from casemate.cli.collect import unpack
from casemate.core import agreements
from casemate.core.digests import encoded
from casemate.warden.copy import LOG, SIGNED, copy, main
from casemate.warden.log.stamp import SystemClock
from casemate.warden.log.store import Log
from casemate.warden.terms import Terms, file_of
from support.attacks import Layer, attack
from support.terms import AGREEMENT_SPEC

SPEC = UsageAgreementSpec.model_validate(AGREEMENT_SPEC)
DIGEST = agreements.digest(SPEC)


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """The log of a warden that has met an agreement."""
    log = await Log.open(tmp_path / "log", "log/of/test", SystemClock())
    await Terms(tmp_path / "log").keep(SPEC)
    await log.close()
    return tmp_path / "log"


async def test_terms_are_kept_once_by_their_digest(tmp_path: Path) -> None:
    first = Terms(tmp_path)
    assert await first.keep(SPEC) == DIGEST
    path = tmp_path / "terms" / file_of(DIGEST)
    assert path.read_bytes() == encoded(agreements.plain(SPEC))
    path.write_bytes(b"untouched")
    assert await Terms(tmp_path).keep(SPEC) == DIGEST
    assert path.read_bytes() == b"untouched", "what is kept is not written again"


def test_a_copy_has_the_evidence_and_neither_keys_nor_anything_else(
    folder: Path, tmp_path: Path
) -> None:
    for name in ("held/one", "witnessed/ab", "witnessed/ab.new", "peers/p.json", "cosigned"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"sealed")
    for part in (SIGNED, LOG):
        out = io.BytesIO()
        copy(folder, out, part)
        out.seek(0)
        unpack(out, tmp_path / "copied")

    found = {str(one.relative_to(tmp_path / "copied")) for one in _files(tmp_path / "copied")}
    kept = {str(one.relative_to(folder)) for one in _files(folder)}
    copied = ("segments/", "terms/", "witnessed/", "peers/", "cosigned")
    assert found == {one for one in kept if one.startswith(copied) and not one.endswith(".new")}
    assert any(one.startswith("keys/") for one in kept), "control: there are keys"
    for name in found:
        assert (tmp_path / "copied" / name).read_bytes() == (folder / name).read_bytes()


def test_where_no_log_is_nothing_is_copied(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--log", str(tmp_path)]) == 1
    assert "no log is there" in capsys.readouterr().err


@attack("evidence", "a warden's copy that would write elsewhere", Layer.WARDEN)
@pytest.mark.parametrize(
    "name",
    [
        "../outside",
        "/etc/outside",
        "segments/../../outside",
        "keys/log",
        "segments/a/b",
        "segments/..",
    ],
)
def test_a_copy_unpacks_nowhere_else(tmp_path: Path, name: str) -> None:
    with pytest.raises(BundleError):
        unpack(_tar(tarfile.TarInfo(name)), tmp_path / "copied")
    assert not list(_files(tmp_path))
    unpack(_tar(tarfile.TarInfo("segments/0.log")), tmp_path / "copied")
    assert list(_files(tmp_path)), "control"


@attack("evidence", "a warden's copy with a link in it", Layer.WARDEN)
def test_a_copy_has_no_links(tmp_path: Path) -> None:
    link = tarfile.TarInfo("segments/0.log")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with pytest.raises(BundleError):
        unpack(_tar(link), tmp_path / "copied")


def _tar(member: tarfile.TarInfo) -> io.BytesIO:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w|") as tar:
        tar.addfile(member, io.BytesIO())
    out.seek(0)
    return out


def _files(folder: Path) -> Iterator[Path]:
    return (one for one in folder.rglob("*") if one.is_file())
