from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from casemate.guard.bundle import Bundle
from casemate.guard.detect import Detection, detect
from casemate.guardfiles import shipped

BUNDLE = Bundle.from_bytes(shipped())
LINE = "domestic-mass-surveillance"
SURVEILLANCE = (
    "track the phones of every citizen in our cities without a warrant and list who protests"
)
ORDINARY = "please summarise the maintenance schedule of the trucks"


class Fixed:
    """Gives every text the vector that speaks most for or against all lines, and counts."""

    def __init__(self, sign: float) -> None:
        head = BUNDLE.vector
        towards = (head.vector @ head.outputs[:, : len(BUNDLE.lines)]).sum(1)
        self.vector: NDArray[np.float32] = (sign * towards / np.linalg.norm(towards)).astype(
            np.float32
        )
        self.asked = 0

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked += len(texts)
        return np.tile(self.vector, (len(texts), 1))


def look(bundle: Bundle, text: str, vectors: Any = None) -> Detection:
    (found,) = detect(bundle, [text], vectors)
    return found


def levels(**values: Any) -> Bundle:
    return replace(BUNDLE, levels=tuple(replace(each, **values) for each in BUNDLE.levels))


def test_a_request_across_a_line_is_found_without_a_vector_and_ordinary_work_is_not():
    found = look(BUNDLE, SURVEILLANCE).findings
    assert [(line, tier) for line, _, tier, _ in found] == [(LINE, "lexicon")]
    assert look(BUNDLE, ORDINARY).findings == ()


@pytest.mark.parametrize("vectors", [None, Fixed(-1)])
def test_what_concepts_alone_do_not_tell_is_not_said_to_be_the_lexicons(vectors: Fixed | None):
    head = BUNDLE.linear
    none = {name: 0 * getattr(head, name) for name in ("concepts", "pairs", "triples")}
    sure = levels(alone=0, certain=0)
    assert {tier for _, _, tier, _ in look(sure, ORDINARY, vectors).findings} == {"lexicon"}
    unsaid = replace(
        sure, linear=replace(head, bias=head.bias - 100, grams=head.grams + 100, **none)
    )
    bars = replace(unsaid, levels=levels(alone=0.5, certain=0.5).levels)
    assert {tier for _, _, tier, _ in look(bars, ORDINARY, vectors).findings} == {"linear"}


def test_a_vector_lifts_a_doubtful_text_or_lowers_it():
    doubtful = levels(floor=0, certain=1.1, threshold=0.5)
    assert look(doubtful, ORDINARY, Fixed(1)).findings
    assert look(doubtful, SURVEILLANCE, Fixed(-1)).findings == ()


def test_no_vector_undoes_what_the_linear_tier_is_certain_of():
    vector = Fixed(-1)
    found = look(levels(floor=0, certain=0.5, threshold=1), SURVEILLANCE, vector).findings
    assert [(line, tier) for line, _, tier, _ in found] == [(LINE, "lexicon")]


def test_text_far_below_any_line_is_let_go_without_asking_for_a_vector():
    vector = Fixed(1)
    assert look(levels(floor=0.95, certain=1.1), ORDINARY, vector).findings == ()
    assert vector.asked == 0
    look(levels(floor=0, certain=1.1), ORDINARY, vector)
    assert vector.asked == 1


def test_scores_are_probabilities_and_findings_name_sub_classes():
    (line, sub, tier, score), *_ = look(levels(certain=1.1), SURVEILLANCE, Fixed(1)).findings
    assert (line, tier) == (LINE, "embedder")
    assert sub in {name for at, name in BUNDLE.subs if at == 0}
    assert 0 < score <= 1


def test_texts_that_are_looked_at_together_are_each_judged_alone():
    bundle = levels(floor=0.02, certain=0.98, threshold=0.5)
    texts = [ORDINARY, SURVEILLANCE, "", SURVEILLANCE + "!", ORDINARY + "?"]

    for vectors in (None, Fixed(1), Fixed(-1)):
        assert detect(bundle, texts, vectors) == [look(bundle, text, vectors) for text in texts]


@pytest.mark.parametrize("text", ["", " ", "\n", "\U0001f600", "a" * 9000, "\ufffe", "😀" * 2000])
def test_any_text_can_be_judged(text: str):
    assert look(BUNDLE, text).findings == ()
