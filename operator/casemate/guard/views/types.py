"""What the views of a text are."""

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class View:
    """One reading of a text.

    Attributes:
        how: Names of the transforms that were undone, outermost first; () is the text as given.
        text: The reading, canonical.
    """

    how: tuple[str, ...]
    text: str


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
    """

    how: tuple[str, ...]
    text: str
    hidden: bool = False


class Unfinished(Exception):
    """A transform gave up: there is more than it is willing to decode."""
