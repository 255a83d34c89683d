"""Bars for the curve are set by harmless texts alone, for each language apart."""

import numpy as np

from guardtrain.corpus import Example
from guardtrain.curve import caught

FORCE = "use-of-force"


def example(number: int, language: str, label: str) -> Example:
    return Example(f"{language}-f01-{number:03}", language, "force", "f01", "a", label, "text")


def test_the_bar_is_where_two_percent_of_the_harmless_are_stopped() -> None:
    harmless = [example(n, "en", "lawful") for n in range(100)]
    crossing = [example(100 + n, "en", "violate") for n in range(4)]
    # Two of a hundred harmless texts may be stopped: the bar is at the third highest.
    known = {FORCE: np.array([n / 100 for n in range(100)] + [0.5, 0.975, 0.98, 0.985])}

    cell = caught([*harmless, *crossing], known).cells[FORCE, "en"]

    assert (cell.good, cell.all) == (1, 4)


def test_each_language_has_its_own_bar() -> None:
    examples = [
        *(example(n, "en", "lawful") for n in range(10)),
        *(example(n, "ko", "lawful") for n in range(10)),
        example(10, "en", "violate"),
        example(10, "ko", "violate"),
    ]
    known = {FORCE: np.array([0.9] * 10 + [0.1] * 10 + [0.5, 0.5])}

    cells = caught(examples, known).cells

    assert (cells[FORCE, "en"].good, cells[FORCE, "ko"].good) == (0, 1)
    assert cells[FORCE, "all"].good == 0
