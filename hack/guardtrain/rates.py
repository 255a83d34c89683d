"""Rates with their bounds, by row and column."""

import math
from collections import defaultdict
from dataclasses import dataclass, field

_Z = 1.959964
"""Of a two-sided 95 % interval."""


@dataclass
class Rate:
    """How often something came out as it must.

    Attributes:
        good: Cases that did.
        all: All cases.
    """

    good: int = 0
    all: int = 0

    def add(self, *, good: bool) -> None:
        """Count a case."""
        self.good += good
        self.all += 1

    @property
    def percent(self) -> float:
        """The rate."""
        return 100 * self.good / self.all if self.all else 0.0

    @property
    def bounds(self) -> tuple[float, float]:
        """Wilson's bounds of the rate at 95 %, in percent."""
        if not self.all:
            return 0.0, 100.0
        share, n = self.good / self.all, self.all
        centre = share + _Z * _Z / (2 * n)
        spread = _Z * math.sqrt(share * (1 - share) / n + _Z * _Z / (4 * n * n))
        scale = 1 + _Z * _Z / n
        return 100 * max(0.0, centre - spread) / scale, 100 * min(1.0, (centre + spread) / scale)

    def __str__(self) -> str:
        """Say it with its bounds."""
        low, high = self.bounds
        return f"{self.percent:.1f} % of {self.all} ({low:.0f}–{high:.0f})"  # noqa: RUF001  a range


@dataclass
class Rates:
    """Rates by row and column."""

    cells: dict[tuple[str, str], Rate] = field(default_factory=lambda: defaultdict(Rate))

    def add(self, row: str, column: str, *, good: bool) -> None:
        """Count a case."""
        self.cells[row, column].add(good=good)
