"""Windows cover all of a text, stay short, and together cost a small multiple of it."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casemate.guard.windows import SHORT, Part, Window, width, windows

SENTENCES = "One is here. Two is there! Is three anywhere? "


def test_a_short_text_is_one_window() -> None:
    assert list(windows(SENTENCES)) == [Window(SENTENCES)]
    assert list(windows("  ")) == []


def test_neighbouring_sentences_meet_in_a_window() -> None:
    numbered = [f"This is the sentence of number {n} among many others here." for n in range(60)]
    found = [one.text for one in windows(" ".join(numbered))]

    for first, second in pairwise(numbered):
        assert any(first in one and second in one for one in found)


def test_punctuation_does_not_make_windows_small() -> None:
    cut = "Track. Every. Phone. In. The. Capital. " * 20
    groups = [one.text for one in windows(cut) if one.part is Part.GROUP]

    assert min(map(width, groups[:-1])) > SHORT // 2
    assert all("Track. Every. Phone. In. The. Capital." in one for one in groups[:-1])


@pytest.mark.parametrize("text", ["x" * 5000, "word " * 2000, "字" * 3000, "a.b" * 2000, "." * 999])
def test_windows_are_short_and_cost_a_small_multiple(text: str) -> None:
    found = [one.text for one in windows(text)]

    assert all(width(one) <= SHORT for one in found)
    assert sum(map(len, found)) <= 4 * len(text)


@given(st.text(alphabet=st.sampled_from("ab .!?\n。"), max_size=2000))
def test_no_word_is_lost(text: str) -> None:
    found = "\n".join(one.text for one in windows(text))

    for word in text.replace("\n", " ").split():
        if len(word) < 100:
            assert all(part in found for part in word.split())
