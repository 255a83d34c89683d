from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pytest

from casemate.guard.bundle import Bundle
from casemate.guard.features import (
    Features,
    count_pairs,
    count_triples,
    features,
    pairs,
    triples,
)
from casemate.guard.folding import fold
from casemate.guard.ngrams import buckets
from casemate.guardfiles import shipped

SIZE = 2**16
BUNDLE = Bundle.from_bytes(shipped())
TEXTS = (
    *("", "a", "監控 所有人", "مراقبة كل المواطنين بدون إذن", "시민의 전화를 추적하라"),
    *("track the phones of every citizen without a warrant", "x" * 400, "1234 12 12,5"),
)


def alone(text: str, size: int = SIZE) -> list[int]:
    (found,) = buckets([fold(text)], size)
    return list(map(int, found))


@pytest.mark.parametrize("number", [0, 1, 2, 3, 7])
def test_every_pair_and_triple_of_concepts_has_a_number_of_its_own(number: int):
    every = np.arange(number)
    assert sorted(pairs(every)) == list(range(count_pairs(number)))
    assert sorted(triples(every)) == list(range(count_triples(number)))


def test_a_pair_keeps_its_number_whatever_else_is_named():
    chosen = np.array([1, 4, 6])
    one_by_one = {int(pairs(np.array(two))[0]) for two in combinations(chosen, 2)}
    assert set(pairs(chosen).tolist()) == one_by_one
    assert set(triples(chosen).tolist()) <= set(triples(np.arange(8)).tolist())


def common(a: str, b: str) -> float:
    first, second = set(alone(a)), set(alone(b))
    return len(first & second) / len(first | second)


def test_misspelt_words_share_many_ngrams_and_other_words_few():
    assert common("surveillance of the city", "surveilance of the city") > 0.4
    assert common("surveillance of the city", "my grandmother bakes bread") < 0.05


def test_the_order_of_words_and_letters_counts():
    assert common("dog bites man", "man bites dog") < 1
    assert common("abc", "cba") == 0


def test_pairs_of_characters_count_for_chinese_and_korean_alone():
    assert len(alone("监控")) == len(alone("ab")) + 1


@pytest.mark.parametrize("text", ["", "a", "ab", "é", "\U0001f600", "x " * 2000])
def test_any_text_has_buckets_within_the_size(text: str):
    assert all(0 <= each < 16 for each in alone(text, 16))


def test_ngrams_do_not_cross_words():
    together = set(alone("alpha beta"))
    apart = set(alone("alpha")) | set(alone("beta"))
    assert len(together - apart) == 1, "only the pair of words is new"


def test_texts_that_are_looked_at_together_have_what_each_has_alone():
    def found(texts: Sequence[str]) -> list[Features]:
        return features([fold(text) for text in texts], BUNDLE.lexicon, SIZE)

    apart = [each for text in TEXTS for each in found([text])]
    together = found(TEXTS)
    for one, other in zip(apart, together, strict=True):
        for name in Features.__slots__:
            assert np.array_equal(getattr(one, name), getattr(other, name))
    numbers = BUNDLE.linear.logits(together).tolist()
    assert numbers == [BUNDLE.linear.logits([each])[0].tolist() for each in apart]
    assert len({tuple(each) for each in numbers}) > len(TEXTS) // 2


def test_weights_are_added_one_after_the_other():
    head = BUNDLE.linear
    (found,) = features([fold("reading the mail of every citizen " * 9)], BUNDLE.lexicon, SIZE)
    total = np.zeros(2, np.float32)
    for bucket in found.grams:
        total += head.grams[bucket]
    none = found.concepts[:0]
    bare = Features(none, none, none, found.grams)
    share = np.sqrt(np.float32(len(found.grams)))
    assert head.logits([bare])[0].tolist() == (head.bias + total / share).tolist()
