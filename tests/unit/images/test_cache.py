import os
import threading
from pathlib import Path

import pytest

from images import cache


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CASEMATE_CACHE", str(tmp_path / "cache"))


def write(entry: Path) -> None:
    (entry / "file").write_text("content")


def test_an_entry_is_built_once():
    entry, built = cache.cached("thing", "k1", write)
    again, rebuilt = cache.cached("thing", "k1", write)
    assert (built, rebuilt) == (True, False)
    assert again == entry
    assert (entry / "file").read_text() == "content"


def test_a_failed_build_leaves_nothing_and_can_be_tried_again():
    def fail(entry: Path) -> None:
        write(entry)
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError):
        cache.cached("thing", "k1", fail)
    assert [path.name for path in (cache.root() / "thing").iterdir()] == [".k1.lock"]
    assert cache.cached("thing", "k1", write)[1]


def test_two_builders_of_one_entry_do_the_work_once():
    builds = []
    both = threading.Barrier(2)

    def build(entry: Path) -> None:
        builds.append(entry)
        write(entry)

    def run() -> None:
        both.wait(5)
        cache.cached("thing", "k1", build)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(builds) == 1


def test_only_the_latest_entries_of_a_name_stay():
    for number in range(cache.KEEP + 2):
        entry, _ = cache.cached("thing", f"k{number}", write)
        os.utime(entry, (number, number))
    cache.cached("thing", "last", write)
    left = sorted(path.name for path in (cache.root() / "thing").glob("[!.]*"))
    assert left == ["k3", "k4", "last"]


def test_a_key_follows_content_names_and_borders(tmp_path: Path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a").write_text("1")
    first = cache.key(folder)
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__/a.pyc").write_text("compiled")
    assert cache.key(folder) == first
    (folder / "a").rename(folder / "b")
    renamed = cache.key(folder)
    (folder / "b").write_text("2")
    assert len({first, renamed, cache.key(folder)}) == 3
    assert cache.key("ab", "c") != cache.key("a", "bc")
