"""A rate that falls by more than two points is told; one that falls less is not."""

import pytest

from guardtrain.card import worse
from guardtrain.rates import Rate

COMMITTED = {"use-of-force": 90.0, "lawful": 97.0}


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ({"use-of-force": 89.0, "lawful": 97.0}, ""),
        ({"use-of-force": 99.0, "lawful": 95.0}, ""),
        ({"use-of-force": 87.0, "lawful": 97.0}, "use-of-force: 87.0 %, was 90.0 %"),
        ({"use-of-force": 90.0}, "lawful: 0.0 %, was 97.0 %"),
    ],
)
def test_only_a_fall_of_more_than_two_points_is_told(now: dict[str, float], told: str) -> None:
    assert worse(COMMITTED, now) == told


def test_bounds_are_wilsons() -> None:
    low, high = Rate(good=90, all=100).bounds

    # From the formula by hand, as in Brown, Cai and DasGupta (2001).
    assert (round(low, 1), round(high, 1)) == (82.6, 94.5)
    assert Rate().bounds == (0.0, 100.0)
