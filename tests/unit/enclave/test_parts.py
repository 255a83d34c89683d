"""Building: what decides whether a program is built again, and what is refused."""

from pathlib import Path

import pytest

from enclave import parts, paths
from enclave.errors import EnclaveError
from enclave.families import FAMILIES, Binary, Family

TOOL = Binary("tool", "example.test/tool")
FAMILY = Family("family", "1.2.3", (TOOL,))


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(paths, "PARTS", tmp_path / "parts")
    monkeypatch.setenv("CASEMATE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(FAMILIES, "family", FAMILY)
    folder = tmp_path / "parts" / "family"
    folder.mkdir(parents=True)
    (folder / "go.mod").write_text("module family\n\ngo 1.26.0\n")
    (folder / "go.sum").write_text("sum")
    return folder


def pretend_built() -> None:
    target = parts.folder(FAMILY) / TOOL.name
    target.parent.mkdir(parents=True)
    target.write_text("program")
    target.with_name(".tool.digest").write_text(parts.digest(FAMILY, TOOL))


def fake_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = tmp_path / "bin" / "go"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")


@pytest.mark.usefixtures("sources")
def test_a_program_built_from_the_present_sources_is_not_built_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_built()
    fake_go(tmp_path, monkeypatch, "exit 1")
    parts.ensure(["family"])


@pytest.mark.parametrize("changed", ["go.mod", "go.sum", "main.go"])
def test_a_changed_source_makes_the_program_stale(sources: Path, changed: str) -> None:
    pretend_built()
    assert parts.is_built(FAMILY, TOOL)
    (sources / changed).write_text("module family\n\ngo 1.26.0\n// changed\n")
    assert not parts.is_built(FAMILY, TOOL)


@pytest.mark.usefixtures("sources")
def test_changed_flags_make_the_program_stale() -> None:
    other = Family("family", "1.2.3", (TOOL,), tags=("tag",))
    assert parts.digest(other, TOOL) != parts.digest(FAMILY, TOOL)


@pytest.mark.usefixtures("sources")
def test_a_built_program_appears_under_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = 'while [ "$1" != -o ]; do shift; done; echo x > $2'
    script = f"case $1 in env) echo go1.26.0;; *) {build};; esac"
    fake_go(tmp_path, monkeypatch, script)
    parts.ensure(["family"])
    assert parts.path_of("tool").read_text() == "x\n"
    assert parts.is_built(FAMILY, TOOL)


@pytest.mark.usefixtures("sources")
def test_a_failed_build_shows_its_log_and_leaves_no_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = 'case $1 in env) echo go1.26.0;; *) echo "missing go.sum entry"; exit 1;; esac'
    fake_go(tmp_path, monkeypatch, script)
    with pytest.raises(EnclaveError, match=r"missing go\.sum entry"):
        parts.ensure(["family"])
    assert not parts.path_of("tool").exists()


@pytest.mark.usefixtures("sources")
@pytest.mark.parametrize("found", ["go1.25.9", "go1.9"])
def test_an_old_go_is_refused_with_the_version_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found: str
) -> None:
    fake_go(tmp_path, monkeypatch, f"echo {found}")
    with pytest.raises(EnclaveError, match=rf"Go 1\.26\.0 or newer, found {found}"):
        parts.ensure(["family"])


@pytest.mark.usefixtures("sources")
def test_a_missing_go_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnclaveError, match="Go is not installed"):
        parts.ensure(["family"])


def test_an_unknown_part_is_refused_with_the_known_ones() -> None:
    with pytest.raises(EnclaveError, match="choose from etcd"):
        parts.ensure(["nothing"])


def test_every_family_has_its_modules_pinned() -> None:
    for name in FAMILIES:
        assert (paths.PARTS / name / "go.mod").is_file()
        assert (paths.PARTS / name / "go.sum").is_file() or name == "pause"
