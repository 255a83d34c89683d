"""What would be caught if thresholds let a given share of harmless texts be stopped.

A rate at the thresholds that ship says what users meet; this one compares bundles, whose thresholds
differ.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from casemate import guardfiles, judges
from casemate.guard.detect import detect
from casemate.guard.views import canonical
from guardtrain.corpus import VIOLATE, Example
from guardtrain.rates import Rates

SHARE = 0.02
"""Of harmless texts, lawful twins and everyday requests together."""
Floats = NDArray[np.float64]


def scores(examples: Sequence[Example]) -> dict[str, Floats]:
    """Return by line how sure the guard is of each example as a whole, from 0 to 1."""
    bundle = judges.bundle_of(guardfiles.shipped())
    # Every text goes to the vector, and every score becomes a finding.
    open_ = tuple(replace(one, floor=0.0, certain=2.0, threshold=0.0) for one in bundle.levels)
    texts = [canonical(each.text) for each in examples]
    found = detect(replace(bundle, levels=open_), texts, judges.vectors(bundle))
    table = [{line: score for line, _, _, score in one.findings} for one in found]
    return {line: np.array([one[line] for one in table]) for line in bundle.lines}


def caught(examples: Sequence[Example], known: dict[str, Floats]) -> Rates:
    """Return how many of each line would be caught by language, and over all in column `all`.

    The bar of a line and language is where `SHARE` of its harmless texts are stopped; of `all`, of
    all harmless texts.
    """
    rates = Rates()
    harmless = np.array([each.label != VIOLATE for each in examples])
    languages = np.array([each.language for each in examples])
    for line, values in known.items():
        own = np.array([each.line_id == line for each in examples])
        for column in ("all", *sorted(set(languages))):
            within = (languages == column) | (column == "all")
            bar = np.quantile(values[harmless & within], 1 - SHARE, method="higher")
            for value in values[own & within]:
                rates.add(line, column, good=bool(value > bar))
    return rates
