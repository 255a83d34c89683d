"""Where a window stands, and what counts of that which is found in it.

Each part of a long text is one more chance to be wrong, so the more parts there are, the surer a
finding must be. What is said again is no further chance: repetition hides nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from casemate.guard.detect import Detection
from casemate.guard.types import UNCOVERED, Finding, Surface
from casemate.guard.views import View
from casemate.guard.windows import Part, Window, windows

_CHANCES, _SUREST = 0.5, 0.95
"""How fast the bar rises with the number of chances to be wrong, and where it ends; chosen so that
some 2 in 100 documents of a system are stopped, be they of 600 characters or of 8,000."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a window stands, and how sure a finding in it must be."""

    surface: Surface
    view: View
    window: Window
    bar: float

    def counted(self, detection: Detection) -> Iterator[Finding]:
        """Yield what counts of what was detected here."""
        for line, sub, tier, score in detection.findings:
            if score >= self.bar:
                yield Finding(line, sub, tier, self.surface.name, self.view.how, score)
        whole = self.window.part is not Part.SENTENCE
        if whole and not detection.covered and self.view.given:
            yield structural(UNCOVERED, self.surface)


def sure(groups: int) -> float:
    """Return how sure a finding must be in a text of so many different groups of sentences."""
    if not groups:
        return 0.0
    odds: float = groups**_CHANCES
    return min(odds / (1 + odds), _SUREST)


def places(surface: Surface, view: View) -> list[Place]:
    """Return the windows of a reading of a text, unless another reading says all of it."""
    if view.superseded:
        return []
    parts = list(windows(view.text))
    bar = sure(len({one.text for one in parts if one.part is Part.GROUP}))
    return [Place(surface, view, window, bar) for window in parts]


def structural(line: str, surface: Surface) -> Finding:
    """Return a finding that needs no look at what a text says."""
    return Finding(line, "", "structural", surface.name, (), 1.0)
