"""What is held is sealed on the disk, found after a restart, bounded, and gone at the end."""

import time
from pathlib import Path

import pytest

from casemate.audit import sealing
from casemate.warden.contents import Contents, FullError, Place

ONE, OTHER = Place("models", "held-1"), Place("plans", "held-1")
TEXT = b"move the bridging company to the ford"


def test_it_is_kept_sealed_and_found_after_a_restart(tmp_path: Path) -> None:
    made = Contents(tmp_path / "held")
    made.keep(ONE, TEXT)
    files = sorted(tmp_path.rglob("*"))
    assert [one.name for one in files] == ["held", "key.pem", "models.held-1.sealed"]
    assert all(one.stat().st_mode & 0o077 == 0 for one in files)
    assert not any(TEXT in one.read_bytes() for one in files if one.is_file())
    again = Contents(tmp_path / "held")
    assert again.content(ONE) == TEXT
    assert again.content(OTHER) is None
    assert again.total == made.total > len(TEXT)


def test_what_ended_is_gone_and_the_other_stays(tmp_path: Path) -> None:
    made = Contents(tmp_path / "held")
    made.keep(ONE, TEXT)
    made.keep(OTHER, TEXT)
    made.drop(ONE)
    made.drop(ONE)
    assert made.content(ONE) is None
    assert made.content(OTHER) == TEXT
    assert [one.name for one in tmp_path.rglob("*.sealed")] == ["plans.held-1.sealed"]


def test_a_sweep_takes_what_nobody_lists_and_was_there_before(tmp_path: Path) -> None:
    made = Contents(tmp_path / "held")
    made.keep(ONE, TEXT)
    made.keep(OTHER, TEXT)
    listed = time.monotonic()
    new = Place("models", "held-2")
    made.keep(new, TEXT)
    made.sweep({OTHER}, listed)
    assert [made.content(one) for one in (ONE, OTHER, new)] == [None, TEXT, TEXT]


def test_no_more_is_kept_than_there_is_room_for(tmp_path: Path) -> None:
    made = Contents(tmp_path / "held", most=1000)
    made.keep(ONE, b"x" * 700)
    with pytest.raises(FullError, match="up to 1000"):
        made.keep(OTHER, b"x" * 700)
    made.drop(ONE)
    made.keep(OTHER, b"x" * 700)


def test_a_draft_of_a_crash_is_removed_and_a_changed_file_is_not_opened(tmp_path: Path) -> None:
    made = Contents(tmp_path / "held")
    made.keep(ONE, TEXT)
    (tmp_path / "held" / "models.held-9.sealed.new").write_bytes(b"half")
    path = tmp_path / "held" / "models.held-1.sealed"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    again = Contents(tmp_path / "held")
    assert not list(tmp_path.rglob("*.new"))
    with pytest.raises(sealing.SealError, match="not as it was sealed"):
        again.content(ONE)


def test_a_key_that_is_none_stops_the_start(tmp_path: Path) -> None:
    Contents(tmp_path / "held")
    (tmp_path / "held" / "key.pem").write_bytes(b"nothing")
    with pytest.raises(sealing.SealError):
        Contents(tmp_path / "held")
