from itertools import combinations

import numpy as np
import pytest

from casemate.guard.features import count_pairs, count_triples, pairs, triples
from casemate.guard.folding import fold
from casemate.guard.ngrams import buckets

SIZE = 2**16


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
    first, second = set(buckets(fold(a), SIZE).tolist()), set(buckets(fold(b), SIZE).tolist())
    return len(first & second) / len(first | second)


def test_misspelt_words_share_many_ngrams_and_other_words_few():
    assert common("surveillance of the city", "surveilance of the city") > 0.4
    assert common("surveillance of the city", "my grandmother bakes bread") < 0.05


def test_the_order_of_words_and_letters_counts():
    assert common("dog bites man", "man bites dog") < 1
    assert common("abc", "cba") == 0


def test_pairs_of_characters_count_for_chinese_and_korean_alone():
    assert len(buckets(fold("监控"), SIZE)) == len(buckets(fold("ab"), SIZE)) + 1


@pytest.mark.parametrize("text", ["", "a", "ab", "é", "\U0001f600", "x " * 2000])
def test_any_text_has_buckets_within_the_size(text: str):
    found = buckets(fold(text), 16)
    assert ((found >= 0) & (found < 16)).all()


def test_ngrams_do_not_cross_words():
    together = set(buckets(fold("alpha beta"), SIZE).tolist())
    apart = set(buckets(fold("alpha"), SIZE).tolist()) | set(buckets(fold("beta"), SIZE).tolist())
    assert len(together - apart) == 1, "only the pair of words is new"
