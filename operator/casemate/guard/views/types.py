"""What the views of a text are."""

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class View:
    """One reading of a text.

    Attributes:
        how: Names of the transforms that were undone, outermost first; () is the text as given.
        text: The reading, canonical.
        superseded: Whether another view says all that this one says, and only that one is text: the
            letters of this one are spaced out. As a text it is noise that looks like anything.
    """

    how: tuple[str, ...]
    text: str
    superseded: bool = False

    @property
    def given(self) -> bool:
        """Whether it is the text as it was written, but for spaces between its letters."""
        return not self.superseded and self.how in {(), ("spaced",)}


@dataclass(frozen=True, slots=True)
class Views:
    """All readings of a text.

    Attributes:
        views: The text itself first, then what was found under its disguises.
        hidden: Names of what had been hidden: payloads that decode to readable text, invisible
            characters, look-alikes. In the order of finding, each once.
        complete: False if the budget ended before the search did: more may be hidden, so refuse.
    """

    views: tuple[View, ...]
    hidden: tuple[str, ...]
    complete: bool


class Found(NamedTuple):
    """What a transform read.

    Attributes:
        how: Names of the transforms undone, outermost first; two if only both together tell.
        text: The reading, not yet canonical: letters' case and spaces may carry a second code.
        hidden: Whether somebody had to encode it on purpose.
        instead: Whether it has every word of what it was read from, which says nothing more.
    """

    how: tuple[str, ...]
    text: str
    hidden: bool = False
    instead: bool = False


class Unfinished(Exception):
    """A transform gave up: there is more than it is willing to decode."""
